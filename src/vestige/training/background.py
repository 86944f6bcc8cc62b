"""Checkpoints that are written while the run goes on."""

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from vestige.training.checkpoints import Checkpoints
from vestige.training.leaves import copied
from vestige.training.team import AbstractTeam, Alone

CLOSE_SECONDS = 20.0
"""How long a process of several waits for its last checkpoint when the run ends by an error: one may have gone."""


class Written(NamedTuple):
    """A checkpoint that is safe on disk."""

    step: int
    notices: list[str]
    """A sentence for each damaged checkpoint that was set aside."""


class Background:
    """Writes checkpoints in a thread of its own, one at a time.

    The run is held up by the copying of its state on the device, which takes a second state's memory until that is
    written, and where several processes make it, by their agreement. A checkpoint counts from when it has its name,
    as every other.

    **Arguments:**

    - `checkpoints`: of the run.
    - `team`: the processes of the run, by default this one. All call the same methods after the same update.
    """

    def __init__(self, checkpoints: Checkpoints, team: AbstractTeam | None = None):
        self._checkpoints = checkpoints
        self._team = Alone() if team is None else team
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._under_way: Future[list[str]] | None = None
        self._step = -1

    def begin(self, state: Any, step: int, *, log: str = "") -> None:
        """Have `state` written.

        **Arguments:**

        - `state`, `step`, `log`: as `Checkpoints.save` takes them. The arrays may be given away afterwards.

        **Raises:** `RuntimeError` where the one before has not been taken by `done` or `settle`; `RunError` where the
        processes of the run cannot begin one.
        """
        if self._under_way is not None:
            raise RuntimeError(f"begin: the checkpoint of update {self._step} is still under way")
        state = copied(state)
        if self._team.size == 1:
            end: Callable[[], list[str]] = lambda: self._checkpoints.begin(state, step, log=log)()
        else:
            end = self._checkpoints.begin(state, step, log=log)  # exchanges, which is the main thread's
        self._step, self._under_way = step, self._pool.submit(end)

    def done(self) -> list[Written]:
        """The checkpoint that was under way, if it has been written; without waiting for it.

        **Raises:** `RunError` where it could not be.
        """
        under_way = self._under_way
        if under_way is None:
            return []

        def written() -> bool:
            if under_way.done():
                under_way.result()  # an error is not kept until the others have written
            return under_way.done()

        if not self._team.leads:
            written()
        return self.settle() if self._team.shared(written) else []

    def settle(self) -> list[Written]:
        """Wait for the checkpoint that is under way.

        **Returns:** it, or nothing where there is none.

        **Raises:** `RunError` where it cannot be written.
        """
        if self._under_way is None:
            return []
        under_way, self._under_way = self._under_way, None
        if not self._team.leads:
            under_way.result()
        return [Written(self._step, self._team.shared(under_way.result))]

    def close(self) -> None:
        """Wait for the checkpoint that is under way, whether or not it can be written, and end the thread."""
        alone = self._team.size == 1
        if self._under_way is not None and not alone:
            concurrent.futures.wait([self._under_way], CLOSE_SECONDS)
        self._pool.shutdown(wait=alone)
        self._under_way = None
