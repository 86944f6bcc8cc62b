"""What a process is started with: its cores, and no interrupts of the terminal."""

import contextlib
import os
import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker


def cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def share_of(available: list[int], place: int, places: int) -> list[int]:
    """The cores of one of several runs at a time.

    **Arguments:**

    - `available`: cores for all of them.
    - `place`: the number of this run, from 0. `places`: how many there are.

    **Returns:** every `places`-th core; where there are fewer cores than runs, one that it shares.
    """
    return available[place::places] or [available[place % len(available)]]


@contextlib.contextmanager
def without_ctrl_c() -> Iterator[None]:
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
