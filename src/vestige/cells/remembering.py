"""A cell with an external memory behind it."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell
from vestige.memory import AbstractFeedbackMemory, AbstractMemory


class RememberingState(NamedTuple):
    """The states of both parts: the controlling `cell` and the `memory`."""

    cell: Any
    memory: Any


class Remembering(AbstractCell[RememberingState]):
    """Memory-augmented cell: any memory behind any cell, which steers it and receives what it reads.

    `h = cell([x, feedback])`, `c = memory.read(h)`, output `[h, c]`; then `memory.write(z, h)` with
    `z = tanh(W [x, h])`, of the width for which the memory was built.

    **Arguments:**

    - `cell`: with inputs of the width of x and of the memory's feedback.
    - `memory`: built for the cell's output width.
    - `summary`: W, what of a step is written: from the widths of x and h to that of z.
    """

    cell: AbstractCell[Any]
    memory: AbstractMemory
    summary: eqx.nn.Linear
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, cell: AbstractCell[Any], memory: AbstractMemory, summary: eqx.nn.Linear):
        self.cell, self.memory, self.summary = cell, memory, summary
        self.output_size, self.drive_size = cell.output_size + memory.context_size, cell.drive_size

    def init(self) -> RememberingState:
        return RememberingState(self.cell.init(), self.memory.init())

    def __call__(
        self, state: RememberingState, x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[RememberingState, Float[Array, " hidden"]]:
        seen = x
        if isinstance(self.memory, AbstractFeedbackMemory):
            seen = jnp.concatenate([x, self.memory.feedback(state.memory)])
        cell, h = self.cell(state.cell, seen, drive)
        context, memory, _ = self.memory.read(state.memory, h)
        memory = self.memory.write(memory, jnp.tanh(self.summary(jnp.concatenate([x, h]))), h)
        return RememberingState(cell, memory), jnp.concatenate([h, context])
