"""Fixed-size records of an ArrayRecord file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from vestige import gate
from vestige.errors import RunError, UsageError
from vestige.sequences.readers.blocks import CACHE_BYTES, Blocks
from vestige.sequences.readers.contract import AbstractReader
from vestige.sequences.readers.opening import agreed, decoding, extra, numbers

BLOCK_BYTES = 2**16


class ArrayRecordReader(AbstractReader):
    """Records of raw numbers; needs array-record (`pip install 'vestige[streams]'`).

    A step is the bytes of its inputs followed by those of its outcome. A record holds one step or several, as many in
    each, save that the last may hold fewer: `np.rec` arrays of that dtype, written with `tobytes`, are such records.

    **Arguments:**

    - `path`: the file.
    - `inputs`, `outcomes`: dtype and shape of one step, such as `("<f4", (3,))` and `("<i4", ())`.
    - `unknown_outcomes`: whether NaN or a negative class marks a step without an outcome.
    - `cache_bytes`: how much of the records used last is kept.

    **Raises:** `UsageError` also where the records are no multiple of a step.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        inputs: tuple[DTypeLike, tuple[int, ...]],
        outcomes: tuple[DTypeLike, tuple[int, ...]],
        unknown_outcomes: bool = False,
        cache_bytes: int = CACHE_BYTES,
    ):
        module = extra("array_record.python.array_record_module", "ArrayRecordReader")
        self._path = gate.require_regular(path)
        self.name, self.unknown_outcomes = str(path), unknown_outcomes
        self.inputs = numbers(self.name, "inputs", inputs[1], np.dtype(inputs[0]))
        self.outcomes = numbers(self.name, "outcomes", outcomes[1], np.dtype(outcomes[0]))
        self._step = np.dtype([("inputs", *_field(inputs)), ("outcomes", *_field(outcomes))])
        self._size = self._path.stat().st_size
        try:
            self._file: Any = module.ArrayRecordReader(str(path))
            self._records = self._file.num_records()
        except Exception as error:
            raise UsageError(f"{path}: it is not a sound ArrayRecord file ({error})") from None
        if self._records == 0:
            raise UsageError(f"{path}: it is empty, or not a sound ArrayRecord file")
        self._each = self._steps(0)
        steps = (self._records - 1) * self._each + self._steps(self._records - 1)
        self.length = agreed(self.name, steps, steps)
        self._block = max(1, BLOCK_BYTES // (self._each * self._step.itemsize))
        size = self._block * self._each
        sizes = [min(size, self.length - begin) for begin in range(0, self.length, size)]
        self._blocks = Blocks(sizes, self._load, cache_bytes=cache_bytes)

    def steps_there(self) -> int:
        """None at all once it has shrunk: the index stands at the end of such a file."""
        return self.length if self._path.stat().st_size >= self._size else 0

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return self._blocks.read(start, stop)

    def _steps(self, record: int) -> int:
        with decoding(f"record {record:,}", self.name):
            data = self._file.read([record])[0]
        if not data or len(data) % self._step.itemsize:
            raise UsageError(
                f"{self.name}: record {record:,} has {len(data)} bytes, which is no number of steps of "
                f"{self._step.itemsize} bytes; check the dtypes and shapes of inputs and outcomes"
            )
        return len(data) // self._step.itemsize

    def _load(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        first = block * self._block
        with decoding(f"record {first:,}", self.name):
            records = self._file.read(list(range(first, min(first + self._block, self._records))))
        for place, data in enumerate(records):
            wanted = min(self._each, self.length - (first + place) * self._each) * self._step.itemsize
            if len(data) != wanted:
                raise RunError(f"{self.name}: record {first + place:,} has {len(data)} bytes, the first one {wanted}")
        steps = np.frombuffer(b"".join(records), self._step)
        return steps["inputs"], steps["outcomes"]


def _field(kind: tuple[DTypeLike, tuple[int, ...]]) -> tuple[np.dtype, tuple[int, ...]]:
    return np.dtype(kind[0]), tuple(kind[1])
