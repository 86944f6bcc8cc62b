"""Writing files that are whole, or not there, also after a kill or a power failure."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from vestige import gate
from vestige.errors import RunError, UsageError

PARTIAL = ".partial"
"""How the name of a file ends that is being written."""
NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)
"""What file systems answer that cannot flush a folder; they keep names in their own way."""


class DamagedFile(UsageError):
    """A file of a run folder is not what was written into it (exit code 2).

    **Arguments:**

    - `path`: the file.
    - `fault`: what is wrong, to follow the file's name in a sentence.
    """

    def __init__(self, path: Path, fault: str):
        super().__init__(f"{path} {fault}")
        self.path, self.fault = path, fault

    @classmethod
    def of(cls, error: gate.Unreadable) -> "DamagedFile":
        """What the gate refused, of a file that was written by us."""
        return cls(Path(error.path), error.clause.removeprefix("it "))

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        return type(self), (self.path, self.fault)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file to be written in place of `path`: at the end of the block it takes that name, flushed to the disk.

    It has another name until then, so that a reader sees the old file or the new one. Where the block raises, the old
    one stays. A folder of that name is set aside.

    **Raises:** `RunError` where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir():
            set_aside(path)
        os.replace(partial, path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):  # the disk that was full, or the folder that is gone
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, all of it or nothing. **Raises:** `RunError` where that fails."""
    with writing(path) as file:
        file.write(text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk: a rename is lasting only after that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_SYNCED:
            raise
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flush all files below a folder, and its own names."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        elif path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def set_aside(path: Path, *, word: str = "damaged") -> Path:
    """Rename a file or folder to the first free of `NAME.damaged-1`, `NAME.damaged-2`, …

    **Arguments:**

    - `path`: what is there.
    - `word`: stands for "damaged" in the new name.

    **Returns:** the new path.
    """
    target = _free(path, word)
    os.rename(path, target)
    sync_folder(path.parent)
    return target


def copy_aside(path: Path) -> Path:
    """Copy a damaged file to the first free of `NAME.damaged-1`, …; what can be read of it is to replace it.

    **Returns:** the path of the copy.
    """
    target = _free(path, "damaged")
    with writing(target) as copy, gate.open_regular(path, limit=None) as file:
        shutil.copyfileobj(file, copy)
    return target


def _free(path: Path, word: str) -> Path:
    number = 1
    while os.path.lexists(target := path.with_name(f"{path.name}.{word}-{number}")):
        number += 1
    return target


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left half written in `folder`. For the one who holds the folder's lock."""
    for path in folder.glob(f".*{PARTIAL}"):
        if path.is_file() and not _being_written(path):
            path.unlink(missing_ok=True)


def _being_written(path: Path) -> bool:
    """Whether the process in the name of a partial file lives: a report may be written while the run goes on."""
    number = path.name.removesuffix(PARTIAL).rpartition(".")[2]
    if not number.isdecimal() or int(number) in (0, os.getpid()):
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
