"""A run as the processes make it that follow: they train along, and write nothing."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vestige.data import UserFile
from vestige.errors import UsageError, shown
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.plain import options_of
from vestige.runs.data_identity import DataInUse
from vestige.runs.folder import versions
from vestige.storage.locking import read_owner
from vestige.training.team import AbstractTeam

MOST_NAMED = 4
VISIBLE_SECONDS = 10.0
"""How long a process waits for what another one wrote into a shared folder."""


def check_alike(
    team: AbstractTeam, entry: Entry, experiment: Experiment, *, seed: int, more: Mapping[str, Any] | None = None
) -> None:
    """Check that all processes of a `team` are about to make the same run. Where files lie may differ.

    **Arguments:**

    - `team`: the processes.
    - `entry`, `experiment`, `seed`: of the run.
    - `more`: plain values by name that must be the same too.

    **Raises:** `UsageError`, in every process, that names the first ones that differ from the leader, with versions and
    options.
    """
    files = {f"task.{source.option}" for source in experiment.task.sources() if isinstance(source, UserFile)}
    options = {name: str(value) for name, value in options_of(experiment).items() if name not in files}
    here = {"experiment": entry.name, "seed": seed, **options, **(more or {}), **versions()}
    every = team.gathered({name: str(value) for name, value in here.items()})
    _refuse_differing(every, "give every process the same command and the same installation")


def check_same_data(team: AbstractTeam, data: DataInUse) -> None:
    """Check that all processes of a `team` read the same `data`. **Raises:** `UsageError` in every process."""
    if team.size == 1:  # reading them once more would take its time
        return
    mine = [{name: record[name] for name in ("size", "sha256") if name in record} for record in data.records()]
    every = team.gathered({f"data {number}": str(record) for number, record in enumerate(mine)})
    _refuse_differing(every, "give every process the same file")


def check_folder(team: AbstractTeam, folder: Path) -> None:
    """Check that all processes of a `team` see the run folder that the leader has locked.

    **Raises:** `UsageError`, in every process, that names those that do not.
    """
    token = team.shared(lambda: _token(folder))
    missing = [rank for rank, seen in enumerate(team.gathered(_sees(folder, token))) if not seen]
    if missing:
        raise UsageError(
            f"{folder}: process {_listed(missing)} of {team.size} does not find there what process 0 writes. Choose an "
            "--out on a file system that all of them share, and give it to every process"
        )


def announced(team: AbstractTeam, begun: Mapping[str, Any]) -> dict[str, Any]:
    """What the leader says of a run, in every process.

    **Arguments:**

    - `team`: the processes.
    - `begun`: of the leader: the `results` of a run, if it is finished; else its `identity`, and what it was `earlier`.
    """
    return team.shared(lambda: dict(begun))


def _token(folder: Path) -> str:
    owner = read_owner(folder)
    return owner.token if owner is not None else ""


def _sees(folder: Path, token: str) -> bool:
    """Whether the lock of the leader is there, or appears soon: file systems over a network take their time."""
    until = time.monotonic() + VISIBLE_SECONDS
    while _token(folder) != token:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _refuse_differing(every: list[dict[str, str]], fix: str) -> None:
    leader = every[0]
    for rank, other in enumerate(every[1:], 1):
        names = [name for name in {**leader, **other} if leader.get(name) != other.get(name)]
        if names:
            differing = "; ".join(
                f"{name}: process 0 has {shown(leader.get(name, 'none'))}, process {rank} has "
                f"{shown(other.get(name, 'none'))}"
                for name in names[:MOST_NAMED]
            )
            raise UsageError(f"the processes do not make the same run: {differing}. To make one together, {fix}")


def _listed(ranks: list[int]) -> str:
    return ", ".join(map(str, ranks[:MOST_NAMED])) + (", …" if len(ranks) > MOST_NAMED else "")
