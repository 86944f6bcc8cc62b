"""Executors by the names that `--on` takes."""

from pathlib import Path

from vestige.errors import UsageError, nearest, shown
from vestige.runs.executors.contract import AbstractExecutor

PROCESSES, DASK = "processes", "dask"


def is_named(on: str) -> bool:
    """Whether `on` stands for another executor than local processes.

    **Raises:** `UsageError` where it stands for none.
    """
    if on not in (PROCESSES, DASK) and "://" not in on:
        raise UsageError(
            f"--on must be {PROCESSES}, {DASK} (a Dask cluster of this machine) or the address of a Dask scheduler, "
            f"such as tcp://10.0.0.1:8786; got '{shown(on)}'. {nearest(on, (PROCESSES, DASK))}"
        )
    return on != PROCESSES


def executor_on(on: str, folder: Path, *, jobs: int | None) -> AbstractExecutor:
    """The executor of a Dask cluster.

    **Arguments:**

    - `on`: "dask" or the address of a scheduler; "processes": processes of this machine.
    - `folder`: in which the runs have their folders.
    - `jobs`: how many at a time; None: as many as the cluster has threads, or this machine cores.

    **Raises:** `UsageError` for any other name, and where Dask is not installed.
    """
    from vestige.runs.executors.starting import cores

    if not is_named(on):
        from vestige.runs.executors.local import LocalProcesses

        return LocalProcesses(jobs=jobs or len(cores()))
    from vestige.runs.executors.dask_workers import DaskWorkers

    return DaskWorkers(None if on == DASK else on, folder, jobs=jobs)
