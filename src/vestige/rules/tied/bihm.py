"""The bidirectional Helmholtz machine."""

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.tied import TiedPair, added, generation_update, recognition_update
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.proposals import AbstractProposal, Upward
from vestige.rules.tied.rows import drawn, elbo_metrics, flat, rows_of, stepped
from vestige.rules.tied.samples import at_least_one, log_mean
from vestige.typing import Batch, Key


class BidirectionalHelmholtz(AbstractRule):
    """Learns p*(x) = (Σ_h √(p(x, h) q(h|x)))² / Z² (Bornschein et al. 2016; notes, section 3.3, L4).

    Weights w = softmax_k(½ (log p - log q)); p ascends Σ w log p, q ascends Σ (w - 1/K) log q. No dreams: it
    draws p and q together, and is the natural partner of tied weights. With one sample recognition does not learn.
    Local. Metrics: `negative_elbo`, and `negative_half_elbo`, minus 2 log 1/K Σ √(p/q), nats.

    **Arguments:** `samples`: K, at least 1. `proposal`: as for `ReweightedWakeSleep`.
    """

    samples: int = eqx.field(static=True, default=5)
    proposal: AbstractProposal = Upward()

    def __check_init__(self):
        at_least_one("BidirectionalHelmholtz", self.samples)

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> None:
        return None

    def step(self, model: TiedPair, carry: None, batch: Batch, *, key: Key) -> Step:
        net = model.resolve()
        rows = rows_of(net, batch)
        draws = drawn(net, self.proposal, rows, self.samples, key=key)
        weights = jax.nn.softmax(0.5 * draws.log_weights, axis=1)
        states = flat(draws.states)
        change = added(
            generation_update(net, states, weights.reshape(-1)),
            recognition_update(net, states, (weights - 1 / self.samples).reshape(-1)),
        )
        metrics = {**elbo_metrics(draws), "negative_half_elbo": -2 * jnp.mean(log_mean(0.5 * draws.log_weights))}
        return stepped(model, change, rows.data.shape[0], None, metrics)
