"""Named arrays of a safetensors file, which holds nothing that runs."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from vestige.gate.opening import Unreadable, open_regular


class Tensors(NamedTuple):
    """What a safetensors file holds."""

    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]


def read_safetensors(path: str | Path) -> Tensors:
    """The arrays of a safetensors file, bfloat16 included.

    **Arguments:**

    - `path`: the file.

    **Returns:** name -> array as stored, and the words that were stored beside them.

    **Raises:** `Missing` where there is no file; `Unreadable` where it is no regular file, or not sound.
    """
    with open_regular(path, limit=None):
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            return Tensors(arrays, dict(file.metadata() or {}))
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise Unreadable(path, f"it is no sound safetensors file: {error}") from error
