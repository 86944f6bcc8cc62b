"""The contract of a table that is read a batch of rows at a time."""

import abc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vestige.errors import UsageError, nearest

BATCH_CELLS = 2**18
"""How many cells are read at a time: about 20 MB as texts, 2 MB as numbers."""
READ_CELLS = 2**26
"""How many cells may be read into memory at once."""


@dataclass(frozen=True)
class Field:
    """A column as it is stored.

    **Arguments:**

    - `name`: of the column.
    - `stored`: its type in the source, for people: `text`, `float64`, `timestamp[us]`.
    - `unit`: of its values, where the source says so.
    - `categories`: names of the classes, where the source stores their numbers.
    """

    name: str
    stored: str
    unit: str | None = None
    categories: tuple[str, ...] | None = None


class Cells(NamedTuple):
    """Some cells of one column."""

    values: np.ndarray
    """(rows,), booleans, integers, float64 or float32, dates as `datetime64[us]`, or texts as objects. Where a cell is
    missing its value means nothing."""
    missing: np.ndarray
    """(rows,), booleans."""


class Batch(NamedTuple):
    """Consecutive rows of a table."""

    start: int
    """The number of its first row, counted from 0."""
    cells: dict[str, Cells]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(next(iter(self.cells.values())).values) if self.cells else 0

    def first(self, count: int) -> "Batch":
        """Its first rows, `count` of them."""
        return Batch(self.start, {name: Cells(c.values[:count], c.missing[:count]) for name, c in self.cells.items()})


class AbstractTable(abc.ABC):
    """Named columns of equal length, which need not fit into memory.

    A table reads the same each time. It holds no file open between two calls.
    """

    name: str
    """The file or object, for messages."""
    fields: tuple[Field, ...]
    rows: int | None
    """How many rows it has; None where only a pass over the file can say."""
    notes: tuple[str, ...] = ()
    """What was assumed when it was opened, such as the delimiter; sentences."""
    decimal: str = "."
    """The decimal mark in texts that are numbers."""
    missing_numbers: tuple[float, ...] = ()
    """Numbers that stand for a missing value."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in order."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """The column of that `name`.

        **Returns:** how it is stored.

        **Raises:** `UsageError` where there is none, with the nearest name.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise UsageError(f"{self.name}: there is no column '{name}'. {nearest(name, self.names)}")

    def batches(self, names: Sequence[str] | None = None, *, size: int | None = None) -> Iterator[Batch]:
        """Read all rows in order.

        Memory in proportion to one batch, or to the blocks in which the file is stored.

        **Arguments:**

        - `names`: of the columns to read; None: all.
        - `size`: rows of a batch; None: as many as hold `BATCH_CELLS` cells. The last may have fewer.

        **Returns:** an iterator over batches.

        **Raises:** `UsageError` for an unknown column, a size below 1, and where the source cannot be read on.
        """
        wanted = self.names if names is None else tuple(names)
        for name in wanted:
            self.field(name)
        if size is not None and size < 1:
            raise UsageError(f"{self.name}: size must be at least 1 row, got {size}")
        size = size or max(16, BATCH_CELLS // max(1, len(self.fields)))
        start = 0
        for cells in self.pieces(wanted, size):
            batch = Batch(start, {name: self._marked(cell) for name, cell in cells.items()})
            if batch.rows:
                start += batch.rows
                yield batch

    def read(self, names: Sequence[str] | None = None) -> dict[str, Cells]:
        """All rows of some columns in memory.

        **Arguments:**

        - `names`: of the columns; None: all.

        **Returns:** name -> cells.

        **Raises:** `UsageError` beyond `READ_CELLS` cells, and as `batches`.
        """
        parts: list[Batch] = []
        wanted = self.names if names is None else tuple(names)
        for batch in self.batches(wanted):
            parts.append(batch)
            if (batch.start + batch.rows) * len(wanted) > READ_CELLS:
                raise UsageError(
                    f"{self.name}: at most {READ_CELLS:,} cells are read into memory at once; read it in batches"
                )
        if not parts:
            return {name: Cells(np.zeros(0), np.zeros(0, bool)) for name in wanted}
        each = {name: [part.cells[name] for part in parts] for name in wanted}
        return {
            name: Cells(np.concatenate([c.values for c in cells]), np.concatenate([c.missing for c in cells]))
            for name, cells in each.items()
        }

    def place(self, row: int) -> str:
        """Where a row stands, for messages.

        **Arguments:**

        - `row`: its number, counted from 0.

        **Returns:** words such as `row 17`, counted from 1; a text file also says the line.
        """
        return f"row {row + 1:,}"

    @abc.abstractmethod
    def pieces(self, names: tuple[str, ...], size: int) -> Iterator[dict[str, Cells]]:
        """Read all rows in order; `batches` checks and counts them.

        **Arguments:**

        - `names`: of columns that exist.
        - `size`: rows of a piece, at most.

        **Returns:** an iterator over the cells of each piece by name.
        """

    def _marked(self, cells: Cells) -> Cells:
        if not self.missing_numbers or cells.values.dtype.kind not in "iuf":
            return cells
        return Cells(cells.values, cells.missing | np.isin(cells.values, self.missing_numbers))
