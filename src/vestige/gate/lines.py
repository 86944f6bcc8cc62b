"""Texts of any size, read line by line."""

import contextlib
import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from vestige.errors import shown
from vestige.gate.opening import Unreadable, open_regular

LINE_BYTES = 2**22
"""About the longest line: what has no end within it is no table."""
GZIP = b"\x1f\x8b"
BLOCK_BYTES = 2**20


def beginning(path: str | Path, count: int) -> bytes:
    """The first bytes of a file as it is stored.

    **Arguments:**

    - `path`: the file, of any size.
    - `count`: how many bytes to read.

    **Returns:** the bytes; fewer where the file has no more.

    **Raises:** as `open_regular`.
    """
    with open_regular(path, limit=None) as file:
        try:
            return file.read(count) or b""
        except OSError as error:
            raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None


def text_lines(path: str | Path, *, encoding: str = "utf-8", longest: int = LINE_BYTES) -> Iterator[str]:
    """The lines of a text file of any size, gzipped or not.

    Memory in proportion to one line, and a few megabytes.

    **Arguments:**

    - `path`: the file.
    - `encoding`: of the text, by a name that Python knows. A byte order mark of UTF-8 is left out.
    - `longest`: about how many bytes a line may have.

    **Returns:** an iterator over the lines, each with its end.

    **Raises:** `Unreadable`, naming the line, where one is too long, holds NUL or is not in the encoding, and where the
    gzip stream is cut short or damaged; and as `open_regular`.
    """
    with contextlib.ExitStack() as stack:
        raw = stack.enter_context(open_regular(path, limit=None))
        packed = raw.peek(2)[:2] == GZIP
        file = stack.enter_context(gzip.GzipFile(fileobj=raw)) if packed else raw
        number = 0
        for block in _blocks(path, file, longest):
            if not number and encoding == "utf-8":
                block = block.removeprefix(b"\xef\xbb\xbf")
            if not number and b"\n" not in block and b"\r" in block.rstrip(b"\r"):
                raise Unreadable(path, "its lines end in CR alone; convert it: tr '\\r' '\\n' < FILE > NEW")
            if (nul := block.find(b"\0")) >= 0:
                line = number + block.count(b"\n", 0, nul) + 1
                raise Unreadable(path, f"line {line:,} holds NUL, so it is no text, or text in UTF-16")
            yield from io.StringIO(_decoded(path, block, encoding, number), newline="\n")
            number += block.count(b"\n")


def _decoded(path: str | Path, block: bytes, encoding: str, before: int) -> str:
    try:
        return block.decode(encoding)
    except UnicodeDecodeError as error:
        line = before + block.count(b"\n", 0, error.start) + 1
        place = error.start - block.rfind(b"\n", 0, error.start)
        raise Unreadable(
            path,
            f"line {line:,}: byte {place:,} (0x{block[error.start]:02x}) is not {encoding} text; save it as UTF-8, or "
            "name its encoding, such as cp1252",
        ) from None
    except LookupError:
        raise Unreadable(path, f"no text encoding is called '{shown(encoding)}'") from None


def _blocks(path: str | Path, file: io.BufferedIOBase, longest: int) -> Iterator[bytes]:
    """Whole lines, about a megabyte at a time."""
    rest, number = b"", 0
    while data := _read(path, file, number):
        end = data.rfind(b"\n") + 1
        if end:
            block = rest + data[:end]
            rest = data[end:]
            number += block.count(b"\n")
            yield block
        else:
            rest += data
        if len(rest) > longest:
            raise Unreadable(path, f"line {number + 1:,} has more than {longest:,} bytes, so it is no table of lines")
    if rest:
        yield rest


def _read(path: str | Path, file: io.BufferedIOBase, before: int) -> bytes:
    try:
        return file.read(BLOCK_BYTES)
    except EOFError:
        after = f" after line {before:,}" if before else ""
        raise Unreadable(path, f"it is cut short{after} (the gzip stream has no end)") from None
    except (gzip.BadGzipFile, zlib.error, struct.error) as error:
        raise Unreadable(path, f"it is not a sound gzip file after line {before:,} ({error})") from None
    except OSError as error:
        raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None
