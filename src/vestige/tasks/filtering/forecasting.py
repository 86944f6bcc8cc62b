"""Forecasts of a user's table by a filter that is trained on recordings."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vestige.data.recorded_table import RecordedColumns
from vestige.data.tables import AbstractTable, Column, Schema, documents_of
from vestige.errors import RunError, UsageError
from vestige.tasks.filtering.origins import Origin, origins
from vestige.tasks.filtering.recorded_steps import Matched, StepsSeen, matched, steps_seen
from vestige.tasks.filtering.sampled_paths import DrawsSteps, sampled_paths
from vestige.tasks.filtering.scaling import SUPPORT, Scaling
from vestige.tasks.filtering.step_reader import Carried, Readers, carry_steps, filled_up
from vestige.tasks.forecasts import FAR, HISTORY, AbstractForecaster, Ask, Forecast, PassedOn
from vestige.tasks.stepwise import CHUNK


class RecordingsForecaster(AbstractForecaster):
    """Forecasts tables with the columns, or arrays with the values, of a run on recordings.

    **Arguments:**

    - `readers`: of the trained model.
    - `scaling`: of its training.
    - `columns`: of the table of its training; None: of an array.

    **Raises:** `UsageError` where the model has no `draw`.
    """

    def __init__(self, readers: Readers, scaling: Scaling, columns: RecordedColumns | None):
        if not isinstance(readers.reader.model, DrawsSteps):
            name = type(readers.reader.model).__name__
            raise UsageError(
                f"model {name} forecasts nothing: it has no method draw(state, key=…), a sample of the next step"
            )
        self._readers, self._scaling, self._columns = readers, scaling, columns
        self.support = SUPPORT[scaling.kind]

    def passed_on(self, table: AbstractTable) -> PassedOn:
        found = matched(table, self._scaling, self._columns)
        return PassedOn(found.time, found.document)

    def documents(self, table: AbstractTable) -> tuple[tuple[int, int], ...]:
        name = matched(table, self._scaling, self._columns).document
        column = () if name is None else (Column(name, "", "class", "document"),)
        found = documents_of(table, Schema(column, 0))
        if found[-1][1] == 0:
            raise UsageError(f"{table.name}: there are no rows to go on from")
        return found

    def forecasts(self, table: AbstractTable, rows: np.ndarray, ask: Ask, *, ahead: bool) -> Iterator[Forecast]:
        found = matched(table, self._scaling, self._columns)
        before, after = max(HISTORY, ask.season or 1), ask.horizon if ahead else 0
        steps = steps_seen(table, found, self._scaling.kind, size=CHUNK, in_part=self._readers.in_part)
        key = jax.random.key(ask.seed)
        for origin in origins(steps, rows, _Carry(self._readers, self._scaling), before=before, after=after):
            yield self._forecast(table, found, origin, ask, jax.random.fold_in(key, origin.row))

    def _forecast(self, table: AbstractTable, found: Matched, origin: Origin, ask: Ask, key: Any) -> Forecast:
        scaling, skipped = self._scaling, np.uint32(origin.skipped)
        drawn = sampled_paths(
            self._readers.reader, origin.carried, jnp.asarray(skipped), key=key, paths=ask.paths, steps=ask.horizon
        )
        paths = np.asarray(drawn.paths, np.float64)
        _check_finite(table, origin.row, paths)
        units = lambda scaled: scaling.mean + scaling.scale * np.asarray(scaled, np.float64)
        last = units(self._scaling.featurizer.bare(jnp.asarray(origin.carried.last)[None]))[0]
        seen = np.full((ask.horizon, len(last)), np.nan)
        seen[: len(origin.after)] = origin.after
        kept = {name: _last(cells, HISTORY) for name, cells in origin.passed.items()}
        seasonal = None if ask.season is None else _seasonal(origin.before, last, ask.horizon, ask.season)
        return Forecast(origin.row, kept, units(paths), last, seasonal, units(drawn.linear), seen)


class _Carry:
    """Carries the state of a model through the rows of a table."""

    def __init__(self, readers: Readers, scaling: Scaling):
        self._readers, self._scaling, self._carried = readers, scaling, readers.reader.start()
        self._before = np.full((1, len(scaling.kept)), np.nan)

    def __call__(self, rows: StepsSeen) -> Carried:
        features, self._before = self._scaling.seen_after(self._before, rows.seen, rows.resets)
        filled = filled_up(features, rows.resets, CHUNK)
        self._carried, each = carry_steps(self._readers.of(features), self._carried, *map(jnp.asarray, filled))
        return jax.tree.map(np.asarray, each)


def _last(cells: Any, count: int) -> Any:
    return type(cells)(cells.values[-count:], cells.missing[-count:])


def _seasonal(before: np.ndarray, last: np.ndarray, steps: int, season: int) -> np.ndarray:
    """The value a season before each step, or as many seasons as it takes; the last value where that is missing."""
    ago = season - np.arange(steps) % season
    found = np.full((steps, before.shape[1]), np.nan)
    there = ago <= len(before)
    found[there] = before[len(before) - ago[there]]
    return np.where(np.isnan(found), last, found)


def _check_finite(table: AbstractTable, row: int, paths: np.ndarray) -> None:
    """**Raises:** `RunError` where a path leaves what can be meant, with its first step."""
    wrong = np.asarray(~(np.abs(paths) < FAR).all(axis=2))
    if wrong.any():
        step = int(np.argmax(wrong.any(axis=0)))
        count = int(wrong.any(axis=1).sum())
        way = f"forecast at most {step} steps (--horizon {step})" if step else "train longer, or another model"
        raise RunError(
            f"{table.name}, after {table.place(row)}: {count:,} of {len(paths):,} sampled paths diverge, the first in "
            f"step {step + 1}: values are not finite, or a million standard deviations of the training away. The model "
            f"is not stable when it is fed its own samples; {way}"
        )
