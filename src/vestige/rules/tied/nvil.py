"""The evidence lower bound by the score function, with baselines."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators import AbstractBaseline, RunningMean
from vestige.models.tied import TiedPair, added, generation_update, recognition_update
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.proposals import Upward
from vestige.rules.tied.rows import drawn, elbo_metrics, flat, rows_of, stepped
from vestige.rules.tied.samples import at_least_one
from vestige.typing import Batch, Key


class NVILCarry(NamedTuple):
    """The baselines of the learning signals."""

    baselines: tuple[AbstractBaseline, ...]
    """For each hidden layer."""
    variance: Float[Array, ""]
    """Running mean of the squared signals."""


class NVIL(AbstractRule):
    """The gradient of the evidence lower bound, by the score function (Mnih & Gregor 2014; notes, section 3.3, L2).

    E_q[∇log p] + E_q[(l - c) ∇log q], l = log p(x, h) - log q(h | x). Signals are local: for layer k only the terms of
    l that depend on layer k or what is above it. c is a baseline of `vestige.estimators`, one a layer, trained here by
    gradient descent; signals are divided by max(1, their running deviation), which is that of the steps before and so
    does not bias the direction of any layer. Metrics: `negative_elbo`, nats.

    **Arguments:**

    - `baseline`: `RunningMean()`, `Learned(network)` (of the data of one row, flat), `MeanOfOthers()` (2 samples or
      more) or `NoBaseline()`.
    - `samples`: draws for a row, at least 1.
    - `rate`: step size of the baseline; for `RunningMean` one minus its decay.
    - `decay`: of the running variance; None: signals are not divided by it.
    - `local`: False: every layer gets the whole of l, which is unbiased too and noisier.
    """

    baseline: AbstractBaseline = eqx.field(default_factory=RunningMean)
    samples: int = eqx.field(static=True, default=1)
    rate: float = eqx.field(static=True, default=0.1)
    decay: float | None = eqx.field(static=True, default=0.9)
    local: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        at_least_one("NVIL", self.samples)
        if self.decay is not None and not 0 <= self.decay < 1:
            raise ValueError(f"NVIL: decay must be in [0, 1) or None, got {self.decay}")

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> NVILCarry:
        return NVILCarry((self.baseline,) * len(model.ties), jnp.ones((), batch.inputs.dtype))

    def step(self, model: TiedPair, carry: NVILCarry, batch: Batch, *, key: Key) -> Step:
        net = model.resolve()
        rows = rows_of(net, batch)
        count = rows.data.shape[0]
        draws = drawn(net, Upward(), rows, self.samples, key=key)
        p, q = (jax.vmap(jax.vmap(terms))(draws.states) for terms in (net.log_p_terms, net.log_q_terms))
        # A label that is given is not drawn: no score, and no cost.
        q = q.at[..., -1].multiply(jnp.where(rows.known, 0.0, 1.0)[:, None].astype(q.dtype))
        each = jnp.concatenate([p[..., :-1] - q, p[..., -1:]], axis=-1)
        # Term k: log p(x^k | x^{k+1}) - log q(x^{k+1} | x^k). Layer k + 1 enters from term k on.
        signals = jnp.flip(jnp.cumsum(jnp.flip(each, -1), -1), -1)[..., :-1]
        if net.shortcuts is not None:  # by which the top enters lower layers too
            lower = jnp.sum(p[..., jnp.asarray(net.shortcuts.layers)], axis=-1)
            signals = signals.at[..., -1].add(lower)
        signals = signals if self.local else jnp.broadcast_to(signals[..., :1], signals.shape)
        context = jax.vmap(lambda x: net.seen(0, x))(rows.data).reshape(count, -1)
        weights, baselines = [], []
        for k, baseline in enumerate(carry.baselines):
            costs = signals[..., k]
            centred = costs - jax.vmap(baseline)(costs, context)
            weights.append(centred)
            baselines.append(self._trained(baseline, costs, context))
        learnt = jnp.stack(weights)
        scale, variance = jnp.ones((), p.dtype), carry.variance
        if self.decay is not None:
            scale = jnp.maximum(jnp.sqrt(carry.variance), 1.0)
            variance = self.decay * carry.variance + (1 - self.decay) * jnp.mean(learnt**2)
        learnt = learnt / scale
        drawn_top = jnp.where(rows.known, 0.0, 1.0).astype(p.dtype)
        learnt = learnt.at[-1].multiply(drawn_top[:, None])
        states = flat(draws.states)
        share = 1.0 / self.samples
        change = added(
            generation_update(net, states, jnp.full(count * self.samples, share, p.dtype)),
            recognition_update(net, states, tuple(share * w.reshape(-1) for w in learnt)),
        )
        return stepped(model, change, count, NVILCarry(tuple(baselines), variance), elbo_metrics(draws))

    def _trained(self, baseline: AbstractBaseline, costs: Array, context: Array) -> AbstractBaseline:
        """After one step of gradient descent on the baseline's own loss."""
        parameters, rest = eqx.partition(baseline, eqx.is_inexact_array)

        def loss(parameters):
            whole = eqx.combine(parameters, rest)
            return jnp.mean(jax.vmap(whole.loss)(costs, context))

        slopes = jax.grad(loss)(parameters)
        return eqx.combine(jax.tree.map(lambda a, g: a - self.rate * g, parameters, slopes), rest)
