"""The contract of a file that holds one step after the other."""

import abc
from typing import Any, NamedTuple

import numpy as np


class Steps(NamedTuple):
    """What a file holds of every step."""

    shape: tuple[int, ...]
    """Of one step; () for one number."""
    dtype: np.dtype
    """As it is stored: integers, booleans or floating point."""


class AbstractReader(abc.ABC):
    """An open file (or two) with the inputs and outcomes of consecutive steps, far longer than memory.

    Readers run on the host, never inside a compiled program, and may be called from several threads. They are compared
    by identity: make one per file and share it. What they promise is that a step reads the same whenever it is read.

    **Raises**, on opening: `UsageError` where there is no such file, where it holds no steps or no numbers, or where
    it has more inputs than outcomes or the reverse.
    """

    name: str
    """The file, for messages."""
    length: int
    """How many steps it had when it was opened; may exceed 2^31."""
    inputs: Steps
    outcomes: Steps
    unknown_outcomes: bool
    """Whether NaN, or a negative class, says that a step has no outcome. Where it does not, either is an error."""

    def described(self) -> dict[str, Any]:
        """What is known of the file without reading it, as plain values."""
        kinds = {
            what: {"shape": list(steps.shape), "dtype": steps.dtype.str}
            for what, steps in (("inputs", self.inputs), ("outcomes", self.outcomes))
        }
        return {"length": self.length, "unknown_outcomes": self.unknown_outcomes, **kinds}

    @abc.abstractmethod
    def steps_there(self) -> int:
        """How many steps the file has now. Called before every read, so it must be cheap.

        **Returns:** at most `length`: less where the file has shrunk.
        """

    @abc.abstractmethod
    def read(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Read consecutive steps.

        Time and memory in proportion to the steps, or to the blocks in which the file is stored.

        **Arguments:**

        - `start`, `stop`: the first step and the one after the last, 0 <= `start` <= `stop`.

        **Returns:** inputs and outcomes of the steps `start` to `stop - 1`, time first, in the shapes and dtypes of
        `inputs` and `outcomes`; fewer where the file ends before.

        **Raises:** `RunError` where what is stored is damaged.
        """
