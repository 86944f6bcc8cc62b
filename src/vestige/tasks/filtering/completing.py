"""Missing values of a user's table, filled in by a filter that is trained on recordings."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from vestige.data.recorded_table import RecordedColumns
from vestige.data.tables import AbstractTable
from vestige.errors import RunError, UsageError
from vestige.tasks.completions import AbstractCompleter, CompletedRows, Wanted
from vestige.tasks.filtering.recorded_steps import matched, steps_seen
from vestige.tasks.filtering.scaling import Scaling
from vestige.tasks.filtering.smoothing import CompletesSteps, Smoothed, smoothed_steps, start
from vestige.tasks.filtering.step_reader import StepReader, filled_up
from vestige.tasks.forecasts import FAR
from vestige.tasks.stepwise import CHUNK

TOGETHER = 2**23
"""Numbers of all samples of a chunk."""


class RecordingsCompleter(AbstractCompleter):
    """Fills in what is missing in tables with the columns, or arrays with the values, of a run on recordings.

    **Arguments:**

    - `reader`: of the trained model.
    - `scaling`: of its training.
    - `columns`: of the table of its training; None: of an array.

    **Raises:** `UsageError` where the model has no `completed`, or has it in vain.
    """

    def __init__(self, reader: StepReader, scaling: Scaling, columns: RecordedColumns | None):
        if not isinstance(reader.model, CompletesSteps) or reader.seeing_parts() is None:
            raise UsageError(
                f"model {type(reader.model).__name__} fills in nothing: it has no likelihood of some of the values of "
                "a step, by which samples are weighted; autoregression, recurrent VAE and factor analysis do (--model "
                "autoregressive, rvae, factor)"
            )
        self._reader, self._scaling, self._columns = reader, scaling, columns

    def seen(self, table: AbstractTable, rows: int) -> np.ndarray | None:
        if self._scaling.kind != "numbers":
            return None
        parts, count = [], 0
        found = matched(table, self._scaling, self._columns)
        for each in steps_seen(table, found, self._scaling.kind, size=CHUNK, in_part=True):
            parts.append(each.seen[: rows - count])
            count += len(parts[-1])
            if count == rows:
                break
        return np.concatenate(parts) if parts else np.zeros((0, len(self._scaling.kept)))

    def completed(self, table: AbstractTable, wanted: Wanted) -> Iterator[CompletedRows]:
        scaling, lag = self._scaling, wanted.lag
        width = len(scaling.kept)
        chunk = min(CHUNK, max(16, TOGETHER // (wanted.particles * width)))
        found = matched(table, scaling, self._columns)
        particles = start(self._reader, wanted.particles, lag, width)
        key = jax.random.key(wanted.seed)
        waiting, first, read = np.zeros((0, width)), 0, 0

        def smoothed(scaled: np.ndarray, resets: np.ndarray) -> Smoothed:
            nonlocal particles, read
            counts = np.uint32(read), np.uint32(len(scaled))
            filled, begins, begin, count = map(jnp.asarray, (*filled_up(scaled, resets, chunk), *counts))
            particles, found = smoothed_steps(self._reader, particles, filled, begins, begin, count, key)
            read += len(scaled)
            return Smoothed(*(np.asarray(leaf)[: len(scaled)] for leaf in found))  # pyright: ignore[reportArgumentType]

        def out(read_out: Smoothed) -> Iterator[CompletedRows]:
            nonlocal waiting, first
            late = max(0, min(len(read_out.frames), lag - (read - len(read_out.frames))))  # before the first row
            frames, weights = (np.asarray(leaf, np.float64)[late:] for leaf in read_out)
            frames, weights = frames[: len(waiting)], weights[: len(waiting)]
            if len(frames):
                seen, waiting = waiting[: len(frames)], waiting[len(frames) :]
                _check_finite(table, first, frames)
                units = scaling.mean + scaling.scale * frames
                samples = np.where(np.isnan(seen)[:, None], units, seen[:, None])
                yield CompletedRows(first, seen, samples, weights)
                first += len(frames)

        for rows in steps_seen(table, found, scaling.kind, size=chunk, in_part=True):
            waiting = np.concatenate([waiting, rows.seen])
            yield from out(smoothed(((rows.seen - scaling.mean) / scaling.scale).astype(np.float32), rows.resets))
        while len(waiting):
            gap = np.full((min(chunk, lag), width), np.nan, np.float32)
            yield from out(smoothed(gap, np.zeros(len(gap), bool)))


def _check_finite(table: AbstractTable, first: int, frames: np.ndarray) -> None:
    wrong = ~(np.abs(frames) < FAR).all(axis=(1, 2))
    if wrong.any():
        row = table.place(first + int(np.argmax(wrong)))
        raise RunError(
            f"{table.name}, {row}: samples of what is missing diverge: they are not finite, or a million standard "
            "deviations of the training away. Are its units those of the training? Otherwise train longer, or another "
            "model"
        )
