"""What a trained model says of a table that is not its own: the contract."""

import abc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from vestige.data.tables import AbstractTable, Cells

if TYPE_CHECKING:
    from vestige.data.tables.options import ReadOptions

Chunk = TypeVar("Chunk")
INTERVAL = 0.9
"""The share of values that intervals are to cover, unless another is wanted."""


class AbstractPredictionSummary(abc.ABC):
    """How good the predictions of a table were."""

    @abc.abstractmethod
    def lines(self) -> list[str]:
        """What a person reads; the first sentence says whether the model beats those who have none."""

    @abc.abstractmethod
    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """A table for a person, below the lines: headings, and the texts of the cells; no rows: no table."""

    @abc.abstractmethod
    def as_plain(self) -> dict[str, Any]:
        """Plain values for JSON."""


class AbstractPredictions(abc.ABC, Generic[Chunk]):
    """The predictions of a table, made as they are iterated over, once."""

    table: AbstractTable
    """That is predicted."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Chunk]:
        """Predictions of consecutive rows.

        **Raises:** `UsageError` for a value that does not fit, with column and row.
        """

    @abc.abstractmethod
    def columns(self, chunk: Chunk) -> dict[str, Cells]:
        """The columns of a file of predictions.

        **Arguments:**

        - `chunk`: of consecutive rows.

        **Returns:** name -> cells, with a cell for each row.

        **Raises:** `UsageError` where a column of the table has the name of one of these.
        """

    @abc.abstractmethod
    def said(self) -> Mapping[str, Any]:
        """Entries for a card beside the file: `columns` (name -> what it holds), and how they were made."""

    @property
    @abc.abstractmethod
    def notices(self) -> list[str]:
        """What a reader should know of the table; complete when all rows were iterated over."""

    @abc.abstractmethod
    def summary(self) -> AbstractPredictionSummary:
        """How good the predictions were that were iterated over."""


@runtime_checkable
class SurprisingSteps(Protocol):
    """Consecutive steps of a table, and how surprising each is."""

    @property
    def start(self) -> int:
        """The number of the first row, counted from 0."""
        ...

    @property
    def passed(self) -> Mapping[str, Cells]:
        """Columns of the table as they are: those of time and document, by name."""
        ...

    @property
    def surprise(self) -> np.ndarray:
        """(rows,) float64, nats; NaN where nothing is known."""
        ...

    @property
    def missing(self) -> np.ndarray:
        """(rows,) booleans: where nothing is known."""
        ...


class AbstractSurprises(AbstractPredictions[Chunk]):
    """Predictions of steps that can be scored: `vestige score`."""

    @abc.abstractmethod
    def tail(self, chunk: Chunk) -> np.ndarray:
        """How rare the surprise of each step is beside the held-out steps of the training: a conformal p-value.

        **Arguments:**

        - `chunk`: of consecutive steps.

        **Returns:** (rows,) float64 in (0, 1]; NaN where nothing is known.
        """

    @property
    @abc.abstractmethod
    def least_tail(self) -> float:
        """The smallest that it can be: 1 / (1 + held-out steps)."""

    @abc.abstractmethod
    def counted(self) -> tuple[int, int, float]:
        """What was iterated over.

        **Returns:** the number of steps, of how many nothing is known, and the mean surprise of the others in nats.
        """


class AbstractPredictor(abc.ABC):
    """A trained model that predicts tables."""

    @abc.abstractmethod
    def predictions(
        self, source: Any, *, options: "ReadOptions | None" = None, interval: float = INTERVAL
    ) -> AbstractPredictions[Any]:
        """Predict every row of a table.

        **Arguments:**

        - `source`: what `vestige.data.open` reads, with the columns of the training.
        - `options`: how a file is read.
        - `interval`: the share of values that intervals are to cover, in (0, 1), where the model predicts numbers.

        **Returns:** predictions that are made as they are iterated over.

        **Raises:** `UsageError` for columns that are absent, by name, and for an interval that cannot be.
        """
