"""One-step predictions of a user's table by a filter that is trained on recordings."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vestige.data.recorded_table import RecordedColumns
from vestige.data.tables import AbstractTable, open_table
from vestige.data.tables.options import ReadOptions
from vestige.errors import RunError, UsageError, listed
from vestige.models.families import missing_in_part
from vestige.tasks.filtering.calibration import Calibration, Widths
from vestige.tasks.filtering.completing import RecordingsCompleter
from vestige.tasks.filtering.forecasting import RecordingsForecaster
from vestige.tasks.filtering.next_frame import next_regression
from vestige.tasks.filtering.readout import Readout
from vestige.tasks.filtering.recorded_steps import Matched, channel_names, matched, steps_seen
from vestige.tasks.filtering.recordings import Stretches
from vestige.tasks.filtering.scaling import SUPPORT, Scaling
from vestige.tasks.filtering.step_program import step_program
from vestige.tasks.filtering.step_reader import Carried, Readers, ReadSteps, StepReader, filled_up, read_steps
from vestige.tasks.filtering.unrolling import Filters
from vestige.tasks.order_statistics import Sorted
from vestige.tasks.predictions import INTERVAL
from vestige.tasks.programs import Program
from vestige.tasks.step_predictions import StepPredictions
from vestige.tasks.stepwise import CHUNK, AbstractStepPredictor, PredictedSteps, surprise_share


class RecordingsPredictor(AbstractStepPredictor):
    """Predicts the steps of tables with the columns, or arrays with the values, of a run on recordings.

    The interval is the mean and, on both sides, a width that begins as the quantile of the absolute errors on the
    held-out part of the training file (split conformal prediction; Vovk et al. 2005, Lei et al. 2018) and follows the
    errors on the table (`Widths`). The first step of a document has a width of its own, which stays.

    **Arguments:**

    - `model`: a trained filter.
    - `scaling`: of its training.
    - `columns`: of the table of its training; None: of an array.
    - `calibration`: its errors on the held-out part.
    """

    def __init__(self, model: Filters, scaling: Scaling, columns: RecordedColumns | None, calibration: Calibration):
        self._scaling, self._columns, self._calibration = scaling, columns, calibration
        self._readers = Readers(_reader(model, scaling, Readout(*map(jnp.asarray, calibration.linear))))
        self._found: Matched | None = None
        self.channels, self.scale, self.notices = channel_names(scaling, columns), scaling.scale, []

    def predictions(
        self, source: Any, *, options: ReadOptions | None = None, interval: float = INTERVAL
    ) -> StepPredictions:
        return StepPredictions(self, source, options=options, interval=interval)

    def opened(self, source: Any, options: ReadOptions | None = None) -> AbstractTable:
        table = open_table(source, options)
        self._found = matched(table, self._scaling, self._columns)
        self.notices = []
        if further := self._found.further:
            self.notices.append(f"{table.name}: columns that the run does not know are not read: {listed(further)}")
        if self._columns is None:
            self.channels = self._found.names
        return table

    def predicted(self, table: AbstractTable, *, interval: float, chunk: int = CHUNK) -> Iterator[PredictedSteps]:
        if not 0 < interval < 1:
            raise UsageError(f"interval must be in (0, 1), such as 0.9, got {interval:g}")
        if chunk < 1:
            raise UsageError(f"chunk must be at least 1 step, got {chunk}")
        widths = Widths(self._calibration.residuals.quantile(interval), interval)
        first = self._calibration.first.quantile(interval)
        if not np.isfinite(first).all() or not np.isfinite(self._calibration.residuals.values).all():
            raise UsageError(
                "the errors on the held-out part of the training file are not finite, so that there is nothing to "
                "calibrate intervals on: the model diverged; train longer, or another model"
            )
        found = matched(table, self._scaling, self._columns)
        return self._steps(table, found, widths, first, chunk)

    def _steps(
        self, table: AbstractTable, found: Matched, widths: Widths, first: np.ndarray, chunk: int
    ) -> Iterator[PredictedSteps]:
        scaling = self._scaling
        readers = self._readers
        carried, in_part = readers.reader.start(), 0
        before = np.full((1, len(scaling.kept)), np.nan)
        units = lambda scaled: scaling.mean + scaling.scale * np.asarray(scaled, np.float64)
        for rows in steps_seen(table, found, scaling.kind, size=chunk, in_part=readers.in_part):
            features, before = scaling.seen_after(before, rows.seen, rows.resets)
            carried, read = _read(readers.of(features), carried, features, rows.resets, rows.start, chunk)
            in_part += rows.in_part
            _check_finite(table, rows.start, read)
            mean = units(read.mean)
            there = ~np.isnan(rows.seen)
            width = widths.follow(np.abs(rows.seen - mean) / scaling.scale, np.asarray(read.begun)[:, None] & there)
            width = scaling.scale * np.where(read.begun[:, None], width, first)
            low, high = (np.clip(edge, *SUPPORT[scaling.kind]) for edge in (mean - width, mean + width))
            surprise = np.where(there.any(axis=1), read.surprise.astype(np.float64), np.nan)
            said = units(read.last), units(read.linear), np.asarray(read.begun)
            yield PredictedSteps(rows.start, rows.passed, mean, low, high, surprise, rows.seen, *said)
        if in_part:
            said = "what is there counts" if readers.in_part else "they count as missing in all"
            self.notices.append(f"{table.name}: {in_part:,} rows are missing in some of their values; {said}")

    def forecaster(self) -> RecordingsForecaster:
        return RecordingsForecaster(self._readers, self._scaling, self._columns)

    def completer(self) -> RecordingsCompleter:
        return RecordingsCompleter(self._readers.reader, self._scaling, self._columns)

    def tail(self, surprise: np.ndarray) -> np.ndarray:
        return self._calibration.surprise.tail(surprise)

    def program(self) -> Program:
        """One step, as `vestige export` writes it."""
        return step_program(self._readers.reader, self._scaling, self.channels)


def calibrated(
    model: Filters, train: Stretches, test: Stretches, scaling: Scaling, *, chunk: int = CHUNK
) -> Calibration:
    """The errors of a model on held-out recordings.

    Costs two passes over them.

    **Arguments:**

    - `model`: trained.
    - `train`, `test`: training and held-out recordings, features of frames as the model sees them.
    - `scaling`: of the training.
    - `chunk`: steps under one call of the compiled program.

    **Returns:** the calibration.
    """
    in_part = any(missing_in_part(np.asarray(part.frames, np.float32)).any() for part in (train, test))
    linear = next_regression(train, scaling.featurizer.bare, in_part=in_part)
    reader = _reader(model, scaling, linear)
    features = np.asarray(test.frames, np.float32)
    seen = np.asarray(scaling.featurizer.bare(jnp.asarray(features)), np.float64)
    there = np.asarray(~np.isnan(seen).all(axis=1))
    residuals, first, surprise = [], [], []
    for start, read in _read_through(reader, features, np.asarray(test.starts), chunk):
        part = slice(start, start + chunk)
        _, unseen = _read(reader, reader.start(), features[part], np.ones(len(features[part]), bool), start, chunk)
        residuals.append(_errors(seen[part], np.asarray(read.mean))[there[part] & read.begun])
        first.append(_errors(seen[part], np.asarray(unseen.mean))[there[part]])
        nats = np.where(np.isfinite(read.surprise), read.surprise, np.inf).astype(np.float64)
        surprise.append((nats * surprise_share(seen[part]))[there[part]])
    of = lambda parts: Sorted.of(np.concatenate(parts))
    arrays = tuple(np.asarray(leaf) for leaf in linear)
    return Calibration(of(residuals), of(first), Sorted.of(np.concatenate(surprise)[:, None]), arrays)


def _errors(seen: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Absolute errors, NaN where nothing is seen; a prediction that is not finite is infinitely wrong."""
    return np.abs(seen - np.where(np.isfinite(mean), mean, np.inf))


