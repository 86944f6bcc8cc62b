"""The arrays of the npz files of a data set, and how their content is recognised."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.data.files import Damaged


def read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Read some arrays of an npz file.

    **Arguments:**

    - `path`: of the file.
    - `names`: of the arrays.

    **Returns:** the arrays, in the order of `names`.

    **Raises:** `Damaged` where the file cannot be read or lacks one of them.
    """
    try:
        return list(gate.read_npz(path, *names).values())
    except gate.Unreadable as error:
        raise Damaged(error.clause) from None


def content_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Of names, types, shapes and little-endian bytes: the same however the file was compressed."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
        digest.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()
