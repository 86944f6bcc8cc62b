"""What happens on a worker of a Dask cluster: one task, in a process of its own."""

import contextlib
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from vestige.errors import RunError, UsageError, VestigeError
from vestige.runs.executors.contract import ASKED_EVERY
from vestige.runs.executors.starting import cores, share_of
from vestige.runs.executors.ticket import Ticket
from vestige.training.interrupts import Interrupted
from vestige.training.stopping import INTERRUPTED

PROGRAM = "from vestige.runs.executors.child import main; main({})"

_places: queue.SimpleQueue[int] = queue.SimpleQueue()
_places_made = threading.Lock()
_known: set[int] = set()
_running: dict[str, set[subprocess.Popen[bytes]]] = {}
_stopped: set[str] = set()
_lock = threading.Lock()


class ProcessDied(RunError):
    """The process of a task ended without a word. Dask begins the task again."""


def take(ticket: Ticket) -> VestigeError | None:
    """Carry out a task in a new process of this worker's machine.

    A task that Dask no longer wants, because who sent it is gone, receives SIGTERM.

    **Returns:** the error with which it ended, if it did: it would end so again.

    **Raises:** `ProcessDied`.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    if fault := ticket.fault(worker.address):
        return UsageError(fault)
    place = _place(worker.state.nthreads)
    try:
        share = share_of(cores(), place, worker.state.nthreads)
        if ticket.workers_here:  # named by their numbers
            share = share_of(cores(), int(worker.name), ticket.workers_here)
        with _process(ticket, share) as (process, connection):
            if process is None:
                return Interrupted("stopped before it began; --resume goes on")
            worker.log_event(ticket.sweep, {"name": ticket.name, "worker": worker.address})
            try:
                left = False
                while not connection.poll(ASKED_EVERY):
                    if not left and _unwanted(worker, key):
                        process.terminate()  # once: a second signal would cut off the writing of a checkpoint
                        left = True
                return connection.recv()
            except (EOFError, OSError):
                code = process.wait()
        if code in (INTERRUPTED, -signal.SIGTERM):
            return Interrupted("a process received a request to stop; --resume goes on")
        raise ProcessDied(f"{ticket.name}: its process on {worker.address} ended in mid-run with exit code {code}")
    finally:
        _places.put(place)


@contextlib.contextmanager
def _process(ticket: Ticket, share: list[int]) -> Iterator[tuple[subprocess.Popen[bytes] | None, Connection]]:
    """The process of a task, with a connection to it; none where its sweep was stopped. It ends with the block."""
    here, there = multiprocessing.Pipe()
    with here:
        with there, _lock:
            process = None if ticket.sweep in _stopped else _started(ticket, there)
        if process is None:
            yield None, here
            return
        here.send((share, ticket.path))
        here.send_bytes(ticket.packed)
        try:
            yield process, here
        finally:
            process.wait()
            with _lock:
                _running[ticket.sweep].discard(process)


def _started(ticket: Ticket, connection: Connection) -> subprocess.Popen[bytes]:
    descriptor = connection.fileno()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        cwd=ticket.here,
        env={**os.environ, **ticket.environment},
        start_new_session=True,
    )
    _running.setdefault(ticket.sweep, set()).add(process)
    return process


def stop(sweep: str) -> None:
    """Ask the tasks of a sweep on this worker to stop, and begin no more of them."""
    with _lock:
        _stopped.add(sweep)
        for process in _running.get(sweep, ()):
            process.terminate()


def _place(places: int) -> int:
    """A free place among those of this worker's threads."""
    with _places_made:
        for place in range(places):
            if place not in _known:
                _known.add(place)
                _places.put(place)
    return _places.get()


def _unwanted(worker: Any, key: Any) -> bool:
    """Whether the scheduler let go of a task that is at work here."""
    state = worker.state.tasks.get(key)
    return state is None or state.state == "cancelled"
