"""A sequence that is in memory."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.sequences.contract import AbstractSequence, Window
from vestige.typing import PyTree


class ArraySequence(AbstractSequence):
    """Inputs and outcomes as arrays, time first, of which the first `length` steps count.

    `known` is None where every step has an outcome.
    """

    inputs: PyTree[Array]
    outcomes: PyTree[Array]
    length: Int[Array, ""]
    known: Bool[Array, " time"] | None = None

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps = start + jnp.arange(size, dtype=start.dtype)
        inside = (steps >= 0) & (steps < self.length)
        where = jnp.where(inside, steps, 0)
        inputs, outcomes = jax.tree.map(lambda leaf: leaf[where], (self.inputs, self.outcomes))
        return Window(inputs, outcomes, inside if self.known is None else inside & self.known[where], inside)
