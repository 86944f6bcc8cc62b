"""Two arrays of a Zarr group."""

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.errors import UsageError
from vestige.sequences.readers.blocks import CACHE_BYTES, Blocks
from vestige.sequences.readers.contract import AbstractReader
from vestige.sequences.readers.opening import agreed, decoded, decoding, extra, numbers

METADATA_BYTES = 2**20


class ZarrReader(AbstractReader):
    """Two arrays of a local Zarr group, time first; needs zarr (`pip install 'vestige[streams]'`).

    Whole chunks of the time axis are decoded. A chunk without a file counts as filled with the array's fill value, as
    everywhere in Zarr: a deleted file of a chunk cannot be distinguished from one that was never written.

    **Arguments:**

    - `path`: the folder of the group.
    - `inputs`, `outcomes`: names of the arrays.
    - `unknown_outcomes`: whether NaN or a negative class marks a step without an outcome.
    - `cache_bytes`: how much of the chunks used last is kept, decoded. Give it room for a chunk per sequence that is
      read at a time.

    **Raises:** `UsageError` also where there is no such group or array.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        inputs: str = "inputs",
        outcomes: str = "outcomes",
        unknown_outcomes: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ):
        self._zarr = extra("zarr", "ZarrReader")
        self._path, self._names = Path(path), (inputs, outcomes)
        self.name, self.unknown_outcomes = str(path), unknown_outcomes
        if not self._path.is_dir():
            raise UsageError(f"{path}: a Zarr group is a folder, and there is none of that name")
        self._check_metadata()
        self._stamps = self._metadata()
        xs, ys = self._arrays = self._open()
        self.inputs = numbers(self.name, f"array '{inputs}'", xs.shape[1:], xs.dtype)
        self.outcomes = numbers(self.name, f"array '{outcomes}'", ys.shape[1:], ys.dtype)
        self.length = agreed(self.name, xs.shape[0], ys.shape[0])
        self._chunk = max(xs.chunks[0], ys.chunks[0])
        decoded("chunk", self.name, self._chunk, self.inputs, self.outcomes)
        sizes = [min(self._chunk, self.length - begin) for begin in range(0, self.length, self._chunk)]
        self._blocks = Blocks(sizes, self._load, cache_bytes=cache_bytes)

    def steps_there(self) -> int:
        if self._metadata() == self._stamps:
            return self.length
        return min(self.length, *(array.shape[0] for array in self._open()))

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return self._blocks.read(start, stop)

    def _open(self) -> tuple[Any, Any]:
        found = []
        for name in self._names:
            try:
                array = self._zarr.open_array(self._path / name, mode="r")
            except Exception as error:
                raise UsageError(f"{self.name}: there is no array '{name}' to be read ({error})") from None
            if array.ndim == 0:
                raise UsageError(f"{self.name}: array '{name}' must have time as its first axis, got one number")
            if array.size and 0 in array.chunks:
                raise UsageError(f"{self.name}: array '{name}' has chunks of nothing, so it cannot be read")
            found.append(array)
        return found[0], found[1]

    def _check_metadata(self) -> None:
        """**Raises** `UsageError` for what says how long the arrays are, where it is no sound JSON."""
        for name in self._names:
            for file in ("zarr.json", ".zarray"):
                with contextlib.suppress(gate.Missing):
                    gate.read_json(self._path / name / file, limit=METADATA_BYTES)

    def _metadata(self) -> list[tuple[int, int]]:
        """Size and time of change of what says how long the arrays are."""
        files = (self._path / name / file for name in self._names for file in ("zarr.json", ".zarray"))
        stats = [os.stat(file) for file in files if file.exists()]
        return [(stat.st_size, stat.st_mtime_ns) for stat in stats]

    def _load(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        here = slice(block * self._chunk, (block + 1) * self._chunk)
        with decoding(f"chunk {block:,}", self.name):
            return np.asarray(self._arrays[0][here]), np.asarray(self._arrays[1][here])
