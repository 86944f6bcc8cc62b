"""What the tests of Dask workers have them do; a module that imports little."""

import os
import signal
import time
from pathlib import Path

from vestige.errors import UsageError
from vestige.runs.executors.starting import cores
from vestige.training.interrupts import Interrupted, Interrupts


def leave_a_note(folder: Path, name: str) -> None:
    mine = ",".join(map(str, cores()))
    (folder / name).write_text(f"{os.getpid()} {mine} {os.getppid()}")


def refuse(folder: Path, name: str) -> None:
    raise UsageError("the seed is not to my liking")


def stumble(folder: Path, name: str) -> None:
    raise KeyError("nothing of the kind")


def die(folder: Path, name: str) -> None:
    with (folder / name).open("a") as file:
        file.write("once more\n")
    os.kill(os.getpid(), signal.SIGKILL)


def count(folder: Path, name: str, last: int = 6) -> None:
    """Goes on where it was, as a run does from its checkpoint; asked to stop, it does at once."""
    path = folder / f"{name}.count"
    done = int(path.read_text()) if path.exists() else 0
    (folder / f"{name}.{done}.pids").write_text(f"{os.getpid()} {os.getppid()}")
    with Interrupts() as interrupts:
        for number in range(done + 1, last + 1):
            time.sleep(0.3)
            if interrupts.pending:
                (folder / f"{name}.stopped").write_text(interrupts.pending)
                raise Interrupted("stopped")
            path.with_suffix(".part").write_text(str(number))
            path.with_suffix(".part").rename(path)
