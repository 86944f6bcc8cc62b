"""What every executor does."""

import abc
from collections.abc import Callable, Iterable
from typing import Any

Work = Callable[..., None]
"""A function of a module, with arguments that can be pickled."""
Task = tuple[str, tuple[Any, ...]]
"""A name, and the arguments of the work."""
ASKED_EVERY = 0.2
"""Seconds between two looks at whether the person wants to stop."""


class AbstractExecutor(abc.ABC):
    """Carries out tasks, several at a time, each in a new process: none pays for what another compiled or kept."""

    patience: float
    """Seconds that a run waits for the process that had its folder before."""

    @abc.abstractmethod
    def run(self, work: Work, tasks: Iterable[Task], *, announce: Callable[[str], None]) -> None:
        """Call `work(*arguments)` for every task.

        Where one fails, or this process receives a signal to stop, those that are at work receive SIGTERM (a run then
        writes a checkpoint), and no more begin.

        **Arguments:**

        - `work`: goes on with a task that was begun before; a task may be begun again where its process was lost.
        - `tasks`: names and arguments. The next one is taken when there is room for it, in one thread at a time.
        - `announce`: called with a sentence where one begins ("NAME: begun") or ends ("NAME: done").

        **Raises:** the error of the first that failed; `RunError` where a process died; `Interrupted`.
        """
