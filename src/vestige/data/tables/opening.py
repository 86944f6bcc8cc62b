"""The one door: whatever holds a table becomes one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vestige.data.tables.arrow import arrow_file, arrow_object, hugging_face, parquet_folder
from vestige.data.tables.contract import AbstractTable
from vestige.data.tables.csv_table import CsvTable
from vestige.data.tables.options import ReadOptions, named_arrays
from vestige.data.tables.sliced import array_table, npy_table, npz_table
from vestige.data.tables.sniffing import form_of
from vestige.data.tables.spikes import bin_spikes, spike_trains
from vestige.data.tables.stores import is_zarr, record_table, zarr_table
from vestige.errors import UsageError, shown


def open_table(source: Any, options: ReadOptions | None = None, **given: Any) -> AbstractTable:
    """Open a table, which is read as it is used and need not fit into memory.

    `vestige.data.open` is another name of it. Only the beginning of a file is read; a schema or an encoding reads on.
    What a file is, its first bytes say.

    **Arguments:**

    - `source`: a path to a CSV or TSV file (also gzipped), Parquet file or folder, Arrow file, `.npy`, `.npz`, Zarr
      group, array records, or a folder of `.npy` files; or a pandas or polars frame, a table of pyarrow, a
      `datasets.Dataset`, a dictionary of arrays or lists, or an array of (rows, columns).
    - `options`: how it is read; None: `ReadOptions(**given)`.
    - `given`: the fields of [`ReadOptions`][vestige.data.tables.ReadOptions], such as `delimiter=";"`.

    **Returns:** the table; with `bin_width` that of counts of spikes, in memory.

    **Raises:** `UsageError` where there is no such file, where it is of another form (a pickle, a spreadsheet), with a
    way to convert it, where it is damaged or empty, and where a library that it needs is not installed.
    """
    if options is None:
        try:
            options = ReadOptions(**given)
        except TypeError as error:
            raise UsageError(f"open: {shown(error, 200)}") from None
    elif given:
        raise UsageError(f"open: give options or {', '.join(given)}, not both")
    if options.bin_width is not None:
        trains = spike_trains(source, options) if isinstance(source, str | Path | Mapping) else None
        return trains or bin_spikes(_opened(source, options), options)
    return _opened(source, options)


def _opened(source: Any, options: ReadOptions) -> AbstractTable:
    if isinstance(source, str | Path):
        if "://" in str(source):
            raise UsageError(f"{shown(source)}: addresses are not read; download the file first")
        return _at(Path(source), options)
    numbers = options.missing_numbers
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    if isinstance(source, np.ndarray):
        if source.dtype.names:
            return array_table("array", {name: source[name] for name in source.dtype.names}, missing_numbers=numbers)
        return array_table("array", {"value": source}, missing_numbers=numbers)
    if kind.startswith("datasets."):
        return hugging_face(source, numbers)
    if isinstance(source, Mapping):
        return array_table(
            "dictionary", {str(name): _array(values) for name, values in source.items()}, missing_numbers=numbers
        )
    if kind.startswith("polars.") and hasattr(source, "collect"):
        source = source.collect()
    if kind.startswith("pandas."):
        return _pandas(source, numbers)
    if hasattr(source, "__arrow_c_stream__") or kind.startswith("pyarrow."):
        return arrow_object(source, numbers)
    raise UsageError(
        "open: source must be a path, a frame of pandas or polars, a table of pyarrow, a datasets.Dataset, a "
        f"dictionary of arrays or an array, got {shown(kind)}"
    )


def _at(path: Path, options: ReadOptions) -> AbstractTable:
    numbers, arrays = options.missing_numbers, named_arrays(options.arrays)
    if path.is_dir():
        return _folder(path, options)
    form = form_of(path)
    if form == "text":
        return CsvTable(path, options)
    if form == "npy":
        return npy_table(path, missing_numbers=numbers)
    if form == "npz":
        return npz_table(path, arrays, missing_numbers=numbers)
    if form == "array-record":
        return record_table(path, options.record, missing_numbers=numbers)
    return arrow_file(path, form, numbers)


def _folder(folder: Path, options: ReadOptions) -> AbstractTable:
    numbers = options.missing_numbers
    if is_zarr(folder):
        return zarr_table(folder, named_arrays(options.arrays), missing_numbers=numbers)
    if next(folder.rglob("*.parquet"), None):
        return parquet_folder(folder, numbers)
    if files := sorted(folder.glob("*.npy")):
        return _beside(folder, files, numbers)
    raise UsageError(
        f"{folder}: a folder is read where it is a Zarr group, or holds Parquet or .npy files; it holds none. Name one "
        "file in it"
    )


def _beside(folder: Path, files: list[Path], numbers: tuple[float, ...]) -> AbstractTable:
    """The `.npy` files of a folder, side by side."""
    from vestige.data.tables.sliced import SlicedTable

    tables = {path.stem: npy_table(path, path.stem, missing_numbers=numbers) for path in files}
    lengths = {name: table.rows for name, table in tables.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name}.npy {rows:,}" for name, rows in lengths.items())
        raise UsageError(f"{folder}: its .npy files have different lengths: {shown(said, 600)}; name one of them")
    owners = {field.name: table for table in tables.values() for field in table.fields}

    def cut(start: int, stop: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for table in tables.values():
            own = tuple(name for name in names if owners[name] is table)
            found |= table.cut(start, stop, own) if own else {}
        return found

    fields = [field for table in tables.values() for field in table.fields]
    return SlicedTable(str(folder), fields, next(iter(lengths.values())) or 0, cut, missing_numbers=numbers)


def _pandas(frame: Any, numbers: tuple[float, ...]) -> AbstractTable:
    """A frame of pandas, column by column; its index counts as a column where it has a name."""
    if not hasattr(frame, "columns"):
        frame = frame.to_frame()
    columns = {}
    if getattr(frame.index, "name", None) is not None:
        columns[str(frame.index.name)] = _array(frame.index)
    for place, name in enumerate(frame.columns):
        if str(name) in columns:
            raise UsageError(f"pandas DataFrame: column '{shown(name)}' stands twice; rename one of them")
        columns[str(name)] = _array(frame.iloc[:, place])
    return array_table("pandas DataFrame", columns, missing_numbers=numbers)


def _array(values: Any) -> np.ndarray:
    """One column as an array; nullable integers and booleans of pandas with NaN where they are missing."""
    kind = getattr(values, "dtype", None)
    if hasattr(kind, "na_value") and getattr(kind, "kind", "O") in "iub":  # the nullable types of pandas
        return values.to_numpy(dtype="float64", na_value=np.nan)
    if getattr(kind, "tz", None) is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None) if hasattr(values, "dt") else values.tz_convert(None)
    return values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
