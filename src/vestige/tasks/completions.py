"""What may have stood where values of a table are missing."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vestige.data.tables import AbstractTable


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
