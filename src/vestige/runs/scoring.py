"""How surprising the steps or rows of a table are to the model of a run, and where it raises an alarm."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vestige.data.tables import Cells
from vestige.data.tables.writing import numbers, table_writer
from vestige.errors import UsageError
from vestige.runs.predicting import card_of, check_out
from vestige.storage.durable import write_text
from vestige.storage.results import finite
from vestige.tasks.predictions import AbstractSurprises, SurprisingSteps
from vestige.tasks.step_predictions import put, rows_of
from vestige.version import __version__

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

ALARMS = 0.01
METHOD = (
    "tail is the conformal p-value of a step's surprise: (1 + held-out steps of the training file that are at least as "
    "surprising) / (1 + held-out steps). A step is an alarm where tail is at most the wanted share: of steps like the "
    "held-out ones no larger share is. The first step of a document is surprising by itself. Of a step that is missing "
    "in part, the surprise a value counts: that of the values there, times all values, over those that are there. Of a "
    "stream the surprise is that of the outcome, where it is known. Rows of a table of examples are steps here."
)


class ScoredSteps(NamedTuple):
    """Consecutive steps of a table, scored."""

    steps: SurprisingSteps
    tail: np.ndarray
    """(rows,) float64 in (0, 1], the conformal p-value of the surprise; NaN where the step is missing."""
    alarm: np.ndarray
    """(rows,) booleans: where the tail is at most the wanted share."""


class ScoreSummary(NamedTuple):
    """What was found: steps, how many of them are missing, how many are alarms, the mean surprise in nats."""

    steps: int
    missing: int
    alarms: int
    mean_surprise: float

    def sentence(self, wanted: float) -> str:
        """How many alarms there were beside the `wanted` share."""
        there = self.steps - self.missing
        share = f"{self.alarms / there:.2%}" if there else "none"
        like = f"of steps like the held-out ones {wanted:.2%} are"
        return f"{self.alarms:,} of {there:,} steps are alarms ({share}; {like})."


def scored(predictions: AbstractSurprises[Any], steps: SurprisingSteps, alarms: float) -> ScoredSteps:
    """Score some predicted steps.

    **Arguments:**

    - `predictions`: which they are of.
    - `steps`: predicted.
    - `alarms`: the share of steps like the held-out ones that may be alarms.
    """
    tail = predictions.tail(steps)
    return ScoredSteps(steps, tail, np.where(np.isnan(tail), False, tail <= alarms))


def check_alarms(predictions: AbstractSurprises[Any], alarms: float) -> None:
    """**Raises:** `UsageError` where `alarms` is outside (0, 1), or so small that the run of these `predictions` has
    too few held-out steps for it."""
    if not 0 < alarms < 1:
        raise UsageError(f"alarms, the share of steps, must be in (0, 1), such as 0.01, got {alarms:g}")
    least = predictions.least_tail
    if alarms < least:
        raise UsageError(
            f"alarms must be at least {least:.3g} with {round(1 / least) - 1:,} held-out steps of the training file, "
            f"got {alarms:g}: no step could be an alarm; take a larger share, or hold out more (--task.held-out)"
        )


def write_scores(
    predictions: AbstractSurprises[Any], out: Path, *, run: "Restored", alarms: float = ALARMS, force: bool = False
) -> ScoreSummary:
    """Write the scores of a table, and beside them a card that says what they are.

    Memory in proportion to a chunk. Each file is written whole or not at all.

    **Arguments:**

    - `predictions`: not yet iterated over.
    - `out`: `.csv`, `.tsv` or `.parquet`.
    - `run`: whose model it is, for the card.
    - `alarms`: the share of steps like the held-out ones that may be alarms, in (0, 1).
    - `force`: replace a file that exists.

    **Returns:** how many alarms there were.

    **Raises:** `UsageError` as `write_predictions`, and for a share that cannot be; `RunError` where it cannot be
    written.
    """
    check_out(out, predictions.table.name, force=force)
    check_alarms(predictions, alarms)
    found = 0
    with table_writer(out) as writer:
        for steps in predictions:
            each = scored(predictions, steps, alarms)
            found += int(each.alarm.sum())
            writer.write(_columns(each))
    steps, missing, mean_surprise = predictions.counted()
    summary = ScoreSummary(steps, missing, found, mean_surprise)
    card: dict[str, Any] = {
        "scores": out.name,
        "run": str(run.folder.absolute()),
        "update": run.step,
        "table": predictions.table.name,
        "vestige": __version__,
        "alarms": {"share": alarms, "method": METHOD},
        "notices": predictions.notices,
        "summary": summary._asdict(),
    }
    write_text(card_of(out), json.dumps(finite(card), indent=1, ensure_ascii=False) + "\n")
    return summary


def _columns(each: ScoredSteps) -> dict[str, Cells]:
    found = rows_of(each.steps)
    put(found, "surprise", numbers(each.steps.surprise))
    put(found, "tail", numbers(each.tail))
    put(found, "alarm", Cells(each.alarm.astype(np.int8), each.steps.missing))
    return found
