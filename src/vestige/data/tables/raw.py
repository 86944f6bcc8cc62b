"""The modelled columns of a table in float64, before they are scaled; every cell that does not fit is named."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, NoReturn

import numpy as np

from vestige.data.tables.contract import AbstractTable, Batch, Cells
from vestige.data.tables.dates import STYLES, dates
from vestige.data.tables.inference import label
from vestige.data.tables.kinds import LARGEST_COUNT
from vestige.data.tables.schema import Column, Schema
from vestige.data.tables.stretches import DocumentCounts
from vestige.data.tables.text_numbers import numbers
from vestige.errors import UsageError, listed, nearest, shown

_EACH = {"number": 1.0, "seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6}


class Raw(NamedTuple):
    """Consecutive rows of a table, unscaled."""

    start: int
    values: np.ndarray
    """(rows, modelled) float64: numbers, counts, 0 or 1, places in a vocabulary; 0 where missing."""
    mask: np.ndarray
    """(rows, modelled), booleans: where there is a value."""
    resets: np.ndarray
    """(rows,), booleans: where a document begins."""
    times: np.ndarray
    """(rows,) float64, NaN without a time column."""
    documents: np.ndarray
    """(rows,), what the document column holds, as objects; None without one."""


def raw_rows(table: AbstractTable, schema: Schema, *, size: int | None = None) -> Iterator[Raw]:
    """The rows of a table as a schema reads them.

    One pass; memory in proportion to a batch, and to the number of documents.

    **Arguments:**

    - `table`: with the columns that the schema needs; their order does not matter.
    - `schema`: what they mean. An outcome that the table does not have is missing in every row.
    - `size`: rows of a batch; None: as the table suggests.

    **Raises:** `UsageError`, naming column and row, for a value that is not of the kind, an unknown class, a date in
    another format, a time that does not advance where the gap is an input, and a document that returns.
    """
    names = [name for name in schema.needed if name in table.names or schema.column(name).role != "outcome"]
    counts, last = DocumentCounts(), np.nan
    for batch in table.batches(names, size=size):
        resets = np.zeros(batch.rows, bool)
        resets[0] = batch.start == 0
        documents = np.full(batch.rows, None, object)
        if (document := schema.document) is not None:
            cells = batch.cells[document.name]
            resets = counts.update(batch.start, cells)
            documents = cells.values.astype(object)
            documents[cells.missing] = None
            check_documents(table, document.name, counts)
        times = np.full(batch.rows, np.nan)
        if (time := schema.time) is not None:
            times = times_of(table, time, batch.start, batch.cells[time.name])
        values, mask = np.zeros((batch.rows, len(schema.modelled))), np.zeros((batch.rows, len(schema.modelled)), bool)
        for place, column in enumerate(schema.modelled):
            if column.derived:
                values[:, place], mask[:, place] = _gaps(table, schema, batch, times, resets, last)
            elif column.name in batch.cells:
                found = values_of(table, column, batch.start, batch.cells[column.name])
                mask[:, place] = ~np.isnan(found)
                values[:, place] = np.where(mask[:, place], found, 0.0)
        last = float(times[-1])
        yield Raw(batch.start, values, mask, resets, times, documents)


def values_of(table: AbstractTable, column: Column, start: int, cells: Cells) -> np.ndarray:
    """Cells as numbers.

    **Arguments:**

    - `table`: whose column it is, for messages.
    - `column`: its kind and vocabulary.
    - `start`: the number of the first row.
    - `cells`: of the column.

    **Returns:** (rows,) float64, NaN where missing.

    **Raises:** `UsageError`, naming column and row, for a value that is not of the kind.
    """
    if column.kind == "class":
        return _classes(table, column, start, cells)
    if column.kind == "time":
        return times_of(table, column, start, cells)
    if column.kind == "text":
        raise UsageError(
            f"{table.name}: column '{column.name}' holds texts, which are not modelled; ignore it, or make it classes "
            f"(--kind {column.name}=class)"
        )
    found = numbers(cells, table.decimal)
    if found.faults.any():
        row = int(np.argmax(found.faults))
        text = cells.values[row]
        _refuse(table, column, start + row, f"a {column.kind} is expected, got '{shown(text, 40)}'")
    known = np.where(found.missing, 0.0, found.values)
    if column.kind in ("count", "bit"):
        most = 1 if column.kind == "bit" else LARGEST_COUNT
        wrong = (known < 0) | (known > most) | (known != np.floor(known))
        if wrong.any():
            row = int(np.argmax(wrong))
            said = "0 or 1" if most == 1 else f"a whole number in 0..{most:,}"
            _refuse(table, column, start + row, f"a {column.kind} must be {said}, got {known[row]:g}")
    return np.where(found.missing, np.nan, found.values)


def times_of(table: AbstractTable, column: Column, start: int, cells: Cells) -> np.ndarray:
    """Cells as times.

    **Arguments:**

    - `table`: whose column it is, for messages.
    - `column`: how its times are written.
    - `start`: the number of the first row.
    - `cells`: of the column.

    **Returns:** (rows,) float64: seconds since 1970, or numbers as they are; NaN where missing.

    **Raises:** `UsageError`, naming column and row, for a text in another format, and where it is not known whether
    day or month comes first.
    """
    form = column.time_format
    if form is None:
        _refuse(table, column, start, "a date may be day first or month first: say --dates day-first, or month-first")
    values = cells.values
    if form == "nanoseconds" and values.dtype.kind in "iu":
        whole = values.astype(np.int64)
        return np.where(cells.missing, np.nan, whole // 10**9 + (whole % 10**9) / 1e9)
    if values.dtype.kind == "M" or form in (*_EACH, "nanoseconds"):
        found = numbers(cells, table.decimal)
        if found.faults.any():
            row = int(np.argmax(found.faults))
            _refuse(table, column, start + row, f"a time in {form} is expected, got '{shown(values[row], 40)}'")
        scale = 1.0 if values.dtype.kind == "M" else _EACH.get(form, 1e-9)
        return np.where(found.missing, np.nan, found.values * scale)
    if values.dtype.kind != "O":
        cells = Cells(np.array([label(value) for value in values.tolist()], object), cells.missing)
    order = form if form in ("day-first", "month-first") else None
    read = dates(cells, order)
    style = STYLES.index("numeric" if order else form)  # pyright: ignore[reportArgumentType]
    wrong = ~cells.missing & ((read.styles != style) | np.isnan(read.seconds))
    if wrong.any():
        row = int(np.argmax(wrong))
        _refuse(
            table, column, start + row, f"a date in the format {form} is expected, got '{shown(cells.values[row], 40)}'"
        )
    return read.seconds


def _classes(table: AbstractTable, column: Column, start: int, cells: Cells) -> np.ndarray:
    places = {word: place for place, word in enumerate(column.vocabulary)}
    found = np.full(len(cells.values), np.nan)
    for row in np.flatnonzero(~cells.missing).tolist():
        word = cells.values[row]
        place = places.get(word if isinstance(word, str) else label(word.item() if hasattr(word, "item") else word))
        if place is None:
            said = nearest(label(word), column.vocabulary) if len(label(word)) < 300 else ""
            _refuse(table, column, start + row, f"class '{shown(word, 40)}' was not in the data of the schema. {said}")
        found[row] = place
    return found


def _gaps(
    table: AbstractTable, schema: Schema, batch: Batch, times: np.ndarray, resets: np.ndarray, last: float
) -> tuple[np.ndarray, np.ndarray]:
    ahead = np.diff(times, prepend=last)
    ahead[resets] = np.nan
    if (ahead <= 0).any() and schema.time is not None:
        row = int(np.argmax(ahead <= 0))
        _refuse(table, schema.time, batch.start + row, "the time must be later than the one before; sort the rows")
    there = ~np.isnan(ahead)
    return np.where(there, ahead, 0.0), there


def check_documents(table: AbstractTable, name: str, counts: DocumentCounts) -> None:
    """Check that no document returns.

    **Arguments:**

    - `table`: that is read, for messages.
    - `name`: of its document column.
    - `counts`: of the documents so far.

    **Raises:** `UsageError` where one goes on after others, with its row, and where they are too many to be known.
    """
    if counts.returns is not None:
        row, text = counts.returns
        raise UsageError(
            f"{table.name}: column '{name}', {table.place(row)}: document '{shown(text, 40)}' goes on after others; "
            "sort the rows by document"
        )
    if counts.too_many:
        raise UsageError(f"{table.name}: column '{name}' distinguishes more than {len(counts.seen):,} documents")


def _refuse(table: AbstractTable, column: Column, row: int, said: str) -> NoReturn:
    raise UsageError(f"{table.name}: column '{column.name}', {table.place(row)}: {said}")


def require_columns(table: AbstractTable, schema: Schema, *, outcomes: bool = True) -> None:
    """Check that a table has the columns that a schema needs; others, and their order, do not matter.

    **Arguments:**

    - `table`: that is read.
    - `schema`: of the training.
    - `outcomes`: whether the outcomes must be there too.

    **Raises:** `UsageError` with all columns that are absent, and the names nearest to them.
    """
    absent = [
        name
        for name in schema.needed
        if name not in table.names and (outcomes or schema.column(name).role != "outcome")
    ]
    if absent:
        close = _renamed(absent, table) or nearest(absent[0], table.names)
        raise UsageError(
            f"{table.name}: it lacks columns of the training data: {shown(listed(absent), 300)}. It has "
            f"{shown(listed(table.names), 300)}. {close}"
        )


def _renamed(absent: Sequence[str], table: AbstractTable) -> str:
    """What to say where the columns are those of an array of another name."""
    arrays = lambda names: {name.rpartition(".")[0] for name in names if name.rpartition(".")[2].isdigit()}
    wanted, there = arrays(absent), arrays(table.names)
    if len(wanted) != 1 or len(there) != 1 or wanted == there:
        return ""
    (name,), (array,) = wanted, there
    ends = {each.rpartition(".")[2] for each in table.names}
    fits = all(each.rpartition(".")[2] in ends for each in absent)
    return f"If these are the same quantities, say so: --arrays {name}={array}" if fits else ""
