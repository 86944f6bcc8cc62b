"""Checkpoints that are written while the run goes on."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from vestige.training.checkpoints import Checkpoints
from vestige.training.leaves import copied


class Written(NamedTuple):
    """A checkpoint that is safe on disk."""

    step: int
    notices: list[str]
    """A sentence for each damaged checkpoint that was set aside."""


class Background:
    """Writes checkpoints in a thread of its own, one at a time.

    The run is held up by the copying of its state on the device, which takes a second state's memory until that is
    written. A checkpoint counts from when it has its name, as every other.

    **Arguments:**

    - `checkpoints`: those of one process. Several agree on each step of writing, which only their main threads do.
    """

    def __init__(self, checkpoints: Checkpoints):
        self._checkpoints = checkpoints
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._under_way: Future[list[str]] | None = None
        self._step = -1

    def begin(self, state: Any, step: int, *, log: str = "") -> None:
        """Have `state` written.

        **Arguments:**

        - `state`, `step`, `log`: as `Checkpoints.save` takes them. The arrays may be given away afterwards.

        **Raises:** `RuntimeError` where the one before has not been taken by `done` or `settle`.
        """
        if self._under_way is not None:
            raise RuntimeError(f"begin: the checkpoint of update {self._step} is still under way")
        self._step = step
        self._under_way = self._pool.submit(self._checkpoints.save, copied(state), step, log=log)

    def done(self) -> list[Written]:
        """The checkpoint that was under way, if it has been written; without waiting.

        **Raises:** `RunError` where it could not be.
        """
        return self.settle() if self._under_way is not None and self._under_way.done() else []

    def settle(self) -> list[Written]:
        """Wait for the checkpoint that is under way.

        **Returns:** it, or nothing where there is none.

        **Raises:** `RunError` where it cannot be written.
        """
        if self._under_way is None:
            return []
        under_way, self._under_way = self._under_way, None
        return [Written(self._step, under_way.result())]

    def close(self) -> None:
        """Wait for the checkpoint that is under way, whether or not it can be written, and end the thread."""
        self._pool.shutdown()
        self._under_way = None
