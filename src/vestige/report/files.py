"""Reading the files of a run folder, forgiving what a run still being written may leave; and writing a page."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from vestige import gate
from vestige.errors import RunError, UsageError, shown

if TYPE_CHECKING:
    import numpy as np

REPORT = "report.html"
CONFIG = "config.yaml"
METRICS = "metrics.jsonl"
RESULTS = "results.json"
ARRAYS = "evaluation.npz"
LOG_BYTES = 2**28


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
    """Write a file in one step: all of it, or the older one stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_text(text, encoding="utf-8", newline="\n")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"The report '{path}' could not be written: {error}") from error
    return path


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a mapping, with its keys as text; an empty one otherwise."""
    return {str(key): entry for key, entry in value.items()} if isinstance(value, Mapping) else {}


def read_results(folder: Path) -> dict[str, Any] | None:
    """`results.json`; None where there is none (yet), not even a link that leads nowhere."""
    return gate.read_json(folder / RESULTS) if os.path.lexists(folder / RESULTS) else None


def read_config(folder: Path) -> dict[str, Any]:
    """`config.yaml`, which every run folder has."""
    try:
        return gate.read_yaml(folder / CONFIG)
    except gate.Missing:
        raise UsageError(f"'{folder}' is not a run folder: {CONFIG} is missing.") from None


def read_lines(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of `metrics.jsonl`, and a note if one before the last could not be read."""
    try:
        raw = gate.read_bytes(folder / METRICS, limit=LOG_BYTES).decode("utf-8", errors="replace").split("\n")
    except gate.Missing:
        return [], []
    lines, unread = [], 0
    for place, text in enumerate(raw):
        if not text.strip():
            continue
        try:
            lines.append(gate.parse_json(text))
        except ValueError:
            unread += place < len(raw) - 1
    if not unread:
        return lines, []
    return lines, [f"{METRICS}: {unread} line{'s' if unread > 1 else ''} could not be read."]


def read_arrays(folder: Path) -> tuple[dict[str, "np.ndarray"], list[str]]:
    """The arrays of `evaluation.npz` (none if it is absent), and a note if some could not be read."""
    arrays: dict[str, np.ndarray] = {}
    notes = []
    try:
        with gate.open_npz(folder / ARRAYS) as stored:
            for name in stored.names:
                try:
                    arrays[name] = stored.read(name)
                except gate.Unreadable:
                    notes.append(f"{ARRAYS}: '{shown(name)}' could not be read.")
    except gate.Missing:
        return {}, []
    except gate.Unreadable:
        notes.append(f"{ARRAYS} could not be read.")
    return arrays, notes
