"""Reading the files of a run folder, forgiving what a run still being written may leave; and writing a page."""

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from vestige.errors import RunError, UsageError

if TYPE_CHECKING:
    import numpy as np

REPORT = "report.html"
CONFIG = "config.yaml"
METRICS = "metrics.jsonl"
RESULTS = "results.json"
ARRAYS = "evaluation.npz"


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
    """`results.json`; None where there is none (yet)."""
    path = folder / RESULTS
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"'{path}' cannot be read: {error}") from error
    try:
        results = json.loads(text)
    except ValueError as error:
        raise UsageError(f"'{path}' is not valid JSON: {error}") from error
    if not isinstance(results, dict):
        raise UsageError(f"'{path}' does not hold an object of results.")
    return results


def read_config(folder: Path) -> dict[str, Any]:
    """`config.yaml`, which every run folder has."""
    import yaml

    path = folder / CONFIG
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"'{folder}' is not a run folder: {CONFIG} is missing.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"'{path}' cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise UsageError(f"'{path}' does not hold a configuration.")
    return mapping(config)


def read_lines(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines of `metrics.jsonl`, and a note if one before the last could not be read."""
    try:
        raw = (folder / METRICS).read_bytes().decode("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise UsageError(f"'{folder / METRICS}' cannot be read: {error}") from error
    lines, unread = [], 0
    for place, text in enumerate(raw):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if isinstance(line, dict):
            lines.append(line)
        elif place < len(raw) - 1:
            unread += 1
    if not unread:
        return lines, []
    return lines, [f"{METRICS}: {unread} line{'s' if unread > 1 else ''} could not be read."]


def read_arrays(folder: Path) -> tuple[dict[str, "np.ndarray"], list[str]]:
    """The arrays of `evaluation.npz` (none if it is absent), and a note if some could not be read."""
    import zipfile
    import zlib

    import numpy as np

    path = folder / ARRAYS
    if not path.is_file():
        return {}, []
    arrays: dict[str, np.ndarray] = {}
    notes = []
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            for name in stored.files:
                try:
                    arrays[name] = stored[name]
                except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
                    notes.append(f"{ARRAYS}: '{name}' could not be read.")
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile):
        notes.append(f"{ARRAYS} could not be read.")
    return arrays, notes
