"""What a file is, by its first bytes; its name is only a hint."""

import re
import zlib
from pathlib import Path
from typing import Literal, NoReturn

from vestige import gate
from vestige.errors import UsageError

Form = Literal["text", "npy", "npz", "parquet", "arrow", "arrow-stream", "array-record"]

START_BYTES = 2**16
_TABLE = "save it as CSV or Parquet"
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "in Python: np.savez(FILE, **{name: h5py_file[name][:] for …})"),
    (b"MATLAB 5.0", "a MATLAB file", "in Python: np.savez(FILE, **the arrays of scipy.io.loadmat(…))"),
    (b"FEA1", "a Feather file of version 1", "in Python: pyarrow.feather.read_table(…), saved by pyarrow.parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV: sqlite3 -header -csv FILE 'select * from …'"),
    (b"BZh", "compressed by bzip2", "bunzip2 it, or compress it by gzip"),
    (b"\xfd7zXZ", "compressed by xz", "unxz it, or compress it by gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unzstd it, or compress it by gzip"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "save the sheet as CSV, or pass pandas.read_excel(…) from Python"),
    (b"%PDF", "a PDF", _TABLE),
    (b"\x89PNG", "an image", "a table of numbers is needed"),
    (b"\xff\xd8\xff", "an image", "a table of numbers is needed"),
    (b"\xff\xfe", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    (b"ORC", "an ORC file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"CDF\x01", "a NetCDF file", "in Python: np.savez of its variables, or to_zarr of an xarray data set"),
    (b"CDF\x02", "a NetCDF file", "in Python: np.savez of its variables, or to_zarr of an xarray data set"),
)


def form_of(path: Path) -> Form:
    """What the file at `path` is; text where it is gzipped text too.

    **Raises:** `UsageError` for what is not read, with a way to convert it: pickles, spreadsheets, databases, other
    compressions, and bytes that are no text; and as `gate.open_regular`.
    """
    start = gate.beginning(path, START_BYTES)
    if not start:
        raise UsageError(f"{path}: it is empty; a table needs at least one row")
    if path.suffix in (".array_record", ".arrayrecord"):
        return "array-record"
    packed = start[:2] == b"\x1f\x8b"
    if packed:
        start = _unpacked(start)
    if start.startswith(b"\x93NUMPY"):
        if packed:
            _refuse(path, "a gzipped .npy file", "gunzip it, or save it by np.savez_compressed")
        return "npy"
    if start.startswith(b"PAR1") or start.startswith(b"ARROW1"):
        if packed:
            _refuse(path, "a gzipped Parquet or Arrow file", "gunzip it; Parquet compresses its columns itself")
        return "parquet" if start.startswith(b"PAR1") else "arrow"
    if start.startswith(b"PK\x03\x04"):
        return _form_of_zip(path, start)
    if start.startswith(b"\xff\xff\xff\xff"):
        return "arrow-stream"
    for magic, what, way in _REFUSED:
        if start.startswith(magic):
            _refuse(path, what, way)
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        _refuse(path, "a pickle, which could run any program when it is read", "in Python: np.savez, or to_parquet")
    if re.match(rb"\s*(\{\s*\"|\{\s*\}|\[\s*[\[{\"0-9-])", start):
        _refuse(path, "JSON", "in Python: pandas.read_json(…, lines=True).to_parquet(FILE), or save it as CSV")
    if start.lstrip()[:1] == b"<":
        _refuse(path, "HTML or XML", _TABLE)
    if b"\0" in start:
        _refuse(path, "a file of bytes, of a form that is not known", _TABLE)
    return "text"


def _form_of_zip(path: Path, start: bytes) -> Form:
    if b"xl/" in start or b"[Content_Types].xml" in start:
        _refuse(path, "an Excel file", "save the sheet as CSV, or pass pandas.read_excel(…) from Python")
    if start[30:38] == b"mimetype":
        _refuse(path, "a spreadsheet", "save the sheet as CSV")
    first = start[30 : 30 + int.from_bytes(start[26:28], "little")]
    if not first.endswith(b".npy"):
        _refuse(path, "a zip archive", "unzip it, and name the file in it")
    return "npz"


def _unpacked(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(start, START_BYTES)
    except zlib.error:
        return b""  # what is wrong is said when its lines are read


def _refuse(path: Path, what: str, way: str) -> NoReturn:
    raise UsageError(
        f"{path}: it is {what}, which is not read. Read are CSV and TSV (also .gz), Parquet, Arrow, .npy, .npz, Zarr "
        f"and array records. To convert it: {way}."
    )
