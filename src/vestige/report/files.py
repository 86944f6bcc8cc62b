"""Reading the files of a run folder, forgiving what a run still being written may leave; and writing a page."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from vestige import gate
from vestige.errors import UsageError, shown
from vestige.storage.config import CONFIG as CONFIG
from vestige.storage.config import read_config as checked_config
from vestige.storage.digests import digest_of_file
from vestige.storage.durable import write_text
from vestige.storage.log import digest_of_log, read_log
from vestige.storage.results import RESULTS as RESULTS
from vestige.storage.results import read_results as checked_results

if TYPE_CHECKING:
    import numpy as np

REPORT = "report.html"
METRICS = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
ARRAYS = "evaluation.npz"
SO_FAR = "evaluation-so-far.npz"
"""The arrays of a run that is still going."""


RENAMED = {
    "foretold": "predicted",
    "filter_foretold": "filter_predicted",
    "filter_imagined": "filter_generated",
    "filter_imagined_state": "filter_generated_state",
}
"""Arrays of version 0.1 that were called otherwise."""


def need_folder(folder: Path) -> Path:
    """`folder` itself, if it is one."""
    if not folder.is_dir():
        raise UsageError(f"'{folder}' is not a folder, so there is no run in it to report on.")
    return folder


def inside(path: str) -> bool:
    """Whether a path that a file names leads into the folder of that file."""
    parts = PurePosixPath(path)
    return bool(parts.parts) and not parts.is_absolute() and ".." not in parts.parts


def replace_text(path: Path, text: str) -> Path:
    """Write `text` to `path`: all of it, or the older one stays. **Raises:** `RunError` where that fails."""
    write_text(path, text)
    return path


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a mapping, with its keys as text; an empty one otherwise."""
    return {str(key): entry for key, entry in value.items()} if isinstance(value, Mapping) else {}


def read_results(folder: Path) -> dict[str, Any] | None:
    """`results.json`; None where there is none (yet), not even a link that leads nowhere.

    **Raises:** `UsageError` where it is damaged.
    """
    return checked_results(folder / RESULTS) if os.path.lexists(folder / RESULTS) else None


def read_config(folder: Path) -> dict[str, Any]:
    """`config.yaml`, which every run folder has. **Raises:** `UsageError` where it is missing or damaged."""
    return checked_config(folder)


def read_lines(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of `metrics.jsonl`, and a note if one before the last could not be read."""
    log = read_log(folder / METRICS)
    lines = [line.record for line in log.lines]
    unread = len(log.damaged)
    return lines, [f"{METRICS}: {unread} line{'s' if unread > 1 else ''} could not be read."] if unread else []


def unlike_checkpoint(folder: Path) -> list[str]:
    """A note where the log in the `folder` of a running run is not that of its newest checkpoint."""
    from vestige.training.manifest import newest_log

    sealed = newest_log(folder / CHECKPOINTS)
    if sealed is None:
        return []
    step, digest = sealed
    log = read_log(folder / METRICS)
    return [] if digest_of_log(log.until(step)) == digest else [f"{METRICS} is not the log of checkpoint {step}."]


def unlike_results(folder: Path, results: Mapping[str, Any] | None) -> list[str]:
    """A note for each file in `folder` that is not the one of these `results`, by the digests that they hold."""
    notes = []
    for name, expected in mapping(mapping(results).get("files")).items():
        path = folder / name
        if not inside(name):
            notes.append(f"'{name}' lies outside this folder and is left out.")
        elif not path.is_file():
            notes.append(f"{name} is missing, or no file.")
        elif digest_of_file(path) != expected:
            notes.append(f"{name} is not the file of these results: it changed since they were written.")
    return notes


def read_arrays(folder: Path, name: str = ARRAYS) -> tuple[dict[str, "np.ndarray"], list[str]]:
    """The arrays of a run.

    **Arguments:**

    - `folder`: of the run.
    - `name`: of the file in it.

    **Returns:** the arrays, none where the file is missing, and notes of what could not be read.
    """
    arrays: dict[str, np.ndarray] = {}
    notes = []
    try:
        with gate.open_npz(folder / name) as stored:
            for array in stored.names:
                try:
                    arrays[RENAMED.get(array, array)] = stored.read(array)
                except gate.Unreadable:
                    notes.append(f"{name}: '{shown(array)}' could not be read.")
    except gate.Missing:
        return {}, []
    except gate.Unreadable:
        notes.append(f"{name} could not be read.")
    return arrays, notes
