"""Arrays of numpy's own files, whose headers are checked against the file before anything is made of them."""

import contextlib
import io
import math
import os
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vestige.errors import listed, shown
from vestige.gate.opening import Unreadable, open_regular
from vestige.gate.packed import open_zip

ARRAY_BYTES = 2**31
"""How much of arrays is read into memory, each value counted as at least 8 bytes: numbers are read as float64."""
HEADER_BYTES = 10_000
_MAGIC = b"\x93NUMPY"


class Header(NamedTuple):
    """What an .npy file says of its array."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    offset: int
    """Where its values begin."""

    @property
    def size(self) -> int:
        """How many bytes the values take."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def cost(self) -> int:
        """The same, with at least 8 bytes a value."""
        return math.prod(self.shape) * max(self.dtype.itemsize, 8)


START_BYTES = HEADER_BYTES + 12


def npy_header(start: bytes, size: int) -> Header:
    """The header of an .npy file.

    **Arguments:**

    - `start`: the first `START_BYTES` bytes of the file, or all of it.
    - `size`: how many bytes it has.

    **Returns:** shape and type, of which `size - offset` bytes are exactly the values.

    **Raises:** `ValueError` with a clause about "it", where it is no such file, holds objects or structures, or its
    values are fewer or more than its header says.
    """
    if not start:
        raise ValueError("it is not a sound npy file: it is empty")
    if start.startswith(b"PK\x03\x04"):
        raise ValueError("it is not a sound npy file: it is an .npz archive under another name")
    if not start.startswith(_MAGIC):
        raise ValueError("it is not a sound npy file: it does not begin as one")
    header = _parsed(start)
    if header.dtype.kind not in "biufcSUmM":
        what = "Python objects" if header.dtype.hasobject else f"values of {shown(header.dtype)}"
        each = ", one for each field" if header.dtype.names else ""
        raise ValueError(f"it holds {what}, which are not read; save an array of numbers{each}")
    if any(isinstance(length, bool) or length < 0 for length in header.shape) or len(header.shape) > 32:
        raise ValueError(f"it is not a sound npy file: its header says shape {shown(header.shape)}")
    if (there := size - header.offset) != header.size:
        raise ValueError(
            f"it is not a sound npy file: {shown(header.dtype)} of shape {shown(header.shape)} takes "
            f"{header.size:,} bytes, and {there:,} follow its header"
        )
    return header


def _parsed(start: bytes) -> Header:
    version = (start[6], start[7]) if len(start) >= 12 else (0, 0)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("it is not a sound npy file: it is cut short, or of a format for structured values")
    length = int.from_bytes(start[8 : 10 if version == (1, 0) else 12], "little")
    if length > HEADER_BYTES:
        raise ValueError(
            f"it is not a sound npy file: its header claims {length:,} bytes, and at most {HEADER_BYTES:,} are read"
        )
    stream = io.BytesIO(start)
    stream.seek(8)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote, and of escapes in damaged ones
            shape, fortran, dtype = read(stream, max_header_size=HEADER_BYTES)
    except Exception as error:  # numpy parses the header as Python, which lets a dozen kinds through
        said = "" if isinstance(error, SyntaxError | RecursionError | MemoryError) else f" ({shown(error, 150)})"
        raise ValueError(f"it is not a sound npy file: its header is damaged{said}") from None
    return Header(shape, fortran, dtype, stream.tell())


@contextlib.contextmanager
def open_npy(path: str | Path) -> Iterator[tuple[io.BufferedReader, Header]]:
    """An .npy file of any size, open, and its header.

    **Arguments:**

    - `path`: the file.

    **Returns:** a context: the open file, and its header, which agrees with its size. Only the header is read.

    **Raises:** `Unreadable`, as `npy_header` and `open_regular`.
    """
    with open_regular(path, limit=None) as file:
        try:
            header = npy_header(file.read(START_BYTES), os.fstat(file.fileno()).st_size)
        except ValueError as error:
            raise Unreadable(path, str(error)) from None
        except OSError as error:
            raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None
        yield file, header


