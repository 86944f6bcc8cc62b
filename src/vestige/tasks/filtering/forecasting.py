"""Forecasts of a user's table by a filter that is trained on recordings."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.data.carried import carried_forward
from vestige.data.recorded_table import RecordedColumns
from vestige.data.tables import AbstractTable, Column, Schema, documents_of
from vestige.errors import RunError, UsageError
from vestige.models.filters.direct_heads import DirectHeads
from vestige.tasks.filtering.featurizers import Bare
from vestige.tasks.filtering.origins import Origin, origins
from vestige.tasks.filtering.recorded_steps import Matched, StepsSeen, matched, steps_seen
from vestige.tasks.filtering.sampled_paths import DrawsSteps, sampled_paths
from vestige.tasks.filtering.scaling import SUPPORT, Scaling
from vestige.tasks.filtering.step_reader import Carried, Readers, carry_steps, filled_up
from vestige.tasks.forecasts import FAR, HISTORY, AbstractForecaster, Ask, Forecast, PassedOn
from vestige.tasks.stepwise import CHUNK


@runtime_checkable
class HasHeads(Protocol):
    """A filter that may forecast many steps at once."""

    @property
    def heads(self) -> DirectHeads | None:
        """What does; None: nothing, its steps are fed back."""
        ...


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
        model = readers.reader.model
        self._heads = model.heads if isinstance(model, HasHeads) else None
        if self._heads is not None and not isinstance(scaling.featurizer, Bare):
            raise UsageError(
                "direct heads forecast values, and this run sees changes beside them (--task.changes); train it with "
                "one of the two"
            )

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
        window = 0 if self._heads is None else self._heads.window + 1
        before, after = max(HISTORY, ask.season or 1, window), ask.horizon if ahead else 0
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
        if self._heads is not None:
            paths = moved(paths, self._heads, (origin.before - scaling.mean) / scaling.scale)
        _check_finite(table, origin.row, paths)
        units = lambda scaled: scaling.mean + scaling.scale * np.asarray(scaled, np.float64)
        last = units(self._scaling.featurizer.bare(jnp.asarray(origin.carried.last)[None]))[0]
        seen = np.full((ask.horizon, len(last)), np.nan)
        seen[: len(origin.after)] = origin.after
        kept = {name: _last(cells, HISTORY) for name, cells in origin.passed.items()}
        seasonal = None if ask.season is None else _seasonal(origin.before, last, ask.horizon, ask.season)
        return Forecast(origin.row, kept, units(paths), last, seasonal, units(drawn.linear), seen)


def moved(paths: np.ndarray, heads: DirectHeads, rows: np.ndarray) -> np.ndarray:
    """Sampled paths whose mean and standard deviations are those of direct heads, from their first step to their last.

    What a path is among the others, and how its steps go together, is kept; so is the spread where the heads do not
    know theirs.

    **Arguments:**

    - `paths`: (paths, steps, p).
    - `heads`: of the model.
    - `rows`: (rows, p), the last ones before the paths, NaN where missing.

    **Returns:** (paths, steps, p).
    """
    found = carried_forward(rows, np.zeros(1, np.int64))
    row = np.maximum(np.searchsorted(found.row, np.arange(len(rows)), side="right") - 1, 0)
    seen = found.frames[row][-(heads.window + 1) :]
    padded = np.concatenate([np.repeat(seen[:1], heads.window + 1 - len(seen), axis=0), seen])  # one program
    ahead = np.asarray(_said(heads, jnp.asarray(padded, jnp.float32)), np.float64)
    part = slice(heads.first - 1, min(heads.horizon, paths.shape[1]))
    mean, spread = paths[:, part].mean(axis=0), paths[:, part].std(axis=0)
    wanted = np.asarray(heads.spread, np.float64)[part]
    wider = np.where(np.isfinite(wanted) & (spread > 0), wanted / np.where(spread > 0, spread, 1.0), 1.0)
    result = paths.copy()
    result[:, part] = ahead[part] + wider * (paths[:, part] - mean)
    return result


@eqx.filter_jit
def _said(heads: DirectHeads, rows: Any) -> Any:
    return heads(rows)


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
