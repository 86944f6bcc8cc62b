"""Which rows are trained on and which are held out."""

from typing import NamedTuple

import numpy as np

from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.scaling import Stretch
from vestige.data.tables.schema import Schema
from vestige.data.tables.stretches import DocumentCounts
from vestige.errors import UsageError, shown


class Parts(NamedTuple):
    """Stretches of rows: the first row and the one after the last, of each document."""

    train: tuple[Stretch, ...]
    held_out: tuple[Stretch, ...]
    note: str
    """How they were cut, a sentence."""


def documents_of(table: AbstractTable, schema: Schema) -> tuple[Stretch, ...]:
    """Where each document begins and ends.

    One pass over the document column; without one, all rows are one document.

    **Arguments:**

    - `table`: that is read.
    - `schema`: which column distinguishes documents.

    **Raises:** `UsageError` where a document goes on after others, with its row.
    """
    column = schema.document
    counts, begins, rows = DocumentCounts(), [], 0
    names = [column.name] if column else [table.names[0]]
    for batch in table.batches(names):
        rows = batch.start + batch.rows
        if column:
            begins += (batch.start + np.flatnonzero(counts.update(batch.start, batch.cells[column.name]))).tolist()
            if counts.returns is not None:
                row, text = counts.returns
                raise UsageError(
                    f"{table.name}: column '{column.name}', {table.place(row)}: document '{shown(text, 40)}' goes on "
                    "after others; sort the rows by document"
                )
    begins = begins or [0]
    return tuple(zip(begins, [*begins[1:], rows], strict=True))


def hold_out(table: AbstractTable, schema: Schema, share: float = 0.2) -> Parts:
    """Cut off the last documents, or the last rows where there is one document.

    **Arguments:**

    - `table`: that is read.
    - `schema`: which column distinguishes documents.
    - `share`: of the rows that is held out, as nearly as whole documents can.

    **Returns:** the parts; no document is in both.

    **Raises:** `UsageError` for a share outside (0, 1), and where a part would be empty, or training would have less
    than half of what it should because one document is longer than all others together.
    """
    if not 0 < share < 1:
        raise UsageError(f"{table.name}: the held-out share must be between 0 and 1, got {share:g}")
    documents = documents_of(table, schema)
    rows = documents[-1][1]
    if len(documents) == 1:
        stop = rows - max(1, round(share * rows))
        if stop < 1:
            raise UsageError(f"{table.name}: {rows:,} rows leave none to train on beside a held-out share of {share:g}")
        return Parts(((0, stop),), ((stop, rows),), f"The last {rows - stop:,} of {rows:,} rows are held out.")
    first = min(range(1, len(documents)), key=lambda place: abs(documents[place][0] - (1 - share) * rows))
    kept = documents[first][0]
    if kept < (1 - share) * rows / 2:
        begin, end = max(documents, key=lambda document: document[1] - document[0])
        raise UsageError(
            f"{table.name}: the document of rows {begin + 1:,} to {end:,} has {end - begin:,} of {rows:,} rows, and "
            f"with it held out {kept:,} rows are left to train on; put it first, cut it, or hold out a smaller share "
            f"than {share:g}"
        )
    note = f"The last {len(documents) - first:,} of {len(documents):,} documents are held out, {rows - kept:,} rows."
    return Parts(documents[:first], documents[first:], note)
