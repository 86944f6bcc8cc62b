"""What takes room and is not needed any more: old checkpoints of finished runs."""

import datetime
import json
from pathlib import Path
from typing import Any, NamedTuple

from vestige import gate
from vestige.errors import UsageError, VestigeError
from vestige.runs.folder import CHECKPOINTS
from vestige.runs.overview import Found, overview, size_of
from vestige.storage.config import read_config
from vestige.storage.durable import write_text
from vestige.storage.locking import FolderLock, holder
from vestige.storage.results import RESULTS
from vestige.training.checkpoints import Checkpoints

PRUNED = "pruned.json"
"""In the folder of a run: which checkpoints were removed on purpose, and when."""


class Removal(NamedTuple):
    """A checkpoint that is to go."""

    run: Path
    step: int
    bytes: int

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.run / CHECKPOINTS / str(self.step)


class Plan(NamedTuple):
    """What would be removed."""

    removals: list[Removal]
    kept: list[str]
    """A sentence for each run of which nothing is removed though it has checkpoints, and why."""

    @property
    def bytes(self) -> int:
        """Of all removals together."""
        return sum(removal.bytes for removal in self.removals)


def plan(folder: Path, *, all_checkpoints: bool = False) -> Plan:
    """What can be removed below a folder. Nothing is written; checkpoints are verified to find the one that stays.

    Of a finished run the newest sound checkpoint stays: `evaluate`, `predict`, `sample`, `export` and a longer run need
    it. So does one whose weights another run, not finished yet, begins with. Runs that are locked, cut or damaged keep
    all.

    **Arguments:**

    - `folder`: that holds runs, or a run.
    - `all_checkpoints`: the newest one goes too.

    **Raises:** `UsageError` where there is no such folder.
    """
    found = overview(folder)
    locked = {each.path for each in found if each.state == "running"}
    begun = _begun_with(found)
    removals: list[Removal] = []
    kept: list[str] = []
    for each in found:
        if each.kind != "run" or not (each.path / CHECKPOINTS).is_dir():
            continue
        held = next((path for path in (each.path, *each.path.parents) if path in locked or holder(path)), None)
        if held is not None:
            kept.append(f"{each.path}: {held} is locked: {holder(held)}")
        elif each.state != "finished":
            kept.append(f"{each.path}: the run is {each.state}, and may need them to go on")
        else:
            some, why = _of_run(each.path, begun, all_checkpoints=all_checkpoints)
            removals += some
            kept += why
    return Plan(removals, kept)


def _begun_with(found: list[Found]) -> set[tuple[Path, int]]:
    """Folder and step of the checkpoints from which runs begin that are not finished."""
    origins = set()
    for each in found:
        if each.kind != "run" or each.state == "finished":
            continue
        try:
            origin: Any = read_config(each.path).get("init_from")
            origins.add((Path(origin["folder"]).resolve(), int(origin["step"])))
        except (VestigeError, KeyError, TypeError, ValueError):
            continue
    return origins


def _of_run(run: Path, begun: set[tuple[Path, int]], *, all_checkpoints: bool) -> tuple[list[Removal], list[str]]:
    store = Checkpoints(run / CHECKPOINTS, fingerprint="")
    removals: list[Removal] = []
    why: list[str] = []
    newest = True
    for step in store.steps():
        if (run.resolve(), step) in begun:
            why.append(f"{run}: another run begins with checkpoint {step}")
        elif fault := store.fault(step):
            why.append(f"{run}: checkpoint {step} {fault}; vestige verify --repair sets it aside")
        elif newest and not all_checkpoints:
            newest = False
        else:
            removals.append(Removal(run, step, size_of(run / CHECKPOINTS / str(step))))
    return removals, why


def carry_out(found: Plan) -> list[str]:
    """Remove what was planned, run by run, each under its lock, and note it in `pruned.json`.

    **Arguments:**

    - `found`: of `plan`.

    **Returns:** a sentence for each run that could not be locked meanwhile; nothing of it was removed.

    **Raises:** `RunError` where the note cannot be written.
    """
    said = []
    for run in dict.fromkeys(removal.run for removal in found.removals):
        steps = [removal.step for removal in found.removals if removal.run == run]
        try:
            with FolderLock(run):
                if not (run / RESULTS).is_file():
                    said.append(f"{run} has no {RESULTS} any more; nothing of it was removed")
                    continue
                store = Checkpoints(run / CHECKPOINTS, fingerprint="")
                _note(run, steps)
                for step in steps:
                    store.remove(step)
        except UsageError as error:
            said.append(str(error))
    return said


def _note(run: Path, steps: list[int]) -> None:
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    known = pruned(run) | dict.fromkeys(steps, today)
    text = {"checkpoints": {str(step): known[step] for step in sorted(known)}}
    write_text(run / PRUNED, json.dumps(text, indent=1) + "\n")


def pruned(run: Path) -> dict[int, str]:
    """The steps of the checkpoints of a `run` that were removed on purpose -> the day; empty where none can be read."""
    try:
        found = gate.read_json(run / PRUNED).get("checkpoints", {})
        return {int(step): str(day) for step, day in found.items()}
    except (gate.Unreadable, AttributeError, ValueError):
        return {}
