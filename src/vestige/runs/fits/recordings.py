"""Recordings: rows are steps in time, of which the next one is predicted."""

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from vestige.errors import RunError, UsageError
from vestige.experiments.experiment import Experiment
from vestige.runs.back_test import BackTest
from vestige.runs.fits.columns import chosen_columns
from vestige.runs.fits.contract import AbstractFitStrategy, Comparison, FitPlan, FitRequest, Note
from vestige.runs.fits.recordings_plan import planned
from vestige.tasks.filtering.comparing import Compared, compared
from vestige.tasks.filtering.custom_data import CustomRecordings
from vestige.tasks.filtering.forecasting import HasHeads
from vestige.tasks.filtering.seasons import season_of

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

ORIGINS, PATHS = 100, 50
"""Held-out rows from which forecasts are compared, and paths of each."""
NEAR = 0.01
"""Errors that differ by less are as good as each other."""


class RecordingsFit(AbstractFitStrategy):
    """A ridge autoregression, beside it a net where that helps, or the last value."""

    kind: ClassVar[str] = "recordings"
    entry: ClassVar[str] = "recordings"
    preset: ClassVar[str] = "small"

    def suits(self, request: FitRequest) -> bool:
        return True

    def planned(self, request: FitRequest, *, note: Note) -> FitPlan:
        columns = chosen_columns(request)
        chosen = planned(request, columns, note=note)
        why = (f"Taken for recordings: {columns.summary}.", *columns.notes, *chosen.why, _sizes(chosen.experiment))
        return FitPlan(chosen.experiment, why)

    def compared(self, run: "Restored", request: FitRequest) -> Comparison:
        task = run.components.task
        assert isinstance(task, CustomRecordings)
        season = request.season
        if season is None:
            season = season_of(np.asarray(task.train.frames, np.float64), np.asarray(task.train.starts))
        found = compared(task, run.model, season=season)
        ahead = _ahead(run, request, season)
        return Comparison(
            title=f"{found.steps:,} held-out steps, one step ahead",
            count=found.steps,
            rows=found.as_plain(),
            shown={
                "squared error": lambda row: f"{row['error']:.4g}",
                "of the last value's": lambda row: _share(row["error"], found.error("last value")),
            },
            sentence=ahead.beside(sentence_of(found)),
            kept={"season": season, "ahead": ahead.test and ahead.test.as_plain()},
        )


class Ahead(NamedTuple):
    """How forecasts from held-out rows do."""

    sentences: tuple[str, ...] = ()
    test: BackTest | None = None
    """None where there are none, or they fail."""

    def beside(self, sentence: str) -> str:
        """The verdict on one step ahead, a `sentence`, and after it that on many."""
        if not self.sentences:
            return sentence
        return " ".join([f"One step ahead {sentence[0].lower()}{sentence[1:]}", *self.sentences])


def _ahead(run: "Restored", request: FitRequest, season: int | None) -> Ahead:
    """As far as the direct regressions of a model reach; nothing where it has none, or no held-out part is so long."""
    heads = run.model.heads if isinstance(run.model, HasHeads) else None
    if heads is None:
        return Ahead()
    held_out = run.components.task.test  # pyright: ignore[reportAttributeAccessIssue]
    longest = int(np.diff(np.append(np.asarray(held_out.starts), len(held_out.frames))).max(initial=0))
    if longest <= heads.horizon:
        return Ahead()
    options = {"origins": ORIGINS, "season": season or 0, "paths": PATHS, "seed": request.seed}
    try:
        found = run.forecast(request.source, horizon=heads.horizon, options=request.reading, **options).back_test
    except (RunError, UsageError) as error:  # such as paths that diverge: the model is what it is one step ahead
        return Ahead((f"Forecasts of {heads.horizon:,} steps are not compared: {error}",))
    return Ahead() if found is None else Ahead((found.sentence(),), found)


def _share(error: float, last: float) -> str:
    return f"{error / last:.1%}" if last > 0 else "–"


def _sizes(experiment: Experiment) -> str:
    length = getattr(experiment.task, "length", 0)
    return f"{experiment.steps:,} updates of {experiment.batch_size:,} windows of {length:,} steps."


def sentence_of(found: Compared) -> str:
    """Whether the model was worth it, in one sentence.

    **Arguments:**

    - `found`: the errors.
    """
    error, other = found.error("model"), found.best_other()
    best, last = found.error(other), found.error("last value")
    beside = "" if other == "last value" or not last > 0 else f", and the last value's by {1 - error / last:.0%}"
    if not error < float("inf"):
        return "Not worth it: the model's predictions are not finite; report this, with the file if you can."
    if best == 0:
        return f"Not worth it: the {found.said[other]} predicts the held-out part without any error."
    ratio = error / best
    who = f"the {found.said[other]}" if not found.said[other].startswith("the ") else found.said[other]
    if ratio < 1 - NEAR:
        return (
            f"Worth it: the model's squared error undercuts that of {who}, the best without it, by {1 - ratio:.0%}"
            f"{beside}."
        )
    if ratio <= 1 + NEAR:
        beside = f"which needs no training ({ratio - 1:+.1%})"
        return f"Hardly worth it: the model predicts about as well as {who}, {beside}."
    return f"Not worth it: {who} predicts better, the model's squared error is {ratio - 1:.0%} above."
