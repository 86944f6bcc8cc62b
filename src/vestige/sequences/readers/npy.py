"""Two `.npy` files."""

import math
import os
import weakref
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.errors import UsageError
from vestige.sequences.readers.contract import AbstractReader, Steps
from vestige.sequences.readers.opening import agreed, numbers


class NpyReader(AbstractReader):
    """Inputs and outcomes in a `.npy` file each, time first: the fastest to read.

    Nothing but the requested steps is read. They are copied from the file and not touched through a memory map: a map
    whose file shrinks ends the process (SIGBUS), a copy comes back short and is reported.

    **Arguments:**

    - `inputs`, `outcomes`: paths.
    - `unknown_outcomes`: whether NaN or a negative class marks a step without an outcome.

    **Raises:** `UsageError` also where a file is no `.npy` file, or stored in Fortran order.
    """

    def __init__(self, inputs: str | Path, outcomes: str | Path, *, unknown_outcomes: bool = False):
        self._inputs, self._outcomes = ArrayFile(inputs, "inputs"), ArrayFile(outcomes, "outcomes")
        self.name = f"{inputs} and {outcomes}"
        self.length = agreed(self.name, self._inputs.length, self._outcomes.length)
        self.inputs, self.outcomes = self._inputs.steps, self._outcomes.steps
        self.unknown_outcomes = unknown_outcomes

    def steps_there(self) -> int:
        return min(self._inputs.steps_there(), self._outcomes.steps_there())

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        return self._inputs.read(start, stop), self._outcomes.read(start, stop)


class ArrayFile:
    """An array in a `.npy` file, time first, held open.

    **Arguments:**

    - `path`: of the file.
    - `what`: it holds, for messages.

    **Raises:** `UsageError` where it is no such array of numbers.
    """

    def __init__(self, path: str | Path, what: str):
        with gate.open_npy(path) as (file, header):
            if not header.shape:
                raise UsageError(f"{path}: {what} must be one array with time as its first axis")
            if header.fortran and sum(size > 1 for size in header.shape) > 1:
                raise UsageError(
                    f"{path}: it is stored in Fortran order; save np.ascontiguousarray of the array instead"
                )
            self.length = header.shape[0]
            self.steps: Steps = numbers(str(path), what, header.shape[1:], header.dtype)
            self._begin, self._width = header.offset, header.dtype.itemsize * math.prod(header.shape[1:])
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    def steps_there(self) -> int:
        """How many steps the file has now, at most `length`."""
        return min(self.length, max(0, os.fstat(self._file).st_size - self._begin) // max(self._width, 1))

    def read(self, start: int, stop: int) -> np.ndarray:
        """The steps from `start` to `stop - 1`; fewer where the file ends before."""
        data = os.pread(self._file, (stop - start) * self._width, self._begin + start * self._width)
        whole = len(data) // self._width
        return np.frombuffer(data[: whole * self._width], self.steps.dtype).reshape(whole, *self.steps.shape)
