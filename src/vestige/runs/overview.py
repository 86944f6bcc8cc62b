"""Every run, comparison, matrix and study below a folder: what it is, how far it is, and what it cost."""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from vestige.errors import UsageError
from vestige.runs.folder import CHECKPOINTS, CONFIG, LOG
from vestige.storage.config import read_config
from vestige.storage.durable import DamagedFile
from vestige.storage.locking import holder
from vestige.storage.log import read_log
from vestige.storage.results import JOURNAL, RESULTS, STUDY, read_results
from vestige.training.manifest import STEP

Kind = Literal["run", "comparison", "matrix", "study"]
State = Literal["running", "finished", "cut", "damaged"]
PASSED_OVER = (CHECKPOINTS, "tensorboard", "wandb", "export")
"""Folders that hold no runs."""
MOST_DEPTH = 12


@dataclasses.dataclass(frozen=True)
class Found:
    """One run, comparison, matrix or study."""

    path: Path
    kind: Kind
    state: State
    """running: a process holds its lock. finished: it has results. cut: it has none. damaged: a file cannot be read."""
    experiment: str = ""
    preset: str = ""
    seed: int | None = None
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """All options of a run, by dotted name; of a comparison what was varied, of a study what is searched."""
    updates: int = 0
    """That are done."""
    planned: int | None = None
    seconds: float = 0.0
    bytes: int = 0
    """On disk, of all files below it."""
    changed: float = 0.0
    """When results, log or configuration last changed, in seconds since 1970."""
    inside: Path | None = None
    """The comparison, matrix or study that it belongs to."""
    fault: str = ""
    """What cannot be read, where it is damaged."""


