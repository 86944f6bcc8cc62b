"""Reading a gzipped idx file of bytes."""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from vestige.data.files import Damaged


def read_idx(path: Path, shape: tuple[int, ...], sha256: str) -> np.ndarray:
    """The uint8 array of `shape` in the gzipped idx file at `path`; the array is read-only.

    `sha256` is that of the decompressed bytes, since gzip wrappers differ between mirrors. Raises
    Damaged, and reads no more than the expected number of bytes.
    """
    head = 4 + 4 * len(shape)
    size = head + math.prod(shape)
    try:
        with gzip.open(path) as file:
            data = file.read(size + 1)
    except EOFError:
        raise Damaged("it is cut short (the gzip stream has no end)") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(f"it is not a sound gzip file ({error})") from None
    except OSError as error:
        raise Damaged(f"it cannot be read ({error.strerror or error})") from None

    magic = 0x0800 + len(shape)
    got = int.from_bytes(data[:4], "big")
    if got != magic:
        raise Damaged(f"its magic number is {got}, expected {magic} (idx, bytes, {len(shape)} axes)")
    if len(data) < head:
        raise Damaged(f"it has {len(data)} decompressed bytes, expected {size}")
    stored = struct.unpack(f">{len(shape)}I", data[4:head])
    if stored != shape:
        raise Damaged(f"its shape is {stored}, expected {shape}")
    if len(data) != size:
        count = "more" if len(data) > size else str(len(data))
        raise Damaged(f"it has {count} decompressed bytes, expected {size}")
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise Damaged(f"the SHA-256 of its decompressed bytes is {digest}, expected {sha256}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
