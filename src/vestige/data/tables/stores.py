"""Zarr groups and array records; each needs its library."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.data.tables.contract import Field
from vestige.data.tables.extras import extra
from vestige.data.tables.sliced import SlicedTable, check_array, places
from vestige.errors import UsageError, listed, shown

METADATA_BYTES = 2**20
_METADATA = ("zarr.json", ".zarray", ".zgroup")


def is_zarr(folder: Path) -> bool:
    """Whether a `folder` is a Zarr array or group."""
    return any((folder / name).is_file() for name in _METADATA)


def zarr_table(folder: Path, arrays: Mapping[str, str], *, missing_numbers: tuple[float, ...] = ()) -> SlicedTable:
    """The arrays of a Zarr group, or one array, read a few chunks at a time.

    **Arguments:**

    - `folder`: of the group or the array.
    - `arrays`: name -> array of the group; empty: all.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` without zarr, and where the group is damaged, an array absent, or their lengths differ.
    """
    zarr = extra("zarr", "a Zarr group", "save its arrays by np.savez")
    is_array = (folder / ".zarray").is_file()
    for path in (*(folder / name for name in _METADATA), *folder.glob("*/zarr.json"), *folder.glob("*/.zarray")):
        if path.is_file():
            described = gate.read_json(path, limit=METADATA_BYTES)
            is_array |= path == folder / "zarr.json" and described.get("node_type") == "array"
    try:
        if is_array:
            members = {folder.stem: zarr.open_array(str(folder), mode="r")}
        else:
            members = dict(zarr.open_group(str(folder), mode="r").arrays())
    except Exception as error:
        raise UsageError(f"{folder}: it is not a sound Zarr group ({shown(error, 200)})") from None
    if absent := [array for array in arrays.values() if array not in members]:
        raise UsageError(f"{folder}: there is no array {listed(absent)}; it has {listed(members)}")
    chosen = {name: members[array] for name, array in (arrays or {each: each for each in sorted(members)}).items()}
    for name, array in chosen.items():
        check_array(str(folder), name, array.shape, np.dtype(array.dtype))
    lengths = {name: array.shape[0] for name, array in chosen.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise UsageError(f"{folder}: its arrays have different lengths: {shown(said, 600)}; choose some (--arrays)")
    index = {column: (name, at) for name, array in chosen.items() for column, at in places(name, array.shape).items()}

    def cut(start: int, stop: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        try:
            read = {key: np.asarray(chosen[key][start:stop]) for key in {index[name][0] for name in names}}
        except Exception as error:
            raise UsageError(f"{folder}: rows from {start + 1:,} on cannot be read ({shown(error, 200)})") from None
        return {name: read[index[name][0]][index[name][1]] for name in names}

    fields = [Field(column, str(chosen[name].dtype), _unit(chosen[name].attrs)) for column, (name, _) in index.items()]
    return SlicedTable(str(folder), fields, next(iter(lengths.values()), 0), cut, missing_numbers=missing_numbers)


def record_table(path: Path, record: str | None, *, missing_numbers: tuple[float, ...] = ()) -> SlicedTable:
    """The rows of an ArrayRecord file.

    **Arguments:**

    - `path`: the file. Each record holds one row, or as many rows as the first, save the last.
    - `record`: fields and types of a row, such as `speed=f4,count=i4`; a type may begin with a shape: `x=(3,)f4`.
    - `missing_numbers`: numbers that stand for a missing value.

    **Raises:** `UsageError` without array-record, without `record`, and where a record is no number of such rows.
    """
    module = extra("array_record.python.array_record_module", "array records", "save the rows by np.savez")
    gate.require_regular(path)
    if record is None:
        raise UsageError(f"{path}: array records do not say what they hold; say it: --record speed=f4,count=i4")
    row = record_type(record)
    try:
        file = module.ArrayRecordReader(str(path))
        count, first = file.num_records(), len(file.read([0])[0])
        last = len(file.read([count - 1])[0])
    except Exception as error:
        raise UsageError(f"{path}: it is empty, or not a sound ArrayRecord file ({shown(error, 200)})") from None
    each = first // row.itemsize
    for number, size in ((0, first), (count - 1, last)):
        _check_record(path, number, size, row)
    rows = (count - 1) * each + last // row.itemsize
    index = {
        column: (name, at) for name in row.names or () for column, at in places(name, (rows, *row[name].shape)).items()
    }

    def cut(start: int, stop: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        begin, end = start // each, -(-stop // each)
        try:
            parts = file.read(list(range(begin, min(end, count))))
        except Exception as error:
            raise UsageError(f"{path}: record {begin:,} or one after it is damaged ({shown(error, 200)})") from None
        for number, part in enumerate(parts, begin):
            _check_record(path, number, len(part), row)
        values = np.frombuffer(b"".join(parts), row)[start - begin * each :][: stop - start]
        return {name: values[index[name][0]][index[name][1]] for name in names}

    fields = [Field(column, str(row[name].base)) for column, (name, _) in index.items()]
    return SlicedTable(str(path), fields, rows, cut, missing_numbers=missing_numbers)


def record_type(record: str) -> np.dtype:
    """The type of a row of array records.

    **Arguments:** `record`: such as `speed=f4,x=(3,)f4`.

    **Raises:** `UsageError` where it is no such text.
    """
    found = re.findall(r"\s*([^=,]+?)\s*=\s*((?:\([0-9, ]*\))?\s*[<>=|]?[A-Za-z?][A-Za-z0-9]*)\s*(?:,|$)", record)
    if not found or len(found) != record.count("="):
        raise UsageError(f"record must be fields and NumPy types, such as speed=f4,x=(3,)f4, got '{shown(record)}'")
    try:
        row = np.dtype([(name, kind) for name, kind in found])
    except (TypeError, ValueError) as error:
        raise UsageError(f"record '{shown(record)}' is no type of NumPy's ({shown(error, 100)})") from None
    for name in row.names or ():
        check_array("record", name, (1, *row[name].shape), row[name].base)
    return row


def _check_record(path: Path, number: int, size: int, row: np.dtype) -> None:
    if not size or size % row.itemsize:
        raise UsageError(
            f"{path}: record {number:,} has {size:,} bytes, which is no number of rows of {row.itemsize} bytes; check "
            "the types in --record"
        )


def _unit(attributes: Mapping[str, Any]) -> str | None:
    unit = attributes.get("units", attributes.get("unit"))
    return unit if isinstance(unit, str) and unit else None
