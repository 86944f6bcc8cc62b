"""Predictions of the steps of a table, each made before the step is seen: the contract."""

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vestige.data.tables import AbstractTable, Cells
from vestige.tasks.completions import AbstractCompleter
from vestige.tasks.forecasts import AbstractForecaster
from vestige.tasks.predictions import AbstractPredictor

if TYPE_CHECKING:
    from vestige.data.tables.options import ReadOptions

CHUNK = 1024
"""Steps under one call of the compiled program."""


@dataclass(frozen=True, eq=False)
class PredictedSteps:
    """Consecutive steps of a table, p channels each, in the units of the table.

    - `start`: the number of the first row, counted from 0.
    - `passed`: columns of the table as they are: those of time and document, by name.
    - `mean`, `low`, `high`: (rows, p) float64, the expected value of each channel before the step is seen, and the ends
      of its interval.
    - `surprise`: (rows,) float64, -log q(y_t | x_{t-1}) in nats of the values that are there, as the model sees them;
      NaN where none is.
    - `seen`: (rows, p) float64, what the table holds; NaN where it is missing. Of a model that takes no steps that are
      missing in part, such a one is NaN in all channels.
    - `last`: (rows, p) float64, the last value that was seen before, the training mean before any was.
    - `linear`: (rows, p) float64, of linear regression on the last step that was seen, fitted in training; None where
      it is not known.
    - `begun`: (rows,) booleans: whether a step of the document was seen before.
    """

    start: int
    passed: Mapping[str, Cells]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    surprise: np.ndarray
    seen: np.ndarray
    last: np.ndarray
    linear: np.ndarray | None
    begun: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """(rows,) booleans: the steps of which nothing is there."""
        return np.asarray(np.isnan(self.seen).all(axis=1))


def surprise_share(seen: np.ndarray) -> np.ndarray:
    """p / values that are there: by which the surprise of a step that is missing in part is multiplied before it is
    compared with that of others.

    **Arguments:**

    - `seen`: (rows, p), NaN where missing.

    **Returns:** (rows,) float64, 1 where nothing is missing; NaN where nothing is there.
    """
    there = (~np.isnan(seen)).sum(axis=1)
    return np.where(there > 0, seen.shape[1] / np.maximum(there, 1), np.nan)


class AbstractStepPredictor(AbstractPredictor):
    """A trained model that predicts the steps of tables. Its state is kept from step to step, and starts anew at each
    document."""

    channels: tuple[str, ...]
    """The names of the p channels that are predicted; of an array `value 0`, `value 1`, …"""
    scale: np.ndarray
    """(p,) float64, the standard deviations in training, in which errors of different channels are added up."""
    notices: list[str]
    """What a reader should know of the table that was read last: columns that are not read, steps missing in part."""

    @abc.abstractmethod
    def opened(self, source: Any, options: "ReadOptions | None" = None) -> AbstractTable:
        """Open a table and find the columns of the training in it by name, or by place where they had no names.

        **Arguments:**

        - `source`: what `vestige.data.open` reads.
        - `options`: how a file is read.

        **Returns:** the table.

        **Raises:** `UsageError` for columns that are absent, by name.
        """

    @abc.abstractmethod
    def predicted(self, table: AbstractTable, *, interval: float, chunk: int = CHUNK) -> Iterator[PredictedSteps]:
        """Predict every step of a table, in order.

        One pass. Time in proportion to the steps; memory in proportion to a chunk, and to the number of documents.

        **Arguments:**

        - `table`: that `opened` returned.
        - `interval`: the share of values that intervals are to cover, in (0, 1).
        - `chunk`: steps under one call of the compiled program; changes no result.

        **Returns:** an iterator over consecutive steps.

        **Raises:** `UsageError` for a value that is not of the kind, with column and row, and for an interval that the
        held-out steps are too few for.
        """

    @abc.abstractmethod
    def forecaster(self) -> AbstractForecaster:
        """What forecasts the steps after a row.

        **Raises:** `UsageError` where the model cannot be sampled.
        """

    @abc.abstractmethod
    def completer(self) -> AbstractCompleter:
        """What fills in missing values.

        **Raises:** `UsageError` where the model cannot.
        """

    @abc.abstractmethod
    def tail(self, surprise: np.ndarray) -> np.ndarray:
        """How rare a surprise is: the conformal p-value of a step beside the held-out steps.

        **Arguments:**

        - `surprise`: (rows,) float64, nats, times `surprise_share` of what is there; NaN where missing.

        **Returns:** (rows,) float64 in (0, 1]: (1 + held-out steps at least as surprising) / (1 + held-out steps); NaN
        where missing.
        """
