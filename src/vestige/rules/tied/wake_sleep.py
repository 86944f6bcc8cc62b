"""Wake-sleep, on tied weights or not."""

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.tied import TiedPair, added, generation_update, recognition_update, times
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.proposals import AbstractProposal, Upward
from vestige.rules.tied.reading import reading_update
from vestige.rules.tied.rows import drawn, elbo_metrics, flat, model_samples, rows_of, stepped
from vestige.rules.tied.samples import check_shares
from vestige.typing import Batch, Key


class WakeSleep(AbstractRule):
    """Each network learns from states that the other one sampled (Hinton et al. 1995; on tied weights the symmetric
    rule, notes section 3.3, L1).

    Crosses a layer: sampled states. Crosses no layer: any gradient. Each update is a state times the error of a unit's
    own prediction of a neighbouring layer, so all layers may be updated at once, and backward storage is none.

    ```
    wake    x⁰ data, x^k sampled upward, label clamped:   ascend log p(x⁰ … xⁿ)    in W, u
    sleep   xⁿ from the prior, x^k sampled downward:      ascend log q(x¹ … xⁿ|x⁰) in R, v
    ```

    Untied, either is unbiased for its own objective. Tied, the sum is no gradient of any function: watch
    `negative_elbo` and the likelihood instead. Metrics: `negative_elbo`, nats.

    **Arguments:**

    - `proposal`: who samples the hidden layers in the wake phase. `Upward()`, the recognition network, is the original
      rule; `Guided()` lets the label take part.
    - `real`: part of the recognition update that comes from the states of the wake phase instead of dreams, in [0, 1].
      With 0, recognition never sees real data, and never a real label. With more, it learns to predict what the label
      made of the hidden layers, and the label from the last of them; still locally.
    - `reading`: weight of a further local update of the last connection alone, on real labels: log q(y | x^{n-1}) with
      x^{n-1} sampled upward without the label.

    **Raises:** `ValueError` where `real` is not in [0, 1] or `reading` is negative.
    """

    proposal: AbstractProposal = Upward()
    real: float = eqx.field(static=True, default=0.0)
    reading: float = eqx.field(static=True, default=0.0)

    def __check_init__(self):
        check_shares("WakeSleep", self.real, self.reading)

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> None:
        return None

    def step(self, model: TiedPair, carry: None, batch: Batch, *, key: Key) -> Step:
        key_wake, key_sleep, key_read = jax.random.split(key, 3)
        net = model.resolve()
        rows = rows_of(net, batch)
        count = rows.data.shape[0]
        wake = drawn(net, self.proposal, rows, 1, key=key_wake)
        ones = jnp.ones(count, rows.data.dtype)
        states = flat(wake.states)
        changes = [generation_update(net, states, ones)]
        if self.real < 1:
            dreams = recognition_update(net, model_samples(net, rows, key=key_sleep), ones)
            changes.append(times(1 - self.real, dreams))
        if self.real > 0:
            changes.append(times(self.real, recognition_update(net, states, ones)))
        if self.reading > 0:
            changes.append(reading_update(net, rows, self.reading, key=key_read))
        return stepped(model, added(*changes), count, None, elbo_metrics(wake))
