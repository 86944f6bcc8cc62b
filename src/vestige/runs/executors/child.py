"""The process in which one task is carried out, whoever started it."""

import contextlib
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import Any

from vestige.errors import RunError, VestigeError
from vestige.runs.executors.contract import Work
from vestige.training.interrupts import Interrupted
from vestige.training.stopping import Stoppable


def carry_out(parent: Connection, share: list[int], work: Work, task: tuple[Any, ...]) -> None:
    """Call `work(*task)` on these cores, and send the parent its error, or None.

    **Arguments:**

    - `parent`: a connection to the process that started this one; when that is gone, this one asks itself to stop.
    - `share`: cores, where the system can bind a process to them.
    - `work`, `task`: what is done.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, share)
    if hasattr(os, "setpgrp") and os.getpgrp() != os.getpid():
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


def main(descriptor: int) -> None:
    """The program of a process that a worker of a cluster started.

    **Arguments:**

    - `descriptor`: of a connection, on which the share of the cores, the folders in which modules are looked for, and
      work and task arrive.
    """
    parent = Connection(descriptor)
    share, path = parent.recv()
    sys.path += [folder for folder in path if folder not in sys.path]
    try:
        work, task = parent.recv()
    except EOFError:  # the worker is gone
        return
    except Exception as error:
        parent.send(RunError(f"a worker cannot load the run: {type(error).__name__}: {error}"))
        return
    carry_out(parent, share, work, task)


def _stop_with(parent: Connection) -> None:
    """Ask this process to stop when the one that started it is gone."""
    try:
        parent.recv()
    except (EOFError, OSError):
        os.kill(os.getpid(), signal.SIGTERM)
