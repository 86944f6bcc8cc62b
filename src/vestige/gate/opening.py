"""Opening a regular file of bounded size, and nothing else."""

import os
import stat
from io import BufferedReader
from pathlib import Path

from vestige.errors import UsageError

_FLAGS = os.O_RDONLY
for _name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
    _FLAGS |= getattr(os, _name, 0)

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class Unreadable(UsageError):
    """A file cannot be read, or its content is not what it should be.

    **Arguments:**

    - `path`: the file.
    - `clause`: what is wrong, a clause about "it".
    """

    def __init__(self, path: str | Path, clause: str):
        super().__init__(f"{path}: {clause}")
        self.path, self.clause = path, clause

    def __reduce__(self) -> tuple[type, tuple[str | Path, str]]:
        return type(self), (self.path, self.clause)


class Missing(Unreadable):
    """There is no file of that name."""


def open_regular(path: str | Path, *, limit: int | None) -> BufferedReader:
    """Open a regular file for reading; its descriptor is checked, so that no other file can take its place meanwhile.

    Never waits: a pipe that nobody writes to is refused like any other.

    **Arguments:**

    - `path`: the file, or a symbolic link to one.
    - `limit`: how many bytes it may have; None for a file that is read piece by piece.

    **Returns:** the open file, in binary; the caller closes it.

    **Raises:** `Missing` where there is none; `Unreadable` where it is no regular file, is too large, or may not be
    read.
    """
    try:
        _check_kind(path, os.stat(path))  # before it is opened: to open a device may do something
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise Missing(path, _absent(path)) from None
    except OSError as error:
        raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None
    except ValueError:
        raise Unreadable(path, "a name of a file cannot hold a NUL character") from None
    try:
        found = os.fstat(descriptor)
        _check_kind(path, found)
        if limit is not None and found.st_size > limit:
            raise Unreadable(path, f"it has {found.st_size:,} bytes, and at most {limit:,} are read of such a file")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def require_regular(path: str | Path, *, limit: int | None = None) -> Path:
    """Check a file that another library opens.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes it may have; None for any number.

    **Returns:** the path.

    **Raises:** as `open_regular`.
    """
    open_regular(path, limit=limit).close()
    return Path(path)


def read_bytes(path: str | Path, *, limit: int) -> bytes:
    """All of a file.

    **Arguments:**

    - `path`: the file.
    - `limit`: how many bytes it may have; no more are read, whatever size it claims.

    **Returns:** its content.

    **Raises:** as `open_regular`.
    """
    with open_regular(path, limit=limit) as file:
        try:
            data = file.read(limit + 1) or b""
        except OSError as error:
            raise Unreadable(path, f"it cannot be read ({error.strerror or error})") from None
    if len(data) > limit:
        raise Unreadable(path, f"it has more than the {limit:,} bytes that are read of such a file")
    return data


def _check_kind(path: str | Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        raise Unreadable(path, f"it is {kind}, and a regular file is needed")


def _absent(path: str | Path) -> str:
    try:
        return f"it is a symbolic link to {os.readlink(path)}, where there is no file"
    except (OSError, ValueError):
        return "there is no such file"
