"""What a trained model says of the steps after a row of a table."""

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vestige.data.tables import AbstractTable, Cells

HISTORY = 32
"""Rows whose times are kept, to go on from."""
FAR = 1e6
"""Standard deviations of the training from which on a sample counts as diverged."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """The steps after one row. In the units and the order of the channels of the table.

    - `row`: the number of the row, counted from 0, after which they come.
    - `passed`: time and document of the last rows up to it, at most `HISTORY`.
    - `paths`: (paths, steps, p) float64, samples.
    - `last`: (p,) float64, the last value of each channel that was seen.
    - `seasonal`: (steps, p) float64, the value of as many steps before as a season has; None without a season.
    - `linear`: (steps, p) float64, by linear regression from step to step, fitted in training.
    - `seen`: (steps, p) float64, what the table holds there; NaN where it is missing, or nothing comes.
    """

    row: int
    passed: Mapping[str, Cells]
    paths: np.ndarray
    last: np.ndarray
    seasonal: np.ndarray | None
    linear: np.ndarray
    seen: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """(steps, p) float64, that of the paths."""
        return self.paths.mean(axis=0)


class Ask(NamedTuple):
    """What is to be forecast.

    - `horizon`: how many steps.
    - `paths`: samples of them.
    - `seed`: of the samples.
    - `season`: steps of a season; None: there is none.
    """

    horizon: int
    paths: int
    seed: int
    season: int | None = None


class PassedOn(NamedTuple):
    """The names of the columns of time and document; None where there are none."""

    time: str | None
    document: str | None


class AbstractForecaster(abc.ABC):
    """A trained model that can be sampled forward in time from a row of a table."""

    support: tuple[float, float]
    """The least and the largest value that a channel can have."""

    @abc.abstractmethod
    def passed_on(self, table: AbstractTable) -> "PassedOn":
        """The columns that say which steps these are.

        **Arguments:**

        - `table`: that was opened.

        **Returns:** their names.
        """

    @abc.abstractmethod
    def documents(self, table: AbstractTable) -> tuple[tuple[int, int], ...]:
        """Where the documents of a table lie.

        One pass over one column.

        **Arguments:**

        - `table`: that was opened.

        **Returns:** the first row and the one after the last, of each.

        **Raises:** `UsageError` for a table without rows, and for a document that goes on after others.
        """

    @abc.abstractmethod
    def forecasts(self, table: AbstractTable, rows: np.ndarray, ask: Ask, *, ahead: bool) -> Iterator[Forecast]:
        """Forecast the steps after some rows.

        One pass over the table. Time in proportion to its rows, and to the steps that are drawn; memory in proportion
        to a chunk of rows, to the horizon and to the paths.

        **Arguments:**

        - `table`: that was opened.
        - `rows`: (n,) integers that rise, their numbers counted from 0. One before which its document holds no value
          is left out.
        - `ask`: how far, and how.
        - `ahead`: whether what comes after each row is read, to be compared; all of it lies in its document.

        **Returns:** an iterator, in the order of the rows.

        **Raises:** `UsageError` for a value that is not of the kind, with column and row; `RunError` where a path
        diverges, with its step.
        """
