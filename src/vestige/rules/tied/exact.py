"""The likelihood itself, of nets that can be enumerated."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from vestige.models.tied import TiedPair, added, generation_update, hidden_states, recognition_update, times
from vestige.numerics import logsumexp
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.tied.rows import rows_of, stepped
from vestige.typing import Batch, Key


class ExactLikelihood(AbstractRule):
    """∇log p(x) = Σ_h p(h | x) ∇log p(x, h) over all hidden states (notes, section 3.3, L6).

    Recognition ascends Σ_h p(h | x) log q(h | x), that is, descends KL(p(h | x) ‖ q(h | x)). What reweighted wake-sleep
    becomes with endless samples; no noise. Known labels are clamped. O(rows · hidden states · weights).
    Metrics: `nll`, exact, nats; of data and label where that is known.

    **Arguments:** `real`: weight of the recognition update; 0: the likelihood's gradient alone.

    **Raises:** `ValueError` at the first step where there are more than 2^20 hidden states.
    """

    real: float = eqx.field(static=True, default=1.0)

    def init(self, model: TiedPair, batch: Batch, *, key: Key) -> None:
        return None

    def step(self, model: TiedPair, carry: None, batch: Batch, *, key: Key) -> Step:
        net = model.resolve()
        rows = rows_of(net, batch)
        count = rows.data.shape[0]
        hidden = hidden_states(net)
        states_count = hidden[0].shape[0]

        def joint(data: Array, top: Array, known: Array) -> Array:
            log_p = jax.vmap(lambda *h: net.log_p((data, *h)))(*hidden)
            same = jnp.all((hidden[-1] == top[None]).reshape(states_count, -1), axis=1)
            return jnp.where(known & ~same, -jnp.inf, log_p)

        log_p = jax.vmap(joint)(rows.data, rows.top, rows.known)
        weights = jax.nn.softmax(log_p, axis=1).reshape(-1)
        data = jnp.repeat(rows.data, states_count, axis=0)
        states = (data, *(jnp.tile(h, (count, *(1,) * (h.ndim - 1))) for h in hidden))
        change = generation_update(net, states, weights)
        if self.real:
            change = added(change, times(self.real, recognition_update(net, states, weights)))
        return stepped(model, change, count, None, {"nll": -jnp.mean(logsumexp(log_p, 1))})
