"""What a worker of a cluster is sent of a task, and whether it can take it."""

import os
import platform
import socket
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

SHARED_WITHIN = 5.0
"""Seconds in which a file that was written on one machine must be seen on another."""
CARRIED = ("JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION", "JAX_DEFAULT_PRNG_IMPL", "JAX_THREEFRY_PARTITIONABLE")
"""Variables on which numbers depend; those of Vestige are carried too."""


class Ticket(NamedTuple):
    """Plain values, so that the worker itself imports no JAX and nothing of the task."""

    sweep: str
    """The name of the sweep: one call of the executor."""
    name: str
    packed: bytes
    """The pickled pair of work and arguments; unpacked in the process of the task."""
    versions: dict[str, str]
    """Python and packages of the machine that sends it."""
    here: str
    """The folder from which the command was started: names of files may be relative to it."""
    mark: str
    """A file that the sender wrote into the folder of the runs."""
    path: list[str]
    """Where the sender looks for modules."""
    environment: dict[str, str]
    workers_here: int = 0
    """How many workers share the cores of one machine, where that is known; they have the names 0, 1, …"""

    def fault(self, worker: str) -> str:
        """Why this process cannot take the task, a sentence; empty where it can.

        **Arguments:**

        - `worker`: its address.
        """
        where = f"worker {worker} on {socket.gethostname()}"
        theirs = {name: _version(name) for name in self.versions}
        differing = [
            f"{name} {theirs[name]} (here {mine})" for name, mine in self.versions.items() if mine != theirs[name]
        ]
        if differing:
            return (
                f"{where} has other versions: {', '.join(differing)}. Results would depend on where a run went: "
                "install the same versions there"
            )
        until = time.monotonic() + SHARED_WITHIN
        while not (found := os.path.isfile(self.mark)) and time.monotonic() < until:
            time.sleep(0.2)
        if not found:
            return (
                f"{where} does not see {Path(self.mark).parent}: workers write run folders themselves, so the folder "
                "must be on a file system that all machines share, under one path. Choose such an --out"
            )
        if not os.path.isdir(self.here):
            return f"{where} has no folder {self.here}, from which the command was started. Start it in a shared one"
        return ""


def carried() -> dict[str, str]:
    """The variables of this process that a task gets, wherever it is carried out."""
    return {name: value for name, value in os.environ.items() if name.startswith("VESTIGE_") or name in CARRIED}


def comparable(versions: dict[str, str]) -> dict[str, str]:
    """Versions with Python's without its last number, on which nothing depends."""
    return {**versions, "python": _python()}


def _version(name: str) -> str:
    if name == "python":
        return _python()
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])