def read_npy(path: str | Path, *, limit: int = ARRAY_BYTES) -> np.ndarray:
    """The array of an .npy file, of any numbers or texts.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes it may take in memory, a value counted as at least 8.

    **Returns:** the array, in the order of axes of the file.

    **Raises:** `Unreadable`, as `open_npy`, and where it is too large; nothing is allocated before that.
    """
    with open_npy(path) as (file, header):
        _check_cost(path, "it", header, limit)
        file.seek(0)
        return _values(path, file)


class Npz:
    """The arrays of an open .npz file; made by `open_npz` of its `path`, the open `archive` and a `limit`."""

    def __init__(self, path: str | Path, archive: zipfile.ZipFile, limit: int):
        self._path, self._archive, self._left = path, archive, limit
        self._entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

    @property
    def names(self) -> list[str]:
        """Of its arrays, in the order of the file."""
        return list(self._entries)

    def read(self, name: str) -> np.ndarray:
        """The array of that name. **Raises:** `Unreadable` where it is damaged, or where all that was read takes more
        than the limit; nothing is allocated before that."""
        info = self._entries[name]
        what = f"array '{shown(name)}'"
        try:
            with self._archive.open(info) as file:
                header = npy_header(file.read(START_BYTES), info.file_size)
            _check_cost(self._path, what, header, self._left)
            self._left -= header.cost
            with self._archive.open(info) as file:
                values = _values(self._path, file)
                file.read(1)  # the checksum is compared at the end
                return values
        except ValueError as error:
            clause = str(error).removeprefix("it ")
            raise Unreadable(self._path, f"it is not a sound npz file: its {what} {clause}") from None


@contextlib.contextmanager
def open_npz(path: str | Path, *, limit: int = ARRAY_BYTES) -> Iterator[Npz]:
    """An .npz file, open.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes its arrays may take in memory, a value counted as at least 8.

    **Returns:** a context: the names of its arrays, and a method that reads one.

    **Raises:** `Unreadable` where it is no such file, holds a name twice, is damaged or too large, and as
    `open_regular`.
    """
    with open_regular(path, limit=limit) as file:
        if (start := file.read(len(_MAGIC))) == _MAGIC:
            raise Unreadable(path, "it is not a sound npz file: it is an .npy file under another name")
        if not start:
            raise Unreadable(path, "it is not a sound npz file: it is empty")
    with open_zip(path, limit=limit, kind="npz") as archive:
        found = Npz(path, archive, limit)
        if len(found.names) < len(archive.infolist()):
            raise Unreadable(path, "it holds two arrays of the same name")
        yield found


def read_npz(
    path: str | Path, *names: str, optional: tuple[str, ...] = (), limit: int = ARRAY_BYTES
) -> dict[str, np.ndarray]:
    """Arrays of an .npz file.

    **Arguments:**

    - `path`: the file.
    - `names`: those that it must have; without any, all that it has are read.
    - `optional`: further ones, read where it has them.
    - `limit`: how many bytes they may take in memory, a value counted as at least 8.

    **Returns:** name -> array.

    **Raises:** `Unreadable`, as `open_npz`, and where one is absent.
    """
    with open_npz(path, limit=limit) as npz:
        if absent := [name for name in names if name not in npz.names]:
            there = f"only {shown(listed(npz.names), 400)}" if npz.names else "and no other"
            raise Unreadable(path, f"it has no array {' or '.join(absent)}, {there}")
        wanted = (*names, *(name for name in optional if name in npz.names)) or npz.names
        return {name: npz.read(name) for name in wanted}


def _check_cost(path: str | Path, what: str, header: Header, limit: int) -> None:
    if header.cost > limit:
        raise Unreadable(
            path,
            f"{what} holds {math.prod(header.shape):,} values ({shown(header.dtype)}, shape {shown(header.shape)}), "
            f"and arrays of at most {limit // 8:,} numbers are read into memory",
        )


def _values(path: str | Path, file: Any) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.lib.format.read_array(file, allow_pickle=False, max_header_size=HEADER_BYTES)
    except OSError as error:
        raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None
