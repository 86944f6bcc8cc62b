"""Several runs at once on the workers of a Dask cluster: on this machine, or on many."""

import contextlib
import logging
import os
import pickle
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from vestige.errors import RunError, UsageError, VestigeError, shown
from vestige.runs.executors import on_worker
from vestige.runs.executors.contract import ASKED_EVERY, AbstractExecutor, Task, Work
from vestige.runs.executors.starting import cores, without_ctrl_c
from vestige.runs.executors.ticket import Ticket, carried, comparable
from vestige.runs.folder import make, versions
from vestige.storage.durable import PARTIAL
from vestige.storage.locking import STALE_SECONDS
from vestige.training.interrupts import Interrupted, Interrupts

CONNECTED_WITHIN = 10.0
"""Seconds in which a scheduler must answer."""
LEFT_WITHIN = 60.0
"""Seconds in which runs that were asked to stop must have written their checkpoints."""
RETRIES = 2
"""How often a run is begun again whose process died, beside those whose worker was lost: Dask counts these itself."""


class DaskWorkers(AbstractExecutor):
    """The workers of a Dask cluster, as many tasks at a time as they have threads.

    Each task has a process of its own beside its worker, so the worker imports no JAX. A worker that is lost loses its
    process with it (which writes a checkpoint, where it still can); Dask gives the task to another worker, or to the
    one that its nanny starts in its place, and the run goes on from its newest checkpoint.

    Runs write their folders themselves: workers must see the folder under the same path, and have the same versions of
    Vestige and JAX. Both are looked at before each task.

    **Arguments:**

    - `address`: of a scheduler, such as tcp://10.0.0.1:8786; None starts a cluster on this machine, whose workers have
      a share of the cores each.
    - `folder`: in which the runs have their folders.
    - `jobs`: at most so many tasks at a time; None: as many as there are threads.

    **Raises:** `UsageError` where Dask is not installed.
    """

    patience = STALE_SECONDS + 30.0  # the process may have died with its machine, of which nothing is seen from another

    def __init__(self, address: str | None, folder: Path, *, jobs: int | None):
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "--on dask needs Dask distributed, which is not installed: pip install 'vestige[dask]'"
            ) from error
        self.address, self.folder, self.jobs = address, folder, jobs

    def run(self, work: Work, tasks: Iterable[Task], *, announce: Callable[[str], None]) -> None:
        """As `AbstractExecutor.run`.

        **Raises:** `UsageError` for a scheduler that does not answer, and for workers that do not see the folder or
        have other versions; `RunError` where the scheduler is lost, or the process of a task died again and again.
        """
        with _client(self.address, self.jobs) as client, _marked(self.folder) as mark:
            sweep = _Sweep(client, work, mark, announce, workers_here(self.jobs) if self.address is None else 0)
            with Interrupts() as interrupts:
                interrupts.hold(True)  # until they have stopped
                sweep.carry_out(iter(tasks), self.jobs, interrupts)
        if sweep.cause is not None:
            raise sweep.cause


