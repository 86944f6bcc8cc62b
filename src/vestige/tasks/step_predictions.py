"""The predicted steps of a table, as they are iterated over, and as columns of a file."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from vestige.data.tables import Cells
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.writing import numbers
from vestige.errors import UsageError
from vestige.tasks.predictions import INTERVAL, AbstractSurprises, SurprisingSteps
from vestige.tasks.step_tally import StepSummary, Tally
from vestige.tasks.stepwise import CHUNK, AbstractStepPredictor, PredictedSteps, surprise_share

METHOD = (
    "The interval is the mean and on both sides a width: at first the quantile of the absolute errors on the held-out "
    "part of the training file (split conformal prediction), one for each channel; then it grows by 2 percent a missed "
    "step, and shrinks a little with each that is covered, so that the share of values that are covered comes close to "
    "the wanted one whatever the table is like. The first step of a document has a width of its own, which stays."
)


class StepPredictions(AbstractSurprises[PredictedSteps]):
    """The predicted steps of a table.

    **Arguments:**

    - `predictor`: the trained model.
    - `source`: what `vestige.data.open` reads.
    - `options`: how a file is read.
    - `interval`: the share of values that intervals are to cover, in (0, 1).
    - `chunk`: steps under one call of the compiled program; changes no result.

    **Raises:** `UsageError` for columns that are absent and for an interval that cannot be.
    """

    def __init__(
        self,
        predictor: AbstractStepPredictor,
        source: Any,
        *,
        options: ReadOptions | None = None,
        interval: float = INTERVAL,
        chunk: int = CHUNK,
    ):
        self.predictor = predictor
        self.table = predictor.opened(source, options)
        self.channels, self.interval = predictor.channels, interval
        self._tally = Tally(self.channels, predictor.scale, interval)
        self._steps = predictor.predicted(self.table, interval=interval, chunk=chunk)

    def __iter__(self) -> Iterator[PredictedSteps]:
        for steps in self._steps:
            self._tally.add(steps)
            yield steps

    def columns(self, chunk: PredictedSteps) -> dict[str, Cells]:
        """As `columns_of`."""
        return columns_of(chunk, self.channels)

    def said(self) -> dict[str, Any]:
        """What the columns are, and how intervals were made."""
        return {
            "columns": {
                "NAME.mean": "the expected value before the step is seen, in units of the table",
                "NAME.low, NAME.high": f"the ends of its interval of {self.interval:.6g}",
                "surprise": "-log q(y_t | x_t-1) in nats of the values as the model sees them; empty where missing",
            },
            "interval": {"share": self.interval, "method": METHOD},
        }

    def tail(self, chunk: PredictedSteps) -> np.ndarray:
        return self.predictor.tail(chunk.surprise * surprise_share(chunk.seen))

    @property
    def least_tail(self) -> float:
        return float(self.predictor.tail(np.array([np.inf]))[0])

    def counted(self) -> tuple[int, int, float]:
        found = self.summary()
        return found.steps, found.missing, found.mean_surprise

    @property
    def notices(self) -> list[str]:
        """What a reader should know of the table; complete when all steps were iterated over."""
        return self.predictor.notices

    def summary(self) -> StepSummary:
        """How good the predictions were that were iterated over."""
        return self._tally.summary()


def columns_of(steps: PredictedSteps, channels: tuple[str, ...]) -> dict[str, Cells]:
    """The columns of a file of predictions: time and document (the row, counted from 1, where there is neither), mean,
    low and high of each channel, surprise.

    **Arguments:**

    - `steps`: predicted.
    - `channels`: their names.

    **Raises:** `UsageError` where a column of the table has the name of one of these.
    """
    found = rows_of(steps)
    for place, channel in enumerate(channels):
        for name in ("mean", "low", "high"):
            put(found, f"{channel}.{name}", numbers(np.ascontiguousarray(getattr(steps, name)[:, place])))
    put(found, "surprise", numbers(steps.surprise))
    return found


def rows_of(steps: SurprisingSteps) -> dict[str, Cells]:
    """What says which steps these are: time and document, or the row, counted from 1, where there is neither."""
    rows = len(steps.surprise)
    numbered = Cells(np.arange(steps.start + 1, steps.start + rows + 1), np.zeros(rows, bool))
    return dict(steps.passed) or {"row": numbered}


def put(found: dict[str, Cells], name: str, cells: Cells) -> None:
    """Add a column.

    **Arguments:**

    - `found`: the columns so far.
    - `name`, `cells`: of the new one.

    **Raises:** `UsageError` where there is one of that name.
    """
    if name in found:
        raise UsageError(f"two columns of the predictions would be named '{name}'; rename that column of the table")
    found[name] = cells
