"""Reading a gzipped idx file of bytes."""

import hashlib
import math
import struct
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.data.files import Damaged


def read_idx(path: Path, shape: tuple[int, ...], sha256: str) -> np.ndarray:
    """The uint8 array of `shape` in the gzipped idx file at `path`; the array is read-only.

    `sha256` is that of the decompressed bytes, since gzip wrappers differ between mirrors. Raises
    Damaged, and reads no more than the expected number of bytes.
    """
    head = 4 + 4 * len(shape)
    size = head + math.prod(shape)
    try:
        data = gate.first_bytes(path, size + 1, limit=2 * size + 2**16)
    except gate.Unreadable as error:
        raise Damaged(error.clause) from None

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
