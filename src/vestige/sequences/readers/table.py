"""A table whose steps were encoded into one array."""

import numpy as np

from vestige.data.steps import ConvertedSteps
from vestige.sequences.readers.contract import AbstractReader, Steps
from vestige.sequences.readers.npy import ArrayFile


class TableReader(AbstractReader):
    """The steps of a table, or of a stretch of it, from the array in the cache: one column of classes as tokens,
    several columns as a vector, in units of the training.

    **Arguments:**

    - `name`: of the table, for messages.
    - `steps`: the table as it was encoded.
    - `start`, `stop`: the first step and the one after the last; None: to the end.

    **Raises:** `UsageError` where no step is left.
    """

    unknown_outcomes = True

    def __init__(self, name: str, steps: ConvertedSteps, start: int = 0, stop: int | None = None):
        self.name, self.columns, self._steps = name, steps.columns, steps
        self._values, self._start = ArrayFile(steps.values, "steps"), start
        self.length = (self._values.length if stop is None else stop) - start
        some = np.zeros((1, len(steps.columns.schema.modelled)), np.float32)
        seen, predicted = steps.columns.inputs(some), steps.columns.outcomes(some)
        self.inputs, self.outcomes = Steps(seen.shape[1:], seen.dtype), Steps((), predicted.dtype)

    def part(self, start: int, stop: int) -> "TableReader":
        """A stretch of these steps, from `start` to `stop - 1`."""
        return TableReader(self.name, self._steps, self._start + start, self._start + stop)

    def steps_there(self) -> int:
        return min(self.length, max(0, self._values.steps_there() - self._start))

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        values = self._values.read(self._start + start, self._start + stop)
        return self.columns.inputs(values), self.columns.outcomes(values)
