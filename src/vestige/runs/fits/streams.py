"""Streams: steps of which an outcome is predicted from all that was seen before, and texts."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from vestige.data.steps.prose import is_prose
from vestige.data.tables import Column, Schema
from vestige.runs.fits.contract import AbstractFitStrategy, Comparison, FitPlan, FitRequest, Note
from vestige.runs.fits.streams_plan import planned
from vestige.tasks.longterm.outcome_comparing import MODEL, ComparedOutcomes, compared_outcomes
from vestige.tasks.longterm.stream import Stream

if TYPE_CHECKING:
    from vestige.runs.restoring import Restored

NEAR = 0.01
"""Losses that differ by less are as good as each other."""
SPARSE = 0.5
"""The share of steps without an outcome from which on it is one of a stream."""
NATS_PER_BIT = math.log(2)
Cell = Callable[[Mapping[str, Any]], str]


class StreamFit(AbstractFitStrategy):
    """A recurrent memory that is trained on distant outcomes (MemUP)."""

    kind: ClassVar[str] = "stream"
    entry: ClassVar[str] = "stream"
    preset: ClassVar[str] = "small"

    def suits(self, request: FitRequest) -> bool:
        return is_prose(request.source, request.reading.encoding) or bool(why_a_stream(request.schema))

    def planned(self, request: FitRequest, *, note: Note) -> FitPlan:
        return planned(request, _first(request), note=note)

    def compared(self, run: "Restored", request: FitRequest) -> Comparison:
        task = run.components.task
        assert isinstance(task, Stream) and task.columns is not None
        found = compared_outcomes(task, run.model)
        text = task.columns.text
        return Comparison(
            title=f"{found.count:,} held-out {'characters' if text else 'known outcomes'}",
            count=found.count,
            rows=found.rows,
            shown=_shown(found, text),
            sentence=sentence_of(found, text=text),
            kept={"measure": found.measure, "notes": list(found.notes)},
        )


def why_a_stream(schema: Schema) -> str:
    """Why a table is one of a stream: a clause; empty where it is none.

    It has one outcome, and this holds classes in steps of an order, or is known at few of its steps; few
    labels of rows without an order make no stream.

    **Arguments:**

    - `schema`: of the table.
    """
    if len(outcomes := schema.of("outcome")) != 1:
        return ""
    outcome = outcomes[0]
    if outcome.missing >= SPARSE * schema.rows and (outcome.kind == "number" or _order(schema) is not None):
        return f"'{outcome.name}' is known at {schema.rows - outcome.missing:,} of {schema.rows:,} steps"
    if outcome.kind in ("class", "bit") and (order := _order(schema)) is not None:
        return f"'{outcome.name}' holds classes, and '{order.name}' puts steps in an order"
    return ""


def _order(schema: Schema) -> Column | None:
    documents = schema.document if schema.documents != schema.rows else None
    return documents or schema.time


def _first(request: FitRequest) -> str:
    """For what the file is taken, and why; a sentence."""
    if is_prose(request.source, request.reading.encoding):
        return "Taken for a text: the next character is predicted."
    why = why_a_stream(request.schema) or "as you said"
    return f"Taken for a stream: {why}."


def _shown(found: ComparedOutcomes, text: bool) -> dict[str, Cell]:
    cell = lambda name, form: lambda row: format(row[name], form) if name in row else "–"
    if found.measure == "mse":
        return {"squared error": cell("mse", ".4g")}
    if text:
        bits: Cell = lambda row: f"{row['cross_entropy'] / NATS_PER_BIT:.3f}"
        return {"bits per character": bits, "accuracy": cell("accuracy", ".1%")}
    shown = {"cross-entropy": cell("cross_entropy", ".4f"), "accuracy": cell("accuracy", ".1%")}
    if any("auroc" in row for row in found.rows.values()):
        shown["AUROC"] = cell("auroc", ".3f")
    return {**shown, "calibration error": cell("calibration_error", ".4f")}


def sentence_of(found: ComparedOutcomes, *, text: bool = False) -> str:
    """Whether the model was worth it, in one sentence.

    **Arguments:**

    - `found`: the losses.
    - `text`: whether they are of a text, and said in bits.
    """
    other = found.best_other()
    unit, factor = ("bits a character", NATS_PER_BIT) if text else ("nats", 1.0)
    loss, best = (found.rows[name][found.measure] / factor for name in (MODEL, other))
    what = "squared error" if found.measure == "mse" else "cross-entropy"
    said = found.rows[other]["said"]
    if not loss < float("inf"):
        return "Not worth it: the model's predictions are not finite; report this, with the file if you can."
    numbers = f"{loss:.4g}" if found.measure == "mse" else f"{loss:.4g} {unit}"
    beside = f"the model's {what} is {numbers}, and {best:.4g} is that of {said}, the best without a memory"
    if loss < (1 - NEAR) * best:
        return f"Worth it: {beside}."
    if loss <= (1 + NEAR) * best:
        return f"Hardly worth it: {beside}."
    return f"Not worth it: {beside}."
