"""By what the data of a run are recognised again: files by their bytes, data sets by their content."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vestige import gate
from vestige.errors import UsageError

WHOLE_BYTES = 2**28
"""Files up to this size are digested whole, about a second's work; of larger ones `SAMPLES` pieces are."""
SAMPLES = 1024
PIECE_BYTES = 2**16


@dataclass(frozen=True)
class Identity:
    """The content of a file, or of a folder: what it is, wherever it lies."""

    size: int
    """Bytes."""
    sha256: str
    sampled: bool = False
    """Whether the digest is of `SAMPLES` evenly spaced pieces and the size, and not of every byte."""

    def __str__(self) -> str:
        return f"{self.size:,} bytes, SHA-256 {self.sha256[:12]}…{' of samples' if self.sampled else ''}"


@dataclass(frozen=True)
class UserFile:
    """A file or folder that the user named in an option of a task.

    **Arguments:**

    - `option`: the name of the task's field.
    - `path`: its value.
    - `parts`: of a folder, the files that are read; empty where all are.
    - `evaluated`: whether an evaluation reads it; False where it is only trained on.
    """

    option: str
    path: str
    parts: tuple[str, ...] = ()
    evaluated: bool = True


@dataclass(frozen=True)
class NamedData:
    """A data set by its registered name; `files` are the entries of its `digests` that are used, None for all."""

    name: str
    files: tuple[str, ...] | None = None


Source = UserFile | NamedData


def identify(path: Path, parts: tuple[str, ...] = ()) -> Identity:
    """The identity of the file at `path`, or of the files in that folder, of `parts` alone if given, with their names.

    A file of more than `WHOLE_BYTES` is sampled: a change of a stretch that is longer than a thousandth of the file is
    always noticed, a change of its size too, a shorter one only where a sample meets it.

    **Raises:** `UsageError` where there is no such file, or it cannot be read.
    """
    try:
        if not path.is_dir():
            return _of_file(path)
        names = sorted(parts) if parts else sorted(_files_below(path))
        each = {name: _of_file(path / name) for name in names}
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be read: {error.strerror or error}") from None
    digest = hashlib.sha256()
    for name, identity in each.items():
        digest.update(f"{name}\0{identity.size} {identity.sha256}\n".encode())
    sampled = any(identity.sampled for identity in each.values())
    return Identity(sum(identity.size for identity in each.values()), digest.hexdigest(), sampled)


def _files_below(folder: Path) -> Iterator[str]:
    for root, _, names in os.walk(folder):
        for name in names:
            yield Path(root, name).relative_to(folder).as_posix()


def _of_file(path: Path) -> Identity:
    with gate.open_regular(path, limit=None) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= WHOLE_BYTES:
            return Identity(size, hashlib.file_digest(file, "sha256").hexdigest())
        digest = hashlib.sha256(f"{size}\n".encode())
        for sample in range(SAMPLES):
            file.seek(sample * (size - PIECE_BYTES) // (SAMPLES - 1))
            digest.update(file.read(PIECE_BYTES))
        return Identity(size, digest.hexdigest(), sampled=True)
