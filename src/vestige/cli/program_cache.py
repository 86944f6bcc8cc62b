"""The folder of compiled programs: whose it is, and how large it may grow."""

import contextlib
import os
import stat
from pathlib import Path

from vestige.errors import UsageError, shown

SIZE_VARIABLE = "VESTIGE_COMPILATION_CACHE_BYTES"
DEFAULT_BYTES = 2**31
ENDINGS = ("-cache", "-atime")
"""Of the files that JAX writes; no other is ever removed."""


def distrusted(folder: Path) -> str:
    """Why programs in a `folder` must not be run, a clause about "it"; empty where they may.

    A compiled program is machine code: who can write it can do all that its user can.
    """
    if not hasattr(os, "geteuid"):
        return ""
    found = folder.stat()
    if found.st_uid != os.geteuid():
        return f"belongs to another user (number {found.st_uid})"
    if found.st_mode & stat.S_IWOTH:
        return "may be written by everybody"
    return ""


def largest() -> int:
    """How many bytes the folder may have: `$VESTIGE_COMPILATION_CACHE_BYTES`, by default 2 GiB.

    **Raises:** `UsageError` where the variable holds no number.
    """
    given = os.environ.get(SIZE_VARIABLE, "")
    if not given:
        return DEFAULT_BYTES
    if not (given.isascii() and given.isdigit() and len(given) < 20):
        raise UsageError(f"{SIZE_VARIABLE} must be a number of bytes, such as {DEFAULT_BYTES}, got '{shown(given)}'")
    return int(given)


def kept_programs(folder: Path) -> list[tuple[float, int, str]]:
    """Of each file of compiled programs in `folder` when it was used last, its bytes, and its path."""
    found = []
    if not folder.is_dir():
        return found
    for entry in os.scandir(folder):
        with contextlib.suppress(OSError):
            if entry.name.endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
                about = entry.stat(follow_symlinks=False)
                found.append((max(about.st_atime, about.st_mtime), about.st_size, entry.path))
    return found


def trim(folder: Path, limit: int) -> None:
    """Remove the programs used longest ago from `folder`, where it has more than `limit` bytes, down to three quarters.

    Another process that misses one compiles it again.
    """
    found = kept_programs(folder)
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, path in sorted(found):
        if total <= limit * 3 // 4:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size
