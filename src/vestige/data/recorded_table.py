"""Custom recordings, from a table with a column for each value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vestige.data.frames import FrameSet
from vestige.data.recorded import Recorded
from vestige.data.tables import Column, Schema, SchemaOptions, documents_of, infer, open_table, require_columns
from vestige.data.tables.options import ReadOptions, words
from vestige.data.tables.raw import values_of
from vestige.errors import UsageError, listed, shown

Values = Literal["numbers", "counts", "bits"]


@dataclass(frozen=True)
class RecordedColumns:
    """Which columns of a table are observed, read out, and distinguish recordings."""

    inputs: tuple[str, ...]
    outcomes: tuple[str, ...] = ()
    document: str | None = None
    time: str | None = None
    """The times, which the model does not see; None also in runs of earlier versions."""

    def as_plain(self) -> dict[str, Any]:
        """As plain values of JSON."""
        names = {"inputs": list(self.inputs), "outcomes": list(self.outcomes)}
        return {**names, "document": self.document, "time": self.time}

    @classmethod
    def from_plain(cls, plain: Any) -> "RecordedColumns":
        """What `as_plain` gave. **Raises:** `UsageError` where `plain` is something else."""
        try:
            document, time = plain["document"], plain.get("time")
            names = tuple(map(str, plain["inputs"])), tuple(map(str, plain["outcomes"]))
            return cls(*names, document and str(document), time and str(time))
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"the stored names of columns are damaged: {shown(repr(error), 100)}") from None

    @property
    def schema(self) -> Schema:
        """As a schema, all of numbers."""
        roles = {**dict.fromkeys(self.inputs, "input"), **dict.fromkeys(self.outcomes, "outcome")}
        columns = [Column(name, "", "number", role) for name, role in roles.items()]  # pyright: ignore[reportArgumentType]
        if self.document is not None:
            columns.append(Column(self.document, "", "class", "document"))
        return Schema(tuple(columns), 0)


def recorded_columns(
    path: Path,
    *,
    inputs: str | None = None,
    outcomes: str | None = None,
    document: str | None = None,
    reading: ReadOptions = ReadOptions(),
) -> tuple[RecordedColumns, Values]:
    """Which columns of a table are recordings, and what their values are.

    One pass over the table.

    **Arguments:**

    - `path`: of what `vestige.data.open` reads.
    - `inputs`, `outcomes`: names with commas between them; None: as the schema suggests.
    - `document`: the column that distinguishes recordings; None: as the schema suggests.
    - `reading`: how the file is read.

    **Returns:** the columns, and whether their values are all counts, all bits, or numbers.

    **Raises:** `UsageError` for a column that is absent, or holds classes, and where no column is left.
    """
    table = open_table(path, reading)
    options = SchemaOptions(
        document=document, inputs=None if inputs is None else words(inputs), outcomes=words(outcomes)
    )
    schema = infer(table, options)
    seen = [column for column in schema.of("input", "known") if not column.derived]
    read = schema.of("outcome")
    if wrong := [column.name for column in (*seen, *read) if column.kind in ("class", "text", "time")]:
        raise UsageError(
            f"{path}: recordings are numbers, counts or bits, and these columns hold classes, texts or times: "
            f"{listed(wrong)}; name the columns that are observed (--task.inputs) and read out (--task.outcomes)"
        )
    if not seen:
        raise UsageError(f"{path}: no column could be observed; vestige data describe {path} says why")
    kinds = {column.kind for column in seen}
    values: Values = "bits" if kinds == {"bit"} else "counts" if kinds <= {"count", "bit"} else "numbers"
    name = schema.document.name if schema.document else None
    names = tuple(column.name for column in seen), tuple(column.name for column in read)
    return RecordedColumns(*names, name, schema.time.name if schema.time else None), values


def read_recorded_table(path: Path, columns: RecordedColumns, reading: ReadOptions = ReadOptions()) -> Recorded:
    """The recordings in a table, in float64.

    **Arguments:**

    - `path`: of what `vestige.data.open` reads.
    - `columns`: which of its columns are what; their order in the file does not matter.
    - `reading`: how the file is read.

    **Returns:** the recordings, with the names of their columns. Missing values are NaN.

    **Raises:** `UsageError` for columns that are absent, a value that is no number, with column and row, and a document
    that goes on after others.
    """
    table, schema = open_table(path, reading), columns.schema
    require_columns(table, schema)
    cells = table.read([*columns.inputs, *columns.outcomes])
    read: Mapping[str, np.ndarray] = {
        column.name: values_of(table, column, 0, cells[column.name]) for column in schema.of("input", "outcome")
    }
    stretches = documents_of(table, schema)
    lengths = np.array([end - begin for begin, end in stretches], np.int64)
    side_by_side = lambda names: np.stack([read[name] for name in names], axis=1)
    frames = FrameSet(side_by_side(columns.inputs), lengths, columns.inputs)
    if not columns.outcomes:
        return Recorded(frames, np.zeros((len(frames.frames), 0)))
    return Recorded(frames, side_by_side(columns.outcomes), columns.outcomes)
