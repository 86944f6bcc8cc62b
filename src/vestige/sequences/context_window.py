"""A sequence that shows at every step the last few as well."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from vestige.sequences.contract import AbstractSequence, Window
from vestige.typing import PyTree


class ContextWindow(eqx.Module):
    """What can be seen at a step without remembering anything."""

    now: PyTree[Array]
    """The step's own inputs."""
    recent: PyTree[Array]
    """Those of the last `width` steps, its own last: leaves (width, …)."""
    inside: Bool[Array, "*time width"]
    """Which of them the sequence has; the others mean nothing."""


class ContextWindowSequence(AbstractSequence):
    """`sequence`, with [`ContextWindow`][vestige.sequences.ContextWindow] inputs: its own and the last `width` steps'.

    For a predictor that is queried about a distant step and must see where that is: the last of ten equal questions in
    a row is distinguished from the first by what comes before it. Windows take `width` times the storage.

    **Raises:** `ValueError` where `width < 1`.
    """

    sequence: AbstractSequence
    width: int = eqx.field(static=True)

    def __init__(self, sequence: AbstractSequence, width: int):
        if width < 1:
            raise ValueError(f"ContextWindowSequence: width counts the step itself, so it is at least 1; got {width}")
        self.sequence, self.width = sequence, width

    @property
    def length(self) -> Int[Array, "*batch"]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.sequence.length

    def window(self, start: Int[Array, ""], size: int) -> Window:
        lead = self.width - 1
        wide = self.sequence.window(start - lead, size + lead)
        own = jax.tree.map(lambda leaf: leaf[lead:], wide)
        places = jnp.arange(size)[:, None] + jnp.arange(self.width)[None, :]
        recent, inside = jax.tree.map(lambda leaf: leaf[places], (wide.inputs, wide.inside))
        return Window(ContextWindow(own.inputs, recent, inside), own.outcomes, own.known, own.inside)
