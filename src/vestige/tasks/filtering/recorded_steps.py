"""The steps of a user's table, a chunk at a time, as the recordings of a run were read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vestige.data.recorded_table import RecordedColumns
from vestige.data.tables import AbstractTable, Cells, Column, require_columns
from vestige.data.tables.raw import check_documents, values_of
from vestige.data.tables.stretches import DocumentCounts
from vestige.errors import UsageError, listed
from vestige.models.families import missing_in_part
from vestige.tasks.filtering.scaling import Scaling

KIND_OF_COLUMN = {"numbers": "number", "counts": "count", "bits": "bit"}
OBSERVATIONS, DOCUMENT = "observations", "document"
"""In an `.npz` file: the array of recordings, and the column that its lengths make."""


class StepsSeen(NamedTuple):
    """Consecutive rows of a table."""

    start: int
    seen: np.ndarray
    """(rows, p) float64, the kept values; NaN where missing."""
    resets: np.ndarray
    """(rows,), booleans: where a recording begins."""
    passed: dict[str, Cells]
    """The columns of time and document."""
    in_part: int
    """Rows that are missing in part."""


@dataclass(frozen=True)
class Matched:
    """Which columns of a table hold the values of a run, in the order of the training.

    - `names`: of the kept values; `time`, `document`: columns that are passed on, None where there are none.
    - `further`: columns that are not read.
    """

    names: tuple[str, ...]
    time: str | None
    document: str | None
    further: tuple[str, ...]


def matched(table: AbstractTable, scaling: Scaling, columns: RecordedColumns | None) -> Matched:
    """Find the values of a run in a table.

    **Arguments:**

    - `table`: of the user.
    - `scaling`: of the run.
    - `columns`: of the table of the training, found by name; None: of an array, whose values are found by their place.

    **Returns:** the columns.

    **Raises:** `UsageError` for columns that are absent, and where an array has more or fewer values a step.
    """
    if columns is None:
        return _by_place(table, scaling)
    names = tuple(columns.inputs[place] for place in scaling.kept)
    wanted = RecordedColumns(names, (), columns.document)
    require_columns(table, wanted.schema)
    time = columns.time if columns.time in table.names else None
    used = {*columns.inputs, *columns.outcomes, columns.document, time}
    return Matched(names, time, columns.document, tuple(name for name in table.names if name not in used))


def _by_place(table: AbstractTable, scaling: Scaling) -> Matched:
    names = table.names
    document = None
    if Path(table.name).suffix == ".npz":
        document = DOCUMENT if DOCUMENT in names else None
        names = tuple(name for name in names if name.partition(".")[0] == OBSERVATIONS)
    if len(names) != scaling.width:
        raise UsageError(
            f"{table.name}: the run is trained on an array of {scaling.width:,} values a step, found by their place, "
            f"and here are {len(names):,} columns: {listed(names)}; give an array of as many"
        )
    return Matched(tuple(names[place] for place in scaling.kept), None, document, ())


def steps_seen(table: AbstractTable, found: Matched, kind: str, *, size: int, in_part: bool) -> Iterator[StepsSeen]:
    """The rows of a table in order.

    **Arguments:**

    - `table`: of the user.
    - `found`: which of its columns are what.
    - `kind`: of the values: numbers, counts or bits.
    - `size`: rows at a time, at most.
    - `in_part`: whether rows may be missing in part; otherwise such a one is missing in all.

    **Returns:** an iterator.

    **Raises:** `UsageError`, naming column and row, for a value that is not of the kind, and for a document
    that goes on after others.
    """
    extra = [name for name in (found.time, found.document) if name is not None]
    documents = DocumentCounts()
    columns = [Column(name, "", KIND_OF_COLUMN[kind], "input") for name in found.names]  # pyright: ignore[reportArgumentType]
    for batch in table.batches(list(dict.fromkeys([*found.names, *extra])), size=size):
        values = [values_of(table, column, batch.start, batch.cells[column.name]) for column in columns]
        seen = np.stack(values, axis=1)
        parts = missing_in_part(seen)
        if not in_part:
            seen[parts] = np.nan
        resets = np.zeros(batch.rows, bool)
        resets[0] = batch.start == 0
        if found.document is not None:
            resets = documents.update(batch.start, batch.cells[found.document])
            check_documents(table, found.document, documents)
        yield StepsSeen(batch.start, seen, resets, {name: batch.cells[name] for name in extra}, int(parts.sum()))


def channel_names(scaling: Scaling, columns: RecordedColumns | None) -> tuple[str, ...]:
    """The names of the kept values: those of the `columns`, or of an array by their place in the `scaling`."""
    return tuple(columns.inputs[place] if columns else f"value {place}" for place in scaling.kept)
