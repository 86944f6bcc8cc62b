"""What is known of a file that need not be there."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vestige.errors import RunError, UsageError
from vestige.sequences.readers.contract import AbstractReader, Steps


class UnreadFile(AbstractReader):
    """The file `name` by what [`described`][vestige.sequences.AbstractReader.described] said of it: where a run is
    evaluated, the file that it was trained on is not read.

    **Raises:** `UsageError` where the description is damaged; `RunError` where a step is read.
    """

    def __init__(self, name: str, described: Any):
        self.name = name
        try:
            self.length, self.unknown_outcomes = int(described["length"]), bool(described["unknown_outcomes"])
            self.inputs, self.outcomes = _steps(described["inputs"]), _steps(described["outcomes"])
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{name}: the stored description of its steps is damaged ({error!r})") from error

    def steps_there(self) -> int:
        raise RunError(f"{self.name}: the file that the run was trained on is not read in an evaluation")

    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        raise RunError(f"{self.name}: the file that the run was trained on is not read in an evaluation")


def _steps(described: Mapping[str, Any]) -> Steps:
    return Steps(tuple(int(size) for size in described["shape"]), np.dtype(described["dtype"]))
