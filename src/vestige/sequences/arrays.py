"""A sequence that is in memory."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.numerics import require_support
from vestige.sequences.contract import AbstractSequence, Window
from vestige.typing import PyTree


class ArraySequence(AbstractSequence):
    """Inputs and outcomes as arrays, time first, of which the first `length` steps count.

    `known` is None where every step has an outcome. Many sequences are one with a leading axis on everything.

    **Raises:** `ValueError` where inputs, outcomes and `known` differ in their steps, or where a concrete `length` is
    negative or larger than these.
    """

    inputs: PyTree[Array]
    outcomes: PyTree[Array]
    length: Int[Array, ""]
    known: Bool[Array, " time"] | None = None

    def __check_init__(self):
        axis = jnp.ndim(self.length)
        leaves = jax.tree.leaves((self.inputs, self.outcomes, self.known))
        if any(jnp.ndim(leaf) <= axis for leaf in leaves):
            raise ValueError("ArraySequence: inputs, outcomes and known must have a time axis, got numbers without one")
        steps = sorted({leaf.shape[axis] for leaf in leaves})
        if len(steps) > 1:
            counts = " and ".join(map(str, steps))
            raise ValueError(f"ArraySequence: inputs, outcomes and known must have as many steps, got {counts}")
        require_support(
            self.length,
            lambda length: (length >= 0) & (length <= steps[0]),
            owner="ArraySequence",
            expected=f"length must be at most the {steps[0]} steps that there are",
        )

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps = start + jnp.arange(size, dtype=start.dtype)
        inside = (steps >= 0) & (steps < self.length)
        where = jnp.where(inside, steps, 0)
        inputs, outcomes = jax.tree.map(lambda leaf: leaf[where], (self.inputs, self.outcomes))
        return Window(inputs, outcomes, inside if self.known is None else inside & self.known[where], inside)
