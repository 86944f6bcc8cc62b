"""The folder of encoded tables stays below a size: those used longest ago go first."""

import contextlib
import os
import shutil
import time
from pathlib import Path

MOST_BYTES = 2**35
"""32 GiB of encoded tables, besides those in use."""
IN_USE = 24 * 3600
"""Seconds since its last use in which an entry is never removed: a process may be training on it."""


def used(marker: Path) -> None:
    """Note that an entry is used now.

    **Arguments:** `marker`: a file in it, whose time of change says when.
    """
    with contextlib.suppress(OSError):  # a folder that may only be read
        os.utime(marker)


def trim(folder: Path, marker: str, *, limit: int = MOST_BYTES, in_use: float = IN_USE) -> None:
    """Remove what was used longest ago from `folder`, where its entries have more than `limit` bytes together, and what
    processes left behind that ended while they wrote.

    **Arguments:**

    - `folder`: whose folders are entries.
    - `marker`: the file of an entry whose time says when it was used.
    - `limit`: bytes.
    - `in_use`: seconds since its last use in which nothing is removed.
    """
    now, found = time.time(), []
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            if not entry.is_dir(follow_symlinks=False):
                continue
            path = Path(entry.path)
            last = (path / marker).stat().st_mtime if (path / marker).is_file() else entry.stat().st_mtime
            if entry.name.endswith(".partial"):
                if now - last > in_use:
                    shutil.rmtree(path, ignore_errors=True)
            elif (path / marker).is_file():
                found.append((last, sum(file.stat().st_size for file in os.scandir(path)), path))
    total = sum(size for _, size, _ in found)
    for last, size, path in sorted(found):
        if total <= limit or now - last <= in_use:
            return
        shutil.rmtree(path, ignore_errors=True)
        total -= size
