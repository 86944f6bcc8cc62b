"""Folders that hold runs, and sizes in words."""

import os
from pathlib import Path

from vestige.errors import UsageError, nearest

USUAL = Path("runs")


def looked_through(given: Path) -> Path:
    """The folder that is meant: `given`, else runs/, else the present one.

    **Raises:** `UsageError` where there is no such folder, with the verb that was probably meant.
    """
    if given == Path():
        return USUAL if USUAL.is_dir() else Path()
    if not given.is_dir():
        hint = f" {nearest(str(given), ['prune'])}" if os.sep not in str(given) else ""
        raise UsageError(f"{given} is not a folder; give one that holds runs: vestige runs FOLDER.{hint}")
    return given


def sized(size: int) -> str:
    """Bytes in words, such as 3.4 MB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"