class _Sweep:
    """One call of `DaskWorkers.run`."""

    def __init__(self, client: Any, work: Work, mark: Path, announce: Callable[[str], None], beside: int):
        self.beside = beside
        self.client, self.work, self.mark, self.announce = client, work, mark, announce
        self.name = f"vestige-{uuid.uuid4().hex}"
        self.futures: dict[str, Any] = {}
        self.begun: set[str] = set()
        self.cause: VestigeError | None = None
        """Why all were stopped, if they were."""

    def carry_out(self, upcoming: Iterator[Task], jobs: int | None, interrupts: Interrupts) -> None:
        """Until the last has ended, or all were stopped."""
        try:
            self._carry_out(upcoming, jobs, interrupts)
        except OSError as error:  # what Dask raises where a connection is lost
            self._stop(RunError(f"the scheduler is gone ({shown(error, 200)}); --resume goes on"))

    def _carry_out(self, upcoming: Iterator[Task], jobs: int | None, interrupts: Interrupts) -> None:
        self.client.subscribe_topic(self.name, self._begins)
        more, waiting, until = True, False, float("inf")
        while more or self.futures:
            if interrupts.pending and self.cause is None:
                self._stop(Interrupted(f"stopped by {interrupts.pending}; --resume goes on"))
            if self.cause is not None:
                more, until = False, min(until, time.monotonic() + LEFT_WITHIN)
            if self._lost() or time.monotonic() > until:
                return
            threads = sum(self.client.nthreads().values()) if more else 0
            if more and not threads and not waiting:
                self.announce("the cluster has no workers yet; waiting for the first")
                waiting = True
            while more and len(self.futures) < min(threads, jobs or threads):
                more = self._submit(upcoming)
            time.sleep(ASKED_EVERY)
            for name in [name for name, future in self.futures.items() if future.done()]:
                self._ended(name, self.futures.pop(name))

    def _submit(self, upcoming: Iterator[Task]) -> bool:
        """Send the next task. **Returns:** whether there was one."""
        try:
            task = next(upcoming, None)
        except VestigeError as error:
            self._stop(error)
            return False
        if task is None:
            return False
        name, arguments = task
        ticket = Ticket(
            self.name,
            name,
            pickle.dumps((self.work, arguments)),
            comparable(versions()),
            os.getcwd(),
            str(self.mark),
            list(sys.path),
            carried(),
            self.beside,
        )
        key = f"{name}-{self.name}"
        self.futures[name] = self.client.submit(on_worker.take, ticket, key=key, retries=RETRIES, pure=False)
        return True

    def _begins(self, event: tuple[float, Any]) -> None:
        """A worker has begun a task."""
        name, worker = event[1]["name"], event[1]["worker"]
        again = " again" if name in self.begun else ""
        self.begun.add(name)
        self.announce(f"{name}: begun{again} on {worker}")

    def _ended(self, name: str, future: Any) -> None:
        if future.status == "cancelled":
            self._stop(RunError(f"{name}: its cluster is gone; --resume goes on"))
            return
        error = future.exception()
        if error is None and (error := future.result()) is None:
            self.announce(f"{name}: done")
        elif isinstance(error, on_worker.ProcessDied):
            self._stop(RunError(f"{error}, {RETRIES + 1} times; --resume goes on"))
        elif isinstance(error, VestigeError):
            self._stop(error)
        else:
            self._stop(_worded(name, error))

    def _stop(self, cause: VestigeError) -> None:
        """Ask all to stop and start no more; the first cause counts."""
        if self.cause is None:
            self.cause = cause
            with contextlib.suppress(Exception):  # of a cluster that is gone: its workers stop by themselves
                self.client.run(on_worker.stop, self.name, on_error="ignore")

    def _lost(self) -> bool:
        if self.client.status in ("closed", "closing") or self.client.scheduler is None:
            self._stop(RunError("the scheduler is gone; --resume goes on"))
            return True
        return False


def _worded(name: str, error: BaseException) -> VestigeError:
    """What Dask says, for the person at the keyboard."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return RunError(f"{name}: every worker that was given it died, {error.allowed_failures + 1} of them; look into "
                        "their logs (a run needs about a gigabyte of memory); --resume goes on")  # fmt: skip
    if isinstance(error, ModuleNotFoundError | AttributeError):
        return UsageError(f"a worker cannot load Vestige: {shown(error, 200)}. Install the same version there as here")
    return RunError(f"{name}: {type(error).__name__}: {shown(error, 300)}")


@contextlib.contextmanager
def _marked(folder: Path) -> Iterator[Path]:
    """A file in the folder of the runs, by which workers see that it is the same folder."""
    make(folder)
    mark = folder.absolute() / f".seen.{uuid.uuid4().hex}.{os.getpid()}{PARTIAL}"
    mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _client(address: str | None, jobs: int | None) -> Iterator[Any]:
    """A client of the cluster at `address`; of one on this machine, which ends with the block, where it is None."""
    from distributed import Client

    with _local_cluster(workers_here(jobs)) if address is None else contextlib.nullcontext(address) as cluster:
        try:
            client = Client(cluster, timeout=CONNECTED_WITHIN, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            said = shown(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__, 200)
            raise UsageError(
                f"--on {address}: no Dask scheduler answers there within {CONNECTED_WITHIN:.0f} s ({said}). "
                "Start one with: dask scheduler, and workers with: dask worker ADDRESS --nthreads 1"
            ) from error
        with client:
            yield client


@contextlib.contextmanager
def _local_cluster(workers: int) -> Iterator[Any]:
    """Workers on this machine, of one thread each."""
    from distributed import LocalCluster

    how: dict[str, Any] = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    how["silence_logs"] = logging.CRITICAL  # what ends a run is said by us, and how a worker leaves concerns nobody
    with without_ctrl_c():  # threads that are started here inherit it, and the processes that those start
        cluster = LocalCluster(n_workers=workers, **how)
    with cluster:
        yield cluster


def workers_here(jobs: int | None) -> int:
    """How many workers a cluster of this machine has: one for each of `jobs`, else one for each core."""
    return jobs or len(cores())
