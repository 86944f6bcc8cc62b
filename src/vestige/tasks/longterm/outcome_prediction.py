"""The outcomes of a user's table, predicted step by step by a memory that is trained on a stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vestige.data.steps import StepColumns, open_steps
from vestige.data.steps.columns import output_names
from vestige.data.tables import AbstractTable, Cells, ReadOptions, require_columns
from vestige.data.tables.writing import numbers
from vestige.errors import RunError, UsageError, listed
from vestige.tasks.filtering.calibration import Widths
from vestige.tasks.longterm.outcome_calibration import OutcomeCalibration, normal_surprise
from vestige.tasks.longterm.outcome_reader import CHUNK, Chunk, log_probabilities, read_outcomes
from vestige.tasks.longterm.outcome_tally import OutcomeSummary, OutcomeTally
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.predictions import INTERVAL, AbstractPredictor, AbstractSurprises
from vestige.tasks.step_predictions import put, rows_of

METHOD = (
    "The interval is the mean and on both sides a width: at first the quantile of the absolute errors on the held-out "
    "steps of the training whose outcome is known (split conformal prediction); then it grows by 2 percent after a "
    "known outcome that is missed, and shrinks a little after one that is covered. The surprise of a number is that of "
    "a normal distribution with the standard deviation of these errors, in units of the standard deviation in training."
)


@dataclass(frozen=True, eq=False)
class PredictedOutcomes:
    """Consecutive steps of a table.

    - `start`: the number of the first row, counted from 0.
    - `passed`: columns of the table as they are: those of time and document, by name.
    - `probabilities`: (rows, classes) float64; None where the outcome is a number.
    - `mean`, `low`, `high`: (rows,) float64, the expected number and the ends of its interval, in the units of the
      table; None where the outcome is a class.
    - `seen`: (rows,) float64, the place of the class, or the number; NaN where it is not known.
    - `surprise`: (rows,) float64, -log q(y_k | x_1..k) in nats; NaN where the outcome is not known.
    """

    start: int
    passed: Mapping[str, Cells]
    probabilities: np.ndarray | None
    mean: np.ndarray | None
    low: np.ndarray | None
    high: np.ndarray | None
    seen: np.ndarray
    surprise: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """(rows,) booleans: the steps whose outcome is not known."""
        return np.isnan(self.seen)


class OutcomePredictor(AbstractPredictor):
    """A memory that predicts the outcome of each step of a table from this step and those of its document before.

    Its state is carried through the table and begins anew at each document.

    **Arguments:**

    - `model`: trained.
    - `columns`: of the training.
    - `calibration`: its errors on the held-out steps.
    """

    def __init__(self, model: EncodesAndPredicts, columns: StepColumns, calibration: OutcomeCalibration):
        self.model, self.columns, self.calibration = model, columns, calibration

    def predictions(
        self, source: Any, *, options: ReadOptions | None = None, interval: float = INTERVAL
    ) -> "OutcomePredictions":
        return OutcomePredictions(self, source, options=options, interval=interval)


class OutcomePredictions(AbstractSurprises[PredictedOutcomes]):
    """The predicted outcomes of a table, made as they are iterated over, once. Memory in proportion to a chunk.

    **Arguments:**

    - `predictor`: the trained model.
    - `source`: what `vestige.data.open` reads, or a text, with the columns of the training; the outcome may be absent.
    - `options`: how a file is read.
    - `interval`: the share of numbers that intervals are to cover, in (0, 1).
    - `chunk`: steps under one call of the compiled program; changes no result.

    **Raises:** `UsageError` for columns that are absent, and for an interval that the held-out steps are too few for.
    """

    def __init__(
        self,
        predictor: OutcomePredictor,
        source: Any,
        *,
        options: ReadOptions | None = None,
        interval: float = INTERVAL,
        chunk: int = CHUNK,
    ):
        self.predictor, self.interval, self._chunk = predictor, interval, chunk
        columns = predictor.columns
        self.table: AbstractTable = open_steps(source, options or ReadOptions(), text=columns.text)
        require_columns(self.table, columns.schema, outcomes=False)
        self._passed = [c.name for c in columns.schema.of("time", "document") if c.name in self.table.names]
        known = {column.name for column in columns.schema.columns}
        further = [name for name in self.table.names if name not in known]
        self._notices = (
            [f"{self.table.name}: columns that the run does not know are not read: {listed(further)}"]
            if further
            else []
        )
        if columns.outcome.name not in self.table.names:
            self._notices.append(f"{self.table.name}: it has no column '{columns.outcome.name}': no outcome is known")
        if not 0 < interval < 1:
            raise UsageError(f"interval must be in (0, 1), such as 0.9, got {interval:g}")
        residuals = predictor.calibration.residuals
        self._widths = None if residuals is None else Widths(residuals.quantile(interval), interval)
        self._tally = OutcomeTally(columns.outcome.name, columns.labels, interval)

    def __iter__(self) -> Iterator[PredictedOutcomes]:
        columns, start = self.predictor.columns, 0
        beside = self._beside()
        for chunk, predicted in read_outcomes(self.predictor.model, self._chunks(), size=self._chunk):
            if not np.isfinite(predicted).all():
                row = self.table.place(start + int(np.argmax(~np.isfinite(predicted).all(axis=1))))
                raise RunError(
                    f"{self.table.name}, {row}: the prediction is not finite: the state of the model diverges on this "
                    "table. Are its units those of the training? Otherwise train longer"
                )
            passed = next(beside)
            steps = (self._classes if columns.labels is not None else self._numbers)(start, passed, chunk, predicted)
            start += len(chunk.inputs)
            self._tally.add(steps.probabilities, steps.mean, steps.low, steps.high, steps.seen, steps.surprise)
            yield steps

    def columns(self, chunk: PredictedOutcomes) -> dict[str, Cells]:
        found = rows_of(chunk)
        name = self.predictor.columns.outcome.name
        if chunk.probabilities is not None:
            for place, label in enumerate(output_names(self.predictor.columns)):
                put(found, label, numbers(np.ascontiguousarray(chunk.probabilities[:, place])))
        for part in ("mean", "low", "high"):
            if (values := getattr(chunk, part)) is not None:
                put(found, f"{name}.{part}", numbers(values))
        put(found, "surprise", numbers(chunk.surprise))
        return found

    def said(self) -> dict[str, Any]:
        name = self.predictor.columns.outcome.name
        surprise = {"surprise": "-log q(outcome | what was seen up to the step) in nats; empty where it is not known"}
        if self.predictor.columns.labels is not None:
            return {"columns": {f"{name}.CLASS": "the probability of the class", **surprise}}
        means = {
            f"{name}.mean": "the expected value, in units of the table",
            f"{name}.low, {name}.high": f"the ends of its interval of {self.interval:.6g}",
        }
        return {"columns": {**means, **surprise}, "interval": {"share": self.interval, "method": METHOD}}

    def tail(self, chunk: PredictedOutcomes) -> np.ndarray:
        return self.predictor.calibration.surprise.tail(chunk.surprise)

    @property
    def least_tail(self) -> float:
        return self.predictor.calibration.surprise.least_tail

    def counted(self) -> tuple[int, int, float]:
        found = self.summary()
        return found.steps, found.missing, found.mean_surprise

    @property
    def notices(self) -> list[str]:
        return self._notices

    def summary(self) -> OutcomeSummary:
        return self._tally.summary()

    def _chunks(self) -> Iterator[Chunk]:
        columns = self.predictor.columns
        for rows in columns.encoder.encode(self.table, size=self._chunk):
            values = columns.packed(self.table, rows)
            yield Chunk(columns.inputs(values), columns.outcomes(values), rows.resets)

    def _beside(self) -> Iterator[dict[str, Cells]]:
        """The columns that are passed on, in the same pieces as the steps."""
        if not self._passed:
            while True:
                yield {}
        for batch in self.table.batches(self._passed, size=self._chunk):
            yield dict(batch.cells)

    def _classes(
        self, start: int, passed: Mapping[str, Cells], chunk: Chunk, predicted: np.ndarray
    ) -> PredictedOutcomes:
        logs = log_probabilities(predicted)
        known = chunk.outcomes >= 0
        picked = logs[np.arange(len(logs)), np.where(known, chunk.outcomes, 0)]
        seen = np.where(known, chunk.outcomes, np.nan)
        return PredictedOutcomes(start, passed, np.exp(logs), None, None, None, seen, np.where(known, -picked, np.nan))

    def _numbers(
        self, start: int, passed: Mapping[str, Cells], chunk: Chunk, predicted: np.ndarray
    ) -> PredictedOutcomes:
        centre, scale = self.predictor.columns.unit
        deviation = self.predictor.calibration.deviation
        assert self._widths is not None and deviation is not None
        outcomes = chunk.outcomes.astype(np.float64)
        errors = np.abs(outcomes - predicted[:, 0])
        width = scale * self._widths.follow(errors[:, None], ~np.isnan(errors)[:, None])[:, 0]
        mean = centre + scale * predicted[:, 0]
        surprise = normal_surprise(errors, deviation)
        return PredictedOutcomes(
            start, passed, None, mean, mean - width, mean + width, centre + scale * outcomes, surprise
        )
