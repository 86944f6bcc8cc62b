"""Several runs at once, each in a process with cores of its own."""

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from vestige.errors import RunError, VestigeError
from vestige.training.interrupts import Interrupted, Interrupts
from vestige.training.stopping import INTERRUPTED, Stoppable

ASKED_EVERY = 0.2  # seconds between two looks at whether the person wants to stop
MOST = 8  # runs at a time, unless more are requested: each needs about a gigabyte


def cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def run_parallel(
    work: Callable[..., None],
    tasks: Mapping[str, tuple[Any, ...]],
    *,
    jobs: int,
    announce: Callable[[str], None],
) -> None:
    """Carry out tasks, several at a time.

    Each runs in a new process, so that none pays for what another compiled or kept, on its share of the cores: two
    runs on a core each are nearly twice as fast as one after the other on both, for a step of a recurrent model has
    little to share. The processes get no signals from the terminal: they receive SIGTERM when this one is, when one of
    them fails, and when this one dies.

    **Arguments:**

    - `work`: called as `work(*task)`; it and its arguments must be picklable.
    - `tasks`: name -> arguments.
    - `jobs`: how many at a time.
    - `announce`: called with a sentence where one begins or ends.

    **Raises:** the error of the first that failed; `RunError` where a process died; `Interrupted`.
    """
    mine = cores()
    shares: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    for job in range(jobs):
        shares.put(mine[job::jobs] or [mine[job % len(mine)]])
    workers = _Workers()

    def one(name: str) -> None:
        share = shares.get()
        try:
            if workers.run(share, work, tasks[name], lambda: announce(f"{name}: begun")):
                announce(f"{name}: done")
        except Exception as error:
            workers.stop(error)
        finally:
            shares.put(share)

    with Interrupts() as interrupts, ThreadPoolExecutor(jobs) as pool:
        interrupts.hold(True)  # until they have stopped
        waiting: set[Future[None]] = {pool.submit(one, name) for name in tasks}
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

    def run(
        self, share: list[int], work: Callable[..., None], task: tuple[Any, ...], begun: Callable[[], None]
    ) -> bool:
        """`work(*task)` in a new process on these cores, unless all were stopped; its errors are raised here."""
        here, there = self.context.Pipe()
        process = self.context.Process(target=_child, args=(there, share, work, task), daemon=True)
        with self.lock:
            if self.cause is not None:
                return False
            with _without_ctrl_c():
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


def _child(parent: Connection, share: list[int], work: Callable[..., None], task: tuple[Any, ...]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    threading.Thread(target=_stop_with, args=(parent,), daemon=True).start()
    error: BaseException | None = None
    stop = Stoppable()
    try:
        with stop:
            work(*task)
    except KeyboardInterrupt:
        error = Interrupted("stopped before its first checkpoint; --resume goes on")
    except VestigeError as raised:
        error = raised
    except Exception as raised:
        error = RunError(f"{type(raised).__name__}: {raised}")
    with contextlib.suppress(OSError):  # of a pipe to a process that is gone: there is nobody to tell
        parent.send(error)
    stop.depart()


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Processes that are started in the block never get a SIGINT: a terminal sends one to all, and while they are
    starting they would answer it with a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which takes the block away when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop_with(parent: Connection) -> None:
    """Ask this process to stop when the one that started it is gone."""
    try:
        parent.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
