"""A comparison of runs, read from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vestige.errors import UsageError, VestigeError
from vestige.report.files import RESULTS, inside, mapping, need_folder, read_results
from vestige.report.run import Run, read_run


@dataclass(frozen=True)
class Member:
    """One way of doing it: its summary over seeds, and its runs as far as they could be read."""

    name: str
    summary: Mapping[str, Any]
    paths: tuple[str, ...]
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What a comparison folder holds."""

    results: Mapping[str, Any]
    members: tuple[Member, ...]
    notes: tuple[str, ...] = field(default=())


def is_comparison(folder: Path) -> bool:
    """Whether the folder's results are those of a comparison."""
    return "members" in (read_results(folder) or {})


def read_comparison(folder: Path, *, runs: bool = True) -> Comparison:
    """Read the comparison in `folder`; runs that cannot be read become notes.

    **Arguments:**

    - `folder`: of the comparison.
    - `runs`: whether its runs are read too.

    **Raises:** `UsageError` where it is no such folder.
    """
    need_folder(folder)
    results = read_results(folder)
    if results is None:
        raise UsageError(f"'{folder}' is not a comparison folder: {RESULTS} is missing.")
    if not isinstance(results.get("members"), Mapping):
        raise UsageError(f"'{folder}' is not a comparison folder: {RESULTS} has no members.")
    members, notes = [], []
    for name, summary in mapping(results["members"]).items():
        summary = mapping(summary)
        listed = summary.get("runs")
        paths = tuple(str(path) for path in listed) if isinstance(listed, list) else ()
        within = tuple(path for path in paths if inside(path))
        notes += [f"'{path}' lies outside this folder and is left out." for path in paths if not inside(path)]
        read = []
        for path in within if runs else ():
            try:
                read.append(read_run(folder / path))
            except VestigeError as error:
                notes.append(f"{path}: {str(error).replace(f'{folder}/', '')}")
        members.append(Member(name, summary, within, tuple(read)))
        notes += [note for run in read for note in run.notes]
    return Comparison(results, tuple(members), tuple(dict.fromkeys(notes)))
