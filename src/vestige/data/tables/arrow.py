"""Parquet and Arrow, in files, folders and memory; needs pyarrow."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.data.tables.contract import AbstractTable, Cells, Field
from vestige.data.tables.dialect import check_names
from vestige.data.tables.extras import extra
from vestige.data.tables.sliced import cells_of
from vestige.errors import UsageError, VestigeError, listed, shown

CSV_INSTEAD = "save the table as CSV, which needs nothing"
MOST_FILES = 10_000

Batches = Callable[[tuple[str, ...], int], Iterator[Any]]
"""From names of columns and rows of a piece to Arrow's record batches."""


class ArrowTable(AbstractTable):
    """A table of Arrow's, read a batch at a time. Columns of lists and structures are left out, with a note.

    **Arguments:**

    - `name`: of the source, for messages.
    - `schema`: of Arrow.
    - `rows`: how many it has; None where that is not known.
    - `read`: reads names of columns in pieces.
    - `categories`: names of classes by column, where the column holds their numbers.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` where no column can be read, and where two have one name.
    """

    def __init__(
        self,
        name: str,
        schema: Any,
        rows: int | None,
        read: Batches,
        *,
        categories: Mapping[str, tuple[str, ...]] | None = None,
        missing_numbers: tuple[float, ...] = (),
    ):
        self.name, self.rows, self._read = name, rows, read
        self.missing_numbers = missing_numbers
        check_names(name, list(schema.names))
        left_out = [field.name for field in schema if _is_nested(field.type)]
        self.fields = tuple(
            Field(field.name, str(field.type), _unit(field), (categories or {}).get(field.name))
            for field in schema
            if field.name not in left_out
        )
        if not self.fields or rows == 0:
            raise UsageError(f"{name}: it holds {rows or 0:,} rows of {len(self.fields):,} columns; a table needs some")
        if left_out:
            self.notes = (f"Columns of lists or structures are left out: {listed(left_out)}.",)

    def pieces(self, names: tuple[str, ...], size: int) -> Iterator[dict[str, Cells]]:
        kinds = {field.name: field.categories for field in self.fields}
        try:
            for batch in self._read(names, size):
                yield {name: _cells(batch.column(name), kinds[name]) for name in names}
        except VestigeError:
            raise
        except Exception as error:  # pyarrow has a dozen kinds
            raise UsageError(f"{self.name}: it cannot be read on ({shown(error, 300)})") from None


def arrow_file(path: Path, form: str, missing_numbers: tuple[float, ...] = ()) -> ArrowTable:
    """The table in a file.

    **Arguments:**

    - `path`: the file.
    - `form`: `parquet`, `arrow` or `arrow-stream`.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` without pyarrow, and where the file is damaged.
    """
    what = "Parquet" if form == "parquet" else "an Arrow file"
    source = extra("pyarrow.dataset", what, CSV_INSTEAD)
    gate.require_regular(path)
    if form == "arrow-stream":
        return _of_stream(path, missing_numbers)
    with _opening(path):
        found = source.dataset(str(path), format="parquet" if form == "parquet" else "ipc")
        return _of_dataset(str(path), found, missing_numbers)


def parquet_folder(folder: Path, missing_numbers: tuple[float, ...] = ()) -> ArrowTable:
    """The table in a folder of Parquet files; folders named `key=value` in it become columns.

    **Arguments:**

    - `folder`: with the files, in the order of their names.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` without pyarrow, where a file is damaged, and where two have other columns, with both.
    """
    source = extra("pyarrow.dataset", "Parquet", CSV_INSTEAD)
    files = sorted(str(gate.require_regular(path)) for path in folder.rglob("*.parquet"))
    if len(files) > MOST_FILES:
        raise UsageError(f"{folder}: it holds {len(files):,} Parquet files, and at most {MOST_FILES:,} are read as one")
    with _opening(folder):
        found = source.dataset(files, format="parquet", partitioning="hive", partition_base_dir=str(folder))
        first = None
        for fragment in found.get_fragments():
            schema = {field.name: str(field.type) for field in fragment.physical_schema}
            first = first or (fragment.path, schema)
            if schema != first[1]:
                differ = sorted(schema.items() ^ first[1].items())
                said = listed(dict.fromkeys(name for name, _ in differ))
                raise UsageError(
                    f"{folder}: its files have other columns: {said} differ in {fragment.path} and {first[0]}"
                )
        return _of_dataset(str(folder), found, missing_numbers)


def arrow_object(source: Any, missing_numbers: tuple[float, ...] = ()) -> ArrowTable:
    """A table in memory: of pyarrow, or what gives itself as a stream of Arrow, as pandas and polars frames do.

    **Arguments:**

    - `source`: the object, which is not copied where it holds Arrow's memory.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` without pyarrow, and for what can be read only once.
    """
    arrow = extra("pyarrow", "a table in memory", "pass a dictionary of NumPy arrays")
    name = f"{type(source).__module__.partition('.')[0]} {type(source).__name__}"
    if isinstance(source, arrow.RecordBatchReader):
        raise UsageError(
            f"{name}: it can be read only once, and the schema and the data need a pass each; give its .read_all()"
        )
    if isinstance(source, arrow.RecordBatch):
        source = arrow.Table.from_batches([source])
    table = source if isinstance(source, arrow.Table) else arrow.table(source)
    check_names(name, list(table.schema.names))

    def read(names: tuple[str, ...], size: int) -> Iterator[Any]:
        return iter(table.select(list(names)).to_batches(max_chunksize=size))

    return ArrowTable(name, table.schema, table.num_rows, read, missing_numbers=missing_numbers)


