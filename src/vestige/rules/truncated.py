"""Back-propagation through time, cut every few steps."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from vestige.rules.clip import check_clip, clipped
from vestige.rules.contract import AbstractRule, Step
from vestige.rules.rollout import current_loss, unroll
from vestige.rules.slots import Slots, empty
from vestige.typing import Batch, Key


class Truncated(AbstractRule):
    """Truncated BPTT on long sequences: one rollout of every slot per update, the loss at each of its known steps.

    | crosses a rollout's border | with gradient | without |
    |---|---|---|
    | the memory's state | no | yes |
    | anything of later steps | no | no |

    So nothing ever makes the memory keep something for longer than a rollout. A slot whose sequence has ended
    takes one of the batch; states that cross updates were made by slightly older weights.

    Backward storage is that of `rollout` steps, whatever the length of the sequences.

    **Arguments:**

    - `rollout`: steps per update.
    - `clip`: bound on the gradient's global norm; None for none.
    """

    rollout: int = eqx.field(static=True)
    clip: float | None = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        if self.rollout < 1:
            raise ValueError(f"Truncated: rollout must be at least 1, got {self.rollout}")
        check_clip("Truncated", self.clip)

    def init(self, model: Any, batch: Batch, *, key: Key) -> Slots:
        return empty(batch.inputs, model.init())

    def needs_batch(self, carry: Slots) -> Bool[Array, ""]:
        return jnp.any(carry.ended)

    def step(self, model: Any, carry: Slots, batch: Batch, *, key: Key) -> Step:
        slots = carry.refilled(batch.inputs, model.init())
        parameters, rest = eqx.partition(model, eqx.is_inexact_array)

        def loss(parameters):
            whole = eqx.combine(parameters, rest)

            def one(sequence, offset, state):
                rollout = unroll(whole, sequence, offset, jax.lax.stop_gradient(state), self.rollout)
                return current_loss(whole, rollout), rollout.state

            losses, states = jax.vmap(one)(slots.sequence, slots.offset, slots.state)
            return jnp.mean(losses), states

        (value, states), grads = jax.value_and_grad(loss, has_aux=True)(parameters)
        grads, norm = clipped(grads, self.clip)
        after = Slots(slots.sequence, slots.offset + self.rollout, jax.lax.stop_gradient(states))
        return Step(grads, after, {"loss": value, "grad_norm": norm})