def overview(folder: Path) -> list[Found]:
    """Everything below `folder`, itself included, newest first; the runs of a comparison come after it.

    Nothing is written, and links to other folders are not followed.

    **Raises:** `UsageError` where there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give one that holds runs: vestige runs FOLDER")
    groups = list(_below(folder, None, 0))
    groups.sort(key=lambda group: (-max(each.changed for each in group), str(group[0].path)))
    return [each for group in groups for each in group]


def differing(found: list[Found]) -> dict[Path, dict[str, Any]]:
    """The options in which the runs of an experiment differ from each other, of those that all of them have.

    **Arguments:**

    - `found`: of `overview`.

    **Returns:** folder of each run -> dotted name -> value.
    """
    varied_of: dict[Path, dict[str, Any]] = {}
    for name in {each.experiment for each in found if each.kind == "run"}:
        runs = [each for each in found if each.kind == "run" and each.experiment == name and each.options]
        names = sorted(set.intersection(*(set(each.options) for each in runs))) if runs else []
        varied = [option for option in names if len({repr(each.options[option]) for each in runs}) > 1]
        for each in runs:
            varied_of[each.path] = {option: each.options[option] for option in varied}
    return varied_of


def is_run(folder: Path) -> bool:
    """Whether `folder` is that of a single run, whole or not."""
    return any(os.path.lexists(folder / name) for name in (CONFIG, CHECKPOINTS, LOG))


def _below(folder: Path, inside: Path | None, depth: int) -> Iterator[list[Found]]:
    """Groups: a run by itself, or a comparison or study and all that is in it."""
    if is_run(folder):
        yield [_run(folder, inside)]
        return
    try:
        children = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    children = [child for child in children if child.name not in PASSED_OVER and not child.name.startswith(".")]
    if depth >= MOST_DEPTH:
        return
    whole = _is_group(folder, children)
    groups = [group for child in children for group in _below(child, folder if whole else inside, depth + 1)]
    if whole:
        members = [each for group in groups for each in group]
        yield [_group(folder, members, inside), *members]
    else:
        yield from groups


def _is_group(folder: Path, children: list[Path]) -> bool:
    """Whether a folder is that of a comparison, a matrix or a study: by its results, or by what is in it:
    FOLDER/MEMBER/seed-0, or the journal of a study.
    """
    if _is_study(folder) or os.path.lexists(folder / RESULTS):
        return True
    return any(is_run(inner) for child in children for inner in child.glob("seed-*"))


def _is_study(folder: Path) -> bool:
    return any(os.path.lexists(folder / name) for name in (STUDY, JOURNAL))


def _run(folder: Path, inside: Path | None) -> Found:
    fault, config, results = "", {}, {}
    try:
        config = read_config(folder)
        if os.path.lexists(folder / RESULTS):
            results = read_results(folder / RESULTS)
    except (DamagedFile, UsageError) as error:
        fault = str(error)
    options = config.get("all_options")
    options = options if isinstance(options, dict) else {}
    step, seconds = _progress(folder, results)
    seed, planned = config.get("seed"), options.get("steps")
    return Found(
        folder,
        "run",
        _state(folder, fault, results),
        experiment=str(config.get("experiment", "")),
        preset=str(config.get("preset", "")),
        seed=seed if isinstance(seed, int) else None,
        options=options,
        updates=step,
        planned=planned if isinstance(planned, int) else None,
        seconds=seconds,
        bytes=size_of(folder),
        changed=max(_times(folder), default=folder.stat().st_mtime),
        inside=inside,
        fault=fault,
    )


def _group(folder: Path, members: list[Found], inside: Path | None) -> Found:
    fault, results = "", {}
    try:
        written = folder / (STUDY if _is_study(folder) else RESULTS)
        if os.path.lexists(written):
            results = read_results(written)
    except (DamagedFile, UsageError) as error:
        fault = str(error)
    runs = [each for each in members if each.kind == "run"]
    said = {"vary": results.get("vary"), "space": ", ".join(results.get("space") or ())}
    experiments = list(dict.fromkeys(each.experiment for each in runs if each.experiment))
    steps = [each.planned for each in runs]
    return Found(
        folder,
        _kind(folder, results, members),
        _state(folder, fault, results),
        experiment=str(results.get("experiment") or ", ".join(experiments)),
        preset=next((each.preset for each in runs), ""),
        options={name: value for name, value in said.items() if value},
        updates=sum(each.updates for each in runs),
        planned=sum(step for step in steps if step is not None) if steps and None not in steps else None,
        seconds=sum(each.seconds for each in runs),
        bytes=size_of(folder),
        changed=max([*_times(folder), *(each.changed for each in runs)], default=folder.stat().st_mtime),
        inside=inside,
        fault=fault,
    )


def _kind(folder: Path, results: Mapping[str, Any], members: list[Found]) -> Kind:
    if _is_study(folder):
        return "study"
    return "matrix" if "cells" in results or any(each.kind == "comparison" for each in members) else "comparison"


def _state(folder: Path, fault: str, results: Mapping[str, Any]) -> State:
    if holder(folder) is not None:
        return "running"
    if fault:
        return "damaged"
    return "finished" if results else "cut"


def _progress(folder: Path, results: Mapping[str, Any]) -> tuple[int, float]:
    """Updates that are done, and seconds that they took: by the results, else by the log and the checkpoints."""
    done, seconds = results.get("updates"), results.get("seconds")
    if isinstance(done, int):
        return done, float(seconds) if isinstance(seconds, int | float) else 0.0
    try:
        lines = [line.record for line in read_log(folder / LOG).lines]
    except (OSError, ValueError):
        lines = []
    steps = [line["step"] for line in lines]
    if (folder / CHECKPOINTS).is_dir():
        steps += [int(path.name) for path in (folder / CHECKPOINTS).iterdir() if STEP.fullmatch(path.name)]
    return max(steps, default=0), max((float(line["seconds"]) for line in lines), default=0.0)


def _times(folder: Path) -> list[float]:
    return [(folder / name).stat().st_mtime for name in (RESULTS, STUDY, LOG, CONFIG) if (folder / name).is_file()]


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files below a folder; links count as themselves."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size if os.path.lexists(path) else 0
    total = 0
    for entry in os.scandir(path):
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            total += size_of(Path(entry.path)) if is_folder else entry.stat(follow_symlinks=False).st_size
        except OSError:  # removed meanwhile
            continue
    return total
