"""Reweighted wake-sleep."""

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.tied import TiedPair, added, generation_update, recognition_update, times
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.proposals import AbstractProposal, Upward
from vestige.rules.tied.reading import reading_update
from vestige.rules.tied.rows import drawn, elbo_metrics, flat, model_samples, rows_of, stepped
from vestige.rules.tied.samples import at_least_one, check_shares, log_mean
from vestige.typing import Batch, Key


class ReweightedWakeSleep(AbstractRule):
    """Wake-sleep with K weighted samples for a row (Bornschein & Bengio 2015; notes, section 3.3, L3).

    Weights softmax_k(log p(x, h_k) - log q(h_k | x)), with the label in p where it is known; p ascends the weighted
    log p, q a mixture of the weighted log q and of dreams. Biased by O(1/K) towards q, consistent. Local like
    wake-sleep. Metrics: `negative_elbo` (one sample) and `negative_iw_elbo` (K samples), nats.

    **Arguments:**

    - `samples`: K, at least 1; 1 with `real=0` is plain wake-sleep.
    - `real`: part of the recognition update that comes from the weighted samples instead of dreams, in [0, 1].
    - `proposal`: `Upward()`, or `Guided()`, which lets the label take part.
    - `reading`: weight of a further local update of the last connection on real labels, as in `WakeSleep`. With
      `Guided()` it matters: otherwise that connection only meets hidden states that have seen the label.
    """

    samples: int = eqx.field(static=True, default=5)
    real: float = eqx.field(static=True, default=0.5)
    proposal: AbstractProposal = Upward()
    reading: float = eqx.field(static=True, default=0.0)

    def __check_init__(self):
        at_least_one("ReweightedWakeSleep", self.samples)
        check_shares("ReweightedWakeSleep", self.real, self.reading)

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> None:
        return None

    def step(self, model: TiedPair, carry: None, batch: Batch, *, key: Key) -> Step:
        key_wake, key_sleep, key_read = jax.random.split(key, 3)
        net = model.resolve()
        rows = rows_of(net, batch)
        count = rows.data.shape[0]
        draws = drawn(net, self.proposal, rows, self.samples, key=key_wake)
        weights = jax.nn.softmax(draws.log_weights, axis=1).reshape(-1)
        states = flat(draws.states)
        changes = [generation_update(net, states, weights)]
        if self.real > 0:
            changes.append(times(self.real, recognition_update(net, states, weights)))
        if self.real < 1:
            dreams = model_samples(net, rows, key=key_sleep)
            changes.append(times(1 - self.real, recognition_update(net, dreams, jnp.ones(count, weights.dtype))))
        if self.reading > 0:
            changes.append(reading_update(net, rows, self.reading, key=key_read))
        metrics = {**elbo_metrics(draws), "negative_iw_elbo": -jnp.mean(log_mean(draws.log_weights))}
        return stepped(model, added(*changes), count, None, metrics)
