"""Cells on top of each other."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from vestige.cells.contract import AbstractCell


class Stacked(AbstractCell[tuple[Any, ...]]):
    """Each cell reads the output of the one below; the drive goes to the lowest, the output comes from the highest.

    Its state is the tuple of theirs.

    **Arguments:**

    - `cells`: from the lowest to the highest, each built for inputs of the width of the output below.

    **Raises:** `ValueError` where `cells` is empty.
    """

    cells: tuple[AbstractCell[Any], ...]
    output_size: int = eqx.field(static=True)
    drive_size: int = eqx.field(static=True)

    def __init__(self, cells: Sequence[AbstractCell[Any]]):
        if not cells:
            raise ValueError("Stacked: needs at least one cell")
        self.cells = tuple(cells)
        self.output_size, self.drive_size = self.cells[-1].output_size, self.cells[0].drive_size

    def init(self) -> tuple[Any, ...]:
        return tuple(cell.init() for cell in self.cells)

    def __call__(
        self, state: tuple[Any, ...], x: Float[Array, " features"], drive: Float[Array, " drive"] | None = None
    ) -> tuple[tuple[Any, ...], Float[Array, " hidden"]]:
        lowest, x = self.cells[0](state[0], x, drive)
        states = [lowest]
        for cell, below in zip(self.cells[1:], state[1:], strict=True):
            above, x = cell(below, x)
            states.append(above)
        return tuple(states), x
