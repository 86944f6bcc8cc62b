"""Which columns of a user's table a model is fitted to, by the table's schema."""

from dataclasses import dataclass
from pathlib import Path

from vestige.data.tables import Column, Schema
from vestige.data.tables.kinds import SPIKES
from vestige.data.tables.options import ReadOptions, words
from vestige.errors import UsageError, listed, shown
from vestige.runs.fits.contract import FitRequest
from vestige.tasks.filtering.scaling import Kind

RARE = 0.5
"""Share of missing values from which on a column is left out, where others are more complete."""
SMALL_COUNT = 50
"""Counts above it are taken for numbers: their noise is not that of counting."""
VALUES = ("number", "count", "bit")
LEAST_ROWS = 8


@dataclass(frozen=True)
class ChosenColumns:
    """What is observed, and how.

    - `inputs`: names with commas between them; None: the source is an array, whose values have no names.
    - `outcomes`: likewise, to be read out; None: none.
    - `document`: the column that distinguishes recordings.
    - `values`: what they are.
    - `notes`: what was left out and assumed; sentences.
    - `summary`: what the table is, a few words.
    """

    inputs: str | None
    outcomes: str | None
    document: str | None
    values: Kind
    notes: tuple[str, ...]
    summary: str


def chosen_columns(request: FitRequest) -> ChosenColumns:
    """The columns that a model of recordings observes.

    One pass over the table.

    **Arguments:**

    - `request`: the file; of kind `recordings`, outcomes that are classes are left out, which are otherwise refused.

    **Raises:** `UsageError` where no column could be predicted, or what is to be predicted are classes, with what would
    work.
    """
    source, schema = request.source, request.schema
    array = source.suffix in (".npy", ".npz") and request.reading == ReadOptions()
    if schema.rows < LEAST_ROWS:
        raise UsageError(
            f"{source}: a model is fitted to at least {LEAST_ROWS} rows, one for each step in time, got {schema.rows}"
        )
    _refuse_classes(source, schema, labels=request.kind == "recordings")
    named = set(words(request.inputs))
    seen, notes = _observed(source, schema, named, array=array)
    read = [column for column in schema.of("outcome") if column.kind in VALUES and not column.constant]
    if wrong := [column.name for column in (*seen, *read) if "," in column.name and not array]:
        raise UsageError(f"{source}: columns with a comma in their name cannot be chosen: {listed(wrong)}; rename them")
    if schema.time is None and schema.document is None:
        notes.append("No column is a time: rows are taken for steps in the order of the file (--time names one).")
    if schema.steps is not None and schema.steps.backward:
        if schema.steps.typical:
            notes.append("Times run backward in places; rows are taken in the order of the file.")
        else:
            notes.append("Times run backward from row to row, so that earlier rows are predicted; reverse the file.")
    names = lambda columns: ",".join(column.name for column in columns) or None
    many = f"{len(seen):,} column{'s' if len(seen) > 1 else ''}"
    rows = f"{schema.documents:,} recordings, {schema.rows:,} steps" if schema.documents else f"{schema.rows:,} steps"
    kind = _kind(seen, notes)
    return ChosenColumns(
        inputs=None if array else names(seen),
        outcomes=None if array else names(read),
        document=schema.document.name if schema.document and not array else None,
        values=kind,
        notes=tuple(notes),
        summary=f"{rows} of {kind} in {many}",
    )


def _refuse_classes(source: Path, schema: Schema, *, labels: bool) -> None:
    classes = [column.name for column in schema.of("outcome") if column.kind not in VALUES]
    if classes and not labels:
        raise UsageError(
            f"{source}: '{shown(classes[0])}' holds classes or texts to be predicted, and fit predicts numbers, counts "
            "and bits over time where no column says in which order; --as stream predicts it from the rows before, "
            "--as recordings leaves it out, --outcomes names another column"
        )


def _observed(source: Path, schema: Schema, named: set[str], *, array: bool) -> tuple[list[Column], list[str]]:
    """The columns that can be predicted, and a sentence on those that cannot; of an array all are taken that change."""
    notes: list[str] = []
    given = [column for column in schema.of("input") if not column.derived]
    if wrong := [column.name for column in given if column.name in named and column.kind not in VALUES]:
        raise UsageError(
            f"{source}: numbers, counts and bits are predicted, and {listed(wrong)} hold classes, texts or times; "
            "leave them out of --inputs"
        )
    usable = [column for column in given if column.kind in VALUES]
    left = [f"{shown(column.name)} ({column.kind})" for column in given if column.kind not in VALUES]
    still = [column for column in usable if column.constant]
    usable = [column for column in usable if not column.constant]
    left += [f"{shown(column.name)} (never changes)" for column in still]
    least = min((column.missing for column in usable), default=0)
    rare = [c for c in usable if c.missing > max(RARE * schema.rows, least) and c.name not in named and not array]
    usable = [column for column in usable if column not in rare]
    left += [f"{shown(column.name)} ({column.missing / schema.rows:.0%} missing)" for column in rare]
    if left:
        notes.append(f"Left out: {shown(listed(left), 400)}.")
    if not usable:
        why = f" ({shown(listed(left), 200)})" if left else ""
        raise UsageError(
            f"{source}: no column of numbers, counts or bits that change could be predicted{why}; vestige data "
            f"describe {source} says what each is, and how to set it"
        )
    if any(column.missing for column in usable):
        notes.append("Values that are missing are left out, the others of their rows count.")
    return usable, notes


def _kind(seen: list[Column], notes: list[str]) -> Kind:
    kinds = {column.kind for column in seen}
    if kinds <= {"count", "bit"} and all(column.high == 1 and column.unit != SPIKES for column in seen):
        return "bits"
    if kinds <= {"count", "bit"}:
        if all((column.high or 0) <= SMALL_COUNT for column in seen):
            return "counts"
        notes.append(f"Counts above {SMALL_COUNT} are taken for numbers.")
    return "numbers"
