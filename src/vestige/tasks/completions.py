"""What may have stood where values of a table are missing."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from vestige.data.tables import AbstractTable, Cells
from vestige.errors import UsageError

if TYPE_CHECKING:
    from vestige.data.tables.options import ReadOptions


class FilledBatch(NamedTuple):
    """Rows of a table as they are written."""

    columns: dict[str, Cells]
    """All columns, in the units of the table: what was missing filled in, and intervals beside it."""
    gone: np.ndarray
    """(rows, channels) booleans: which values of the channels were missing."""


class AbstractCompletions(abc.ABC):
    """A table whose missing values are filled in, as it is iterated over, once."""

    table: AbstractTable
    """That is filled in."""
    channels: tuple[str, ...]
    """The columns in which values are filled in."""

    @abc.abstractmethod
    def batches(self, levels: tuple[float, float]) -> Iterator[FilledBatch]:
        """The rows of the table.

        **Arguments:**

        - `levels`: of the quantiles at the ends of intervals, in (0, 1).

        **Returns:** an iterator over them, in order.

        **Raises:** `UsageError` for a value that does not fit, with column and row; `RunError` where samples diverge.
        """

    @abc.abstractmethod
    def said(self) -> dict[str, Any]:
        """Entries for a card beside the file: `options` and `method`."""

    @property
    @abc.abstractmethod
    def notices(self) -> list[str]:
        """What a reader should know of the table."""


@runtime_checkable
class CompletesTables(Protocol):
    """A trained model that fills in single rows of tables, whatever stands before and after them."""

    def completions(
        self, source: Any, *, samples: int, seed: int, options: "ReadOptions | None" = None
    ) -> AbstractCompletions:
        """Fill in the missing values of a table.

        **Arguments:**

        - `source`: what `vestige.data.open` reads.
        - `samples`: of what is missing.
        - `seed`: of the samples.
        - `options`: how a file is read.

        **Returns:** the table, not yet gone through.

        **Raises:** `UsageError` for columns that are absent.
        """
        ...


class Wanted(NamedTuple):
    """How missing values are filled in.

    - `particles`: samples.
    - `lag`: further rows of which each sample knows.
    - `seed`: of the samples.
    """

    particles: int
    lag: int
    seed: int


@dataclass(frozen=True, eq=False)
class CompletedRows:
    """Consecutive rows of a table, p channels each, in the units of the table.

    - `start`: the number of the first row, counted from 0.
    - `seen`: (rows, p) float64, what the table holds; NaN where it is missing.
    - `samples`: (rows, particles, p) float64, what is there and, where nothing is, what may have been.
    - `weights`: (rows, particles) float64, of the samples; sums of 1.
    """

    start: int
    seen: np.ndarray
    samples: np.ndarray
    weights: np.ndarray

    @property
    def gone(self) -> np.ndarray:
        """(rows, p) booleans: the values that are missing."""
        return np.isnan(self.seen)

    def filled(self) -> np.ndarray:
        """(rows, p) float64: what is there, and the weighted mean of the samples where nothing is."""
        mean = np.einsum("rn,rnp->rp", self.weights, self.samples)
        return np.where(self.gone, mean, self.seen)

    def quantiles(self, levels: tuple[float, ...]) -> np.ndarray:
        """Weighted quantiles of the samples of what is missing.

        **Arguments:**

        - `levels`: in (0, 1).

        **Returns:** (levels, rows, p) float64, NaN where a value is there.
        """
        found = np.full((len(levels), *self.seen.shape), np.nan)
        rows, places = np.nonzero(self.gone)
        if not len(rows):
            return found
        values, weights = self.samples[rows, :, places], self.weights[rows]
        order = np.argsort(values, axis=1)
        values = np.take_along_axis(values, order, axis=1)
        below = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
        for number, level in enumerate(levels):
            at = np.minimum((below < level).sum(axis=1), values.shape[1] - 1)
            found[number, rows, places] = np.take_along_axis(values, at[:, None], axis=1)[:, 0]
        return found


class AbstractCompleter(abc.ABC):
    """A trained model that fills in missing values."""

    @abc.abstractmethod
    def seen(self, table: AbstractTable, rows: int) -> np.ndarray | None:
        """What the beginning of a table holds.

        **Arguments:**

        - `table`: that was opened.
        - `rows`: how many are read, at most.

        **Returns:** (rows, p) float64 in the units of the table, NaN where missing; None where the values are no reals,
        whose intervals can be widened.

        **Raises:** `UsageError` for a value that is not of the kind, with column and row.
        """

    @abc.abstractmethod
    def completed(self, table: AbstractTable, wanted: Wanted) -> Iterator[CompletedRows]:
        """Fill in the missing values of a table.

        One pass. Time in proportion to rows and particles; memory to a chunk of rows, times particles.

        **Arguments:**

        - `table`: that was opened.
        - `wanted`: how.

        **Returns:** an iterator over all rows in order.

        **Raises:** `UsageError` for a value that is not of the kind, with column and row; `RunError` where samples
        diverge, with the row.
        """


def check_whole(**numbers: tuple[int, int, int]) -> None:
    """Check options of filling in.

    **Arguments:** `numbers`: name -> the number, the least and the most that it may be.

    **Raises:** `UsageError`, naming it.
    """
    for name, (value, least, most) in numbers.items():
        if not least <= value <= most:
            raise UsageError(f"{name} must be in {least}..{most:,}, got {value}")


def with_filled(cells: Cells, filled: np.ndarray, gone: np.ndarray, decimal: str) -> Cells:
    """A column with numbers in place of what is missing.

    **Arguments:**

    - `cells`: of the column.
    - `filled`: (rows,), the numbers.
    - `gone`: (rows,), where they go.
    - `decimal`: the mark, of a column of texts.
    """
    if cells.values.dtype.kind == "O":
        values = cells.values.copy()
        values[gone] = [repr(value).replace(".", decimal) for value in filled[gone].tolist()]
    else:
        values = np.where(gone, filled, cells.values.astype(np.float64)) if gone.any() else cells.values
    return Cells(values, cells.missing & ~gone)
