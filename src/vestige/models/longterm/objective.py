"""The loss of a whole sequence, for back-propagation through all of it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.longterm.contract import AbstractLongTermModel
from vestige.numerics import masked_where
from vestige.sequences import AbstractSequence
from vestige.typing import Batch, Key, Metrics


class WholeSequence(eqx.Module):
    """Minus the mean loss at the known steps of a sequence, each predicted from m_k and x_k.

    For `Gradient(WholeSequence(steps))`, the yardstick of rules that store less: the backward pass stores all `steps`
    of the memory. With `segment`, it stores the state at every `segment`-th step and computes one segment again at a
    time: `steps / segment + segment` steps, least at the root of `steps`, for one more forward pass. The gradient is
    the same.

    **Arguments:**

    - `steps`: the longest length; what lies beyond a sequence's end counts for nothing.
    - `segment`: steps between two kept states; None keeps all.

    **Raises:** `ValueError` where `steps < 1` or `segment` is not in 1..`steps`.
    """

    steps: int = eqx.field(static=True)
    segment: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.steps < 1:
            raise ValueError(f"WholeSequence: steps must be at least 1, got {self.steps}")
        if self.segment is not None and not 1 <= self.segment <= self.steps:
            raise ValueError(f"WholeSequence: segment must be in 1..{self.steps}, got {self.segment}")

    def __call__(self, model: AbstractLongTermModel, example: Batch, *, key: Key) -> tuple[Float[Array, ""], Metrics]:
        sequence = example.inputs
        assert isinstance(sequence, AbstractSequence)
        size = self.steps if self.segment is None else self.segment

        def unroll(state: Any, start: Array) -> tuple[Any, tuple[Array, Array]]:
            window = sequence.window(start, size)
            state, memories = model.encode(state, window.inputs, window.inside)
            inputs, outcomes = masked_where(window.known, (window.inputs, window.outcomes))
            losses = jax.vmap(model.surprise)(memories, inputs, outcomes)
            return state, (jnp.sum(jnp.where(window.known, losses, 0.0)), jnp.sum(window.known, dtype=losses.dtype))

        starts = size * jnp.arange(-(-self.steps // size), dtype=jnp.int32)
        body = unroll if self.segment is None else jax.checkpoint(unroll, prevent_cse=False)
        _, (losses, known) = jax.lax.scan(body, model.init(), starts)
        loss = jnp.sum(losses) / jnp.maximum(jnp.sum(known), 1.0)
        return -loss, {"loss": loss}