def hugging_face(source: Any, missing_numbers: tuple[float, ...] = ()) -> ArrowTable:
    """A `datasets.Dataset` of Hugging Face, read a batch at a time from its memory map.

    **Arguments:**

    - `source`: one split; the names of a `ClassLabel` become the vocabulary.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` for several splits, and for a data set that is only iterated.
    """
    if isinstance(source, Mapping):
        raise UsageError(f"it holds several splits; pass one of {listed(map(str, source))}")
    if not hasattr(source, "num_rows") or not hasattr(source, "with_format"):
        raise UsageError("a data set of Hugging Face must be loaded without streaming=True: it is read more than once")
    plain = source.with_format("arrow")
    kinds = {name: tuple(kind.names) for name, kind in source.features.items() if hasattr(kind, "names")}

    def read(names: tuple[str, ...], size: int) -> Iterator[Any]:
        for start in range(0, plain.num_rows, size):
            table = plain[start : min(start + size, plain.num_rows)]
            yield from table.select(list(names)).combine_chunks().to_batches()

    schema = plain[:1].schema
    return ArrowTable("data set", schema, plain.num_rows, read, categories=kinds, missing_numbers=missing_numbers)


class _opening:
    """Says which file or folder pyarrow could not open."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, VestigeError):
            raise UsageError(f"{self._path}: it is not sound, or cut short ({shown(error, 300)})") from None


def _of_dataset(name: str, found: Any, missing_numbers: tuple[float, ...]) -> ArrowTable:
    def read(names: tuple[str, ...], size: int) -> Iterator[Any]:
        # few batches ahead, in the order of the file: memory stays that of a row group or two
        return found.to_batches(columns=list(names), batch_size=size, batch_readahead=1, fragment_readahead=1)

    return ArrowTable(name, found.schema, found.count_rows(), read, missing_numbers=missing_numbers)


def _of_stream(path: Path, missing_numbers: tuple[float, ...]) -> ArrowTable:
    ipc = extra("pyarrow.ipc", "an Arrow file", CSV_INSTEAD)

    def read(names: tuple[str, ...], size: int) -> Iterator[Any]:
        with gate.open_regular(path, limit=None) as file, ipc.open_stream(file) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, size):
                    yield batch.slice(start, size).select(list(names))

    with _opening(path), gate.open_regular(path, limit=None) as file, ipc.open_stream(file) as stream:
        schema = stream.schema
    return ArrowTable(str(path), schema, None, read, missing_numbers=missing_numbers)


def _is_nested(kind: Any) -> bool:
    import pyarrow.types as types

    plain = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_temporal)
    texts = (types.is_string, types.is_large_string, types.is_null, types.is_binary, types.is_large_binary)
    inner = kind.value_type if types.is_dictionary(kind) else kind
    return not any(check(inner) for check in (*plain, *texts)) and "string_view" not in str(inner)


def _unit(field: Any) -> str | None:
    for key, value in (field.metadata or {}).items():
        if key.lower() in (b"unit", b"units") and value:
            return value.decode("utf-8", "replace")
    return None


def _cells(column: Any, categories: tuple[str, ...] | None) -> Cells:
    """What a column of Arrow holds, as NumPy arrays."""
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    missing = np.asarray(column.is_null(), bool)
    if types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif types.is_timestamp(kind) or types.is_date(kind):
        micro = column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return Cells(micro.fill_null(0).to_numpy(zero_copy_only=False).view("datetime64[us]"), missing)
    elif types.is_time(kind) or types.is_duration(kind):
        unit = getattr(kind, "unit", "s")
        whole = column.cast(pa.int32() if types.is_time32(kind) else pa.int64()).fill_null(0)
        each = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}[unit]
        return Cells(whole.to_numpy(zero_copy_only=False) * each, missing)
    elif types.is_null(kind):
        return Cells(np.full(len(column), np.nan), missing)
    if types.is_boolean(kind) or types.is_integer(kind):
        values = column.fill_null(False if types.is_boolean(kind) else 0).to_numpy(zero_copy_only=False)
        return _classes(values, missing, categories) if categories else Cells(values, missing)
    values = column.to_numpy(zero_copy_only=False)
    found = cells_of(values.astype(np.float32) if values.dtype == np.float16 else values)
    return Cells(found.values, found.missing | missing)


def _classes(values: np.ndarray, missing: np.ndarray, categories: tuple[str, ...]) -> Cells:
    known = ~missing & (values >= 0) & (values < len(categories))
    names = np.empty(len(values), object)
    names[:] = [categories[value] if there else "" for value, there in zip(values, known, strict=True)]
    return Cells(names, ~known)
