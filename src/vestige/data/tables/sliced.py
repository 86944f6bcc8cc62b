"""Arrays with rows as their first axis, in memory or read a slice at a time."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.data.tables.contract import AbstractTable, Cells, Field
from vestige.data.tables.dialect import check_names
from vestige.errors import UsageError, listed, shown

LABELS = ("channel_names",)
"""Arrays of texts that name the columns of another."""
WIDEST = 2**16
"""The most columns of a table."""
MOST_AXES = 4
"""Of an array: those of a film with channels."""


class SlicedTable(AbstractTable):
    """Columns of which any stretch of rows can be read.

    **Arguments:**

    - `name`: of the source, for messages.
    - `fields`: its columns.
    - `rows`: how many rows each has.
    - `cut`: from first row, row after the last and names of columns to the arrays of these columns.
    - `missing_numbers`: numbers that stand for a missing value.
    - `notes`: what was assumed when it was opened.

    **Raises:** `UsageError` where there are no rows, or a column is named twice.
    """

    def __init__(
        self,
        name: str,
        fields: Sequence[Field],
        rows: int,
        cut: Callable[[int, int, tuple[str, ...]], Mapping[str, np.ndarray]],
        *,
        missing_numbers: tuple[float, ...] = (),
        notes: tuple[str, ...] = (),
    ):
        self.name, self.fields, self.rows, self.cut = name, tuple(fields), rows, cut
        self.missing_numbers, self.notes = missing_numbers, notes
        if not rows or not self.fields:
            raise UsageError(f"{name}: it holds {rows:,} rows of {len(self.fields):,} columns; a table needs some")
        check_names(name, [field.name for field in self.fields])

    def pieces(self, names: tuple[str, ...], size: int) -> Iterator[dict[str, Cells]]:
        assert self.rows is not None
        for start in range(0, self.rows, size):
            stop = min(start + size, self.rows)
            arrays = self.cut(start, stop, names)
            for name in names:
                if len(arrays[name]) != stop - start:
                    raise UsageError(f"{self.name}: it became shorter while it was read, at row {start + 1:,}")
            yield {name: cells_of(arrays[name]) for name in names}


def cells_of(array: np.ndarray) -> Cells:
    """The cells of one `array`: texts as objects, NaN, NaT and None as missing, durations in seconds."""
    kind = array.dtype.kind
    if kind == "M":
        array = array.astype("datetime64[us]")
        return Cells(array, np.isnat(array))
    if kind == "m":
        missing = np.isnat(array)
        return Cells(np.where(missing, np.nan, array.astype("timedelta64[us]").astype(np.int64) / 1e6), missing)
    if kind == "f":
        array = array if array.dtype.itemsize <= 8 else array.astype(np.float64)
        return Cells(array, np.isnan(array))
    if kind in "biu":
        return Cells(array, np.zeros(len(array), bool))
    texts = [_text(value) for value in array.tolist()]
    values = np.empty(len(texts), object)
    values[:] = [text or "" for text in texts]
    return Cells(values, np.array([not text for text in texts], bool))


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return None if text in ("NaT", "<NA>", "nan") else text.strip()


def array_table(
    name: str,
    arrays: Mapping[str, Any],
    *,
    missing_numbers: tuple[float, ...] = (),
    notes: tuple[str, ...] = (),
    units: Mapping[str, str] | None = None,
) -> SlicedTable:
    """A table of arrays in memory.

    **Arguments:**

    - `name`: of the source, for messages.
    - `arrays`: name -> (rows,) or (rows, columns) array; columns of the second kind become `name.0`, `name.1`, …; or a
      film, (rows, height, width) or with channels, whose pixels become `name.0.0`, `name.0.1`, ….
    - `missing_numbers`: numbers that stand for a missing value.
    - `notes`: what was assumed when it was opened.
    - `units`: name of a column -> unit.

    **Raises:** `UsageError` for arrays of different lengths, of more than four axes, or of complex numbers.
    """
    columns: dict[str, np.ndarray] = {}
    lengths: dict[str, int] = {}
    for key, given in arrays.items():
        array = np.asarray(given)
        check_array(name, key, array.shape, array.dtype)
        lengths[key] = len(array)
        columns |= {column: array[place] for column, place in places(key, array.shape).items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{shown(key)} {length:,}" for key, length in lengths.items())
        raise UsageError(f"{name}: its columns have different lengths: {shown(said, 600)}; choose some (--arrays)")
    rows = next(iter(lengths.values()), 0)
    fields = [Field(key, str(column.dtype), (units or {}).get(key)) for key, column in columns.items()]
    cut = lambda start, stop, names: {key: columns[key][start:stop] for key in names}
    return SlicedTable(name, fields, rows, cut, missing_numbers=missing_numbers, notes=notes)


def check_array(name: str, key: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Check that an array can be columns of a table.

    **Arguments:**

    - `name`, `key`: of the source and of the array, for the message.
    - `shape`, `dtype`: of the array.

    **Raises:** `UsageError` where it has no axis or more than four, too many columns, or no numbers, dates or texts.
    """
    if not 1 <= len(shape) <= MOST_AXES:
        raise UsageError(
            f"{name}: array '{shown(key)}' must be (rows,), (rows, columns) or a film, (frames, height, width) or "
            f"(frames, height, width, channels), got shape {shape}"
            + ("; --arrays names those that are read" if not shape else "")
            + ("; several films go one after the other into one array, with their lengths" if len(shape) > 4 else "")
        )
    if (wide := math.prod(shape[1:])) > WIDEST:
        raise UsageError(f"{name}: array '{shown(key)}' has {wide:,} columns, and at most {WIDEST:,} are read")
    if dtype.kind not in "biufMmSUO":
        raise UsageError(f"{name}: array '{shown(key)}' must hold numbers, dates or texts, got {dtype}")


