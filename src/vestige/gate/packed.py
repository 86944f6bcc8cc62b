"""Files that are compressed: no more is decompressed than is wanted."""

import contextlib
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from vestige.errors import shown
from vestige.gate.opening import Unreadable, open_regular

MOST_ENTRIES = 100_000
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    struct.error,
)


def first_bytes(path: str | Path, count: int, *, limit: int) -> bytes:
    """The beginning of what a gzip file holds.

    **Arguments:**

    - `path`: the file.
    - `count`: how many bytes to decompress.
    - `limit`: how many bytes the compressed file may have.

    **Returns:** the first `count` bytes; fewer where it has no more.

    **Raises:** `Unreadable` where it is no gzip file, cut short or damaged, and as `open_regular`.
    """
    try:
        with open_regular(path, limit=limit) as raw, gzip.open(raw) as file:
            return file.read(count)
    except EOFError:
        raise Unreadable(path, "it is cut short (the gzip stream has no end)") from None
    except (gzip.BadGzipFile, zlib.error, struct.error) as error:
        raise Unreadable(path, f"it is not a sound gzip file ({error})") from None
    except OSError as error:
        raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None


def read_gzip(path: str | Path, *, limit: int) -> bytes:
    """All that a gzip file holds.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes it may hold; no more are decompressed.

    **Returns:** the decompressed bytes.

    **Raises:** as `first_bytes`, and where it holds more.
    """
    data = first_bytes(path, limit + 1, limit=limit)
    if len(data) > limit:
        raise Unreadable(path, f"it has more than the {limit:,} bytes, decompressed, that are read of such a file")
    return data


@contextlib.contextmanager
def open_zip(path: str | Path, *, limit: int, kind: str = "zip") -> Iterator[zipfile.ZipFile]:
    """A zip archive, open and checked.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes all its entries may have, decompressed.
    - `kind`: what a message calls such a file.

    **Returns:** a context: the archive, whose entries are stored or deflated, each name once. What `zipfile` raises
    within the block is an `Unreadable` too.

    **Raises:** `Unreadable` where it is no such archive, damaged, encrypted or too large, and as `open_regular`.
    """
    try:
        with open_regular(path, limit=limit) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES:
                raise Unreadable(path, f"it has {len(entries):,} entries, and at most {MOST_ENTRIES:,} are read")
            if len({entry.filename for entry in entries}) < len(entries):
                raise Unreadable(path, "it holds two entries of the same name")
            if (size := sum(entry.file_size for entry in entries)) > limit:
                raise Unreadable(path, f"it has {size:,} bytes when decompressed, and at most {limit:,} are read")
            for entry in entries:
                if entry.flag_bits & 1:
                    raise Unreadable(path, "it is encrypted")
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise Unreadable(path, f"it is compressed by method {entry.compress_type}, not by deflate")
            yield archive
    except OSError as error:
        raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None
    except _FAULTS as error:
        raise Unreadable(path, f"it is not a sound {kind} file, or cut short ({shown(error, 200)})") from None
