"""Reading npz files that may be damaged."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vestige.data.files import Damaged


def read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """The named arrays of the npz file at `path`. Raises Damaged."""
    return list(read_named(path, *names).values())


def read_named(path: Path, *names: str, optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The named arrays of the npz file at `path`, and those `optional` ones that it has. Raises Damaged."""
    try:
        with open(path, "rb") as file:
            npz = np.load(file, allow_pickle=False)
            if not isinstance(npz, np.lib.npyio.NpzFile):
                raise Damaged("it is not an npz file")
            if absent := [name for name in names if name not in npz.files]:
                raise Damaged(f"it has no array {' or '.join(absent)}, only {', '.join(npz.files)}")
            return {name: npz[name] for name in (*names, *(name for name in optional if name in npz.files))}
    except Damaged:
        raise
    except OSError as error:
        raise Damaged(f"it cannot be read ({error.strerror or error})") from None
    except Exception as error:  # numpy and zipfile let a dozen kinds through, SyntaxError among them
        raise Damaged(f"it is cut short or not a sound npz file ({error})") from None


def content_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """Of names, types, shapes and little-endian bytes: the same however the file was compressed."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
        digest.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()