def places(key: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """Columns of an array.

    **Arguments:**

    - `key`: its name.
    - `shape`: (rows,), (rows, columns), or that of a film.

    **Returns:** name of a column -> its index into the array.
    """
    if len(shape) == 1:
        return {key: ...}
    return {".".join([key, *map(str, place)]): (slice(None), *place) for place in np.ndindex(*shape[1:])}


def npy_table(path: Path, key: str = "value", *, missing_numbers: tuple[float, ...] = ()) -> SlicedTable:
    """The rows of an `.npy` file, of which only those needed are read.

    **Arguments:**

    - `path`: the file.
    - `key`: the name of the column, or what the names of the columns begin with.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError`, as `gate.open_npy` and `array_table`. An array in Fortran order, of texts or of dates is
    read into memory.
    """
    with gate.open_npy(path) as (_, header):
        shape, dtype, offset = header.shape, header.dtype, header.offset
        fortran = header.fortran and sum(size > 1 for size in shape) > 1
    check_array(str(path), key, shape, dtype)
    if fortran or dtype.kind not in "biuf":
        return array_table(str(path), {key: gate.read_npy(path)}, missing_numbers=missing_numbers)
    each = dtype.itemsize * math.prod(shape[1:])
    index = places(key, shape)

    def cut(start: int, stop: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        with gate.open_regular(path, limit=None) as file:
            file.seek(offset + start * each)
            data = file.read((stop - start) * each)
        rows = np.frombuffer(data[: len(data) // each * each] if each else data, dtype).reshape(-1, *shape[1:])
        return {name: rows[index[name]] for name in names}

    fields = [Field(name, str(dtype)) for name in index]
    return SlicedTable(str(path), fields, shape[0], cut, missing_numbers=missing_numbers)


def npz_table(path: Path, arrays: Mapping[str, str], *, missing_numbers: tuple[float, ...] = ()) -> SlicedTable:
    """The arrays of an `.npz` file, read into memory.

    Without `arrays`: those of the length that all share. An integer array `lengths` (of documents one after the other)
    becomes the column `document`, and texts `channel_names`, as many as an array has columns, name them.

    **Arguments:**

    - `path`: the file.
    - `arrays`: name -> array of the file; empty: all.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError`, as `gate.read_npz` and `array_table`.
    """
    found = gate.read_npz(path, *arrays.values(), optional=LABELS) if arrays else gate.read_npz(path)
    if arrays:
        labels = {name: found[name] for name in LABELS if name in found}
        found = labels | {name: found[array] for name, array in arrays.items()}
    return grouped(str(path), found, chosen=bool(arrays), missing_numbers=missing_numbers)


def grouped(
    name: str, found: Mapping[str, np.ndarray], *, chosen: bool, missing_numbers: tuple[float, ...] = ()
) -> SlicedTable:
    """A table of the arrays of one file, some of which describe the others.

    **Arguments:**

    - `name`: of the file.
    - `found`: name -> array.
    - `chosen`: whether the user named them.
    - `missing_numbers`: numbers that stand for a missing value.
    """
    rest, notes, columns = dict(found), [], {}
    lengths = rest.get("lengths")
    rows = max((len(array) for array in rest.values() if array.ndim), default=0)
    if lengths is not None and _counts(lengths, rows):
        columns["document"] = np.repeat(np.arange(len(lengths)), lengths.astype(np.int64))
        notes.append(f"Its lengths make {len(lengths):,} documents.")
        del rest["lengths"]
    named: dict[str, np.ndarray] = {}
    for key in [key for key in LABELS if key in rest and rest[key].dtype.kind == "U" and rest[key].ndim == 1]:
        labels = rest.pop(key)
        wide = [other for other, values in rest.items() if values.ndim == 2 and values.shape[1] == len(labels)]
        named |= {wide[0]: labels} if len(wide) == 1 else {}
    sizes = {len(array) for array in rest.values() if array.ndim}
    if not chosen and len(sizes) > 1:
        by_size = {size: [key for key, a in rest.items() if a.ndim and len(a) == size] for size in sorted(sizes)}
        said = "; ".join(f"{size:,} rows: {listed(keys)}" for size, keys in by_size.items())
        raise UsageError(
            f"{name}: its arrays have different lengths ({shown(said, 600)}); choose those of one length, such as "
            f"--arrays {','.join(by_size[max(sizes)])}"
        )
    for key, array in rest.items():
        columns |= {str(label): array[:, j] for j, label in enumerate(named[key])} if key in named else {key: array}
    return array_table(name, columns, missing_numbers=missing_numbers, notes=tuple(notes))


def _counts(lengths: np.ndarray, rows: int) -> bool:
    """Whether an array is that of the lengths of documents that have so many rows together."""
    plain = lengths.ndim == 1 and lengths.dtype.kind in "iu"
    return plain and int(lengths.sum()) == rows and int(lengths.min(initial=1)) > 0
