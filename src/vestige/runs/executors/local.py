"""Several runs at once on this machine, each in a process with cores of its own."""

import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from vestige.errors import RunError
from vestige.runs.executors.child import carry_out
from vestige.runs.executors.contract import ASKED_EVERY, AbstractExecutor, Task, Work
from vestige.runs.executors.starting import cores, share_of, without_ctrl_c
from vestige.training.interrupts import Interrupted, Interrupts
from vestige.training.stopping import INTERRUPTED

LEAVING_SECONDS = 30.0
"""How long a run waits for the process that had it before: it ends when the command that began it was killed."""


class LocalProcesses(AbstractExecutor):
    """Processes of this machine, each on its share of the cores: two runs on a core each are nearly twice as fast as
    one after the other on both, for a step of a recurrent model has little to share.

    The processes get no signals from the terminal: they receive SIGTERM when this one is to stop, when one of them
    fails, and when this one dies.

    **Arguments:**

    - `jobs`: how many at a time.
    """

    patience = LEAVING_SECONDS

    def __init__(self, *, jobs: int):
        self.jobs = jobs

    def run(self, work: Work, tasks: Iterable[Task], *, announce: Callable[[str], None]) -> None:
        """As `AbstractExecutor.run`. **Raises:** `RunError` where a process died: its run is not begun again."""
        workers, upcoming, turn = _Workers(), iter(tasks), threading.Lock()

        def carry_on(place: int) -> None:
            share = share_of(cores(), place, self.jobs)
            try:
                while (task := workers.next_of(upcoming, turn)) is not None:
                    name, arguments = task
                    if workers.run(share, work, arguments, lambda name=name: announce(f"{name}: begun")):
                        announce(f"{name}: done")
            except Exception as error:
                workers.stop(error)

        with Interrupts() as interrupts, ThreadPoolExecutor(self.jobs) as pool:
            interrupts.hold(True)  # until they have stopped
            waiting: set[Future[None]] = {pool.submit(carry_on, place) for place in range(self.jobs)}
            while waiting:
                _, waiting = wait(waiting, timeout=ASKED_EVERY)
                if interrupts.pending:
                    workers.stop(Interrupted(f"stopped by {interrupts.pending}; --resume goes on"))
        if workers.cause is not None:
            raise workers.cause


class _Workers:
    """The processes that are at work."""

    def __init__(self):
        self.context = multiprocessing.get_context("spawn")
        self.alive: set[Any] = set()
        self.lock = threading.Lock()
        self.cause: Exception | None = None
        """Why all were stopped, if they were."""

    def stop(self, cause: Exception) -> None:
        """Ask all to stop and start no more; the first cause counts."""
        with self.lock:
            if self.cause is None:
                self.cause = cause
                for process in self.alive:
                    process.terminate()

    def next_of(self, upcoming: Iterator[Task], turn: threading.Lock) -> Task | None:
        """The next task; None where there is none, or all were stopped."""
        with turn:
            return next(upcoming, None) if self.cause is None else None

    def run(self, share: list[int], work: Work, task: tuple[Any, ...], begun: Callable[[], None]) -> bool:
        """`work(*task)` in a new process on these cores, unless all were stopped; its errors are raised here."""
        here, there = self.context.Pipe()
        process = self.context.Process(target=carry_out, args=(there, share, work, task), daemon=True)
        with self.lock:
            if self.cause is not None:
                return False
            with without_ctrl_c():
                process.start()
            self.alive.add(process)
        there.close()
        begun()
        try:
            error = here.recv()
        except (EOFError, OSError):
            process.join()
            error = Interrupted("a process received a request to stop; --resume goes on")
            if process.exitcode != INTERRUPTED:
                error = RunError(f"a process ended in mid-run with exit code {process.exitcode}; --resume goes on")
        process.join()
        with self.lock:
            self.alive.discard(process)
        here.close()
        if error is not None:
            raise error
        return True
