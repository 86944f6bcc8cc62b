"""The K-sample bound, without bias."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.tied import TiedPair, added, generation_update, recognition_update
from vestige.numerics import logsumexp
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.proposals import AbstractProposal, Upward
from vestige.rules.tied.rows import drawn, elbo_metrics, flat, rows_of, stepped
from vestige.rules.tied.samples import at_least_one, log_mean
from vestige.typing import Batch, Key


class VIMCO(AbstractRule):
    """The gradient of E log 1/K Σ_k p(x, h_k) / q(h_k | x) (Mnih & Rezende 2016; notes, section 6.2).

    Each sample's signal is the bound less what it would be with the geometric mean of the others in its place: a
    baseline that does not look at the sample. Metrics: `negative_elbo` (one sample), `negative_iw_elbo` (K samples).

    **Arguments:** `samples`: K, at least 2. `proposal`: must not depend on anything but q: `Upward()`.
    """

    samples: int = eqx.field(static=True, default=5)
    proposal: AbstractProposal = Upward()

    def __check_init__(self):
        at_least_one("VIMCO", self.samples, 2)
        if not isinstance(self.proposal, Upward):
            raise ValueError(
                f"VIMCO: the bound is that of the recognition network, so the proposal must be Upward(), got "
                f"{type(self.proposal).__name__}. Use ReweightedWakeSleep"
            )

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> None:
        return None

    def step(self, model: TiedPair, carry: None, batch: Batch, *, key: Key) -> Step:
        net = model.resolve()
        rows = rows_of(net, batch)
        count = rows.data.shape[0]
        draws = drawn(net, self.proposal, rows, self.samples, key=key)
        weights = jax.nn.softmax(draws.log_weights, axis=1)
        signals = left_out(draws.log_weights)
        states = flat(draws.states)
        below = (signals - weights).reshape(-1)
        drawn_top = jnp.where(rows.known, 0.0, 1.0).astype(weights.dtype)[:, None]
        top = ((signals - weights) * drawn_top).reshape(-1)  # a label that is given is not drawn: it has no score
        change = added(
            generation_update(net, states, weights.reshape(-1)),
            recognition_update(net, states, (*(below,) * (net.depth - 1), top)),
        )
        metrics = {**elbo_metrics(draws), "negative_iw_elbo": -jnp.mean(log_mean(draws.log_weights))}
        return stepped(model, change, count, None, metrics)


def left_out(log_weights: Float[Array, "rows samples"]) -> Float[Array, "rows samples"]:
    """log 1/K Σ_j w_j less the same with w_k replaced by the geometric mean of the others, for every k. O(K²)."""
    samples = log_weights.shape[1]
    geometric = (jnp.sum(log_weights, axis=1, keepdims=True) - log_weights) / (samples - 1)
    own = jnp.eye(samples, dtype=bool)[None]
    replaced = jnp.where(own, geometric[:, :, None], log_weights[:, None, :])
    return logsumexp(log_weights, 1)[:, None] - logsumexp(replaced, 2)