class ReadOn(NamedTuple):
    """Recordings that were read from their beginnings to their held-out ends. Numbers are scaled."""

    frames: np.ndarray
    """(total, p) float64, recordings one after the other; NaN where missing."""
    starts: np.ndarray
    """(recordings,), where each begins."""
    held: np.ndarray
    """(total,), booleans: where held out."""
    mean: np.ndarray
    """(total, p), what the model expects of each step before it sees it."""


def read_on(model: Filters, train: Stretches, test: Stretches, scaling: Scaling, *, chunk: int = CHUNK) -> ReadOn:
    """The predictions of a model on recordings whose ends are held out, its state carried on from the training part.

    Costs one pass over all steps.

    **Arguments:**

    - `model`: trained.
    - `train`, `test`: the beginnings of recordings and their ends, features of frames as the model sees them.
    - `scaling`: of the training.
    - `chunk`: steps under one call of the compiled program.
    """
    early, late = (np.split(np.asarray(part.frames, np.float32), np.asarray(part.starts)[1:]) for part in (train, test))
    pieces = [piece for both in zip(early, late, strict=True) for piece in both]
    features = np.concatenate(pieces)
    lengths = np.array([len(piece) for piece in pieces])
    held = np.repeat(np.arange(len(pieces)) % 2 == 1, lengths)
    starts = (np.cumsum(lengths) - lengths)[::2]
    reader = _reader(model, scaling, next_regression(train, scaling.featurizer.bare))
    means = [read.mean for _, read in _read_through(reader, features, starts, chunk)]
    seen = np.asarray(scaling.featurizer.bare(jnp.asarray(features)), np.float64)
    return ReadOn(seen, starts, held, np.concatenate(means).astype(np.float64))


def _read_through(
    reader: StepReader, features: np.ndarray, starts: np.ndarray, chunk: int
) -> Iterator[tuple[int, ReadSteps]]:
    """All steps in order: the number of the first of each chunk, and what is said of its steps."""
    begins = np.zeros(len(features), bool)
    begins[starts] = True
    carried = reader.start()
    for start in range(0, len(features), chunk):
        part = slice(start, start + chunk)
        carried, read = _read(reader, carried, features[part], begins[part], start, chunk)
        yield start, read


def _check_finite(table: AbstractTable, start: int, read: ReadSteps) -> None:
    wrong = np.asarray(~np.isfinite(np.asarray(read.mean)).all(axis=1))
    if wrong.any():
        row = table.place(start + int(np.argmax(wrong)))
        raise RunError(
            f"{table.name}, {row}: the prediction is not finite: the state of the model diverges on this table. Are "
            "its units those of the training? Otherwise train longer, or another model"
        )


def _reader(model: Filters, scaling: Scaling, linear: Readout) -> StepReader:
    return StepReader(model, scaling.featurizer, linear, jax.random.key(0))


def _read(
    reader: StepReader, carried: Carried, features: np.ndarray, resets: np.ndarray, start: int, chunk: int
) -> tuple[Carried, ReadSteps]:
    """At most `chunk` steps, filled up with missing ones, so that all chunks have one program; the results on the
    host."""
    filled = *filled_up(features, resets, chunk), np.uint32(start)
    carried, read = read_steps(reader, carried, *map(jnp.asarray, filled))
    return carried, ReadSteps(*(np.asarray(leaf)[: len(features)] for leaf in read))  # pyright: ignore[reportArgumentType]
