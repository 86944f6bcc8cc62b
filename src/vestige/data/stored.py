"""Data sets that are files of ours, recognised by their content, and cannot be downloaded from one address."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.data import places
from vestige.data.contract import Dataset
from vestige.data.files import Damaged, refuse
from vestige.data.npz import content_sha256, read_arrays
from vestige.errors import UsageError

TEXT_BYTES = 2**28


@dataclass(frozen=True)
class StoredFile:
    """A file and how its content is recognised, however it was compressed.

    `sha256` is [`content_sha256`][vestige.data.npz.content_sha256] of the named arrays of an npz file, or that of the
    decompressed bytes of a text where there are none; `size` is that of the compressed file, in bytes.
    """

    name: str
    size: int
    sha256: str
    arrays: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoredData(Dataset):
    """A data set of files that are put in place by hand; `source` says from where and in what form."""

    @property
    @abstractmethod
    def files(self) -> tuple[StoredFile, ...]:
        """What belongs to it."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Whence the content is, and how the files hold it."""

    def missing(self) -> list[str]:
        return places.absent(self.name, (file.name for file in self.files))

    def found(self) -> str:
        return places.where(self.name, (file.name for file in self.files))

    def get(self) -> list[str]:
        """Nothing is fetched: the files are said to be right, or how to put them in place. Raises UsageError."""
        return self.check()

    def digests(self) -> dict[str, str]:
        """Those that the content of each file must have."""
        return {file.name: file.sha256 for file in self.files}

    def check(self) -> list[str]:
        sentences = []
        for file in self.files:
            path = self.path(file)
            self._verified(file, path)
            sentences.append(f"{self.name}: {path} is complete, checksum of its content right.")
        return sentences

    def path(self, file: StoredFile) -> Path:
        """**Returns:** where `file` is. **Raises:** `UsageError`, with where to put it, if it is in neither folder."""
        path = places.locate(self.name, file.name)
        if path is None:
            sizes = {f.name: f.size for f in self.files if places.locate(self.name, f.name) is None}
            raise UsageError(
                f"{self.name}: {file.name} is not here, and there is no one place to fetch it from.\n"
                f"{places.by_hand(self.name, sizes, self.source)}"
            )
        return path

    def arrays(self, file: StoredFile) -> dict[str, np.ndarray]:
        """**Returns:** the arrays of the npz file `file` by name, checked. **Raises:** `UsageError` if it is missing or
        damaged."""
        found = self._verified(file, self.path(file))
        assert isinstance(found, dict)
        return found

    def text(self, file: StoredFile) -> str:
        """**Returns:** the text of the gzipped file `file`, checked. **Raises:** `UsageError` if it is missing or
        damaged."""
        found = self._verified(file, self.path(file))
        assert isinstance(found, bytes)
        return found.decode("utf-8")

    def _verified(self, file: StoredFile, path: Path) -> dict[str, np.ndarray] | bytes:
        try:
            if file.arrays:
                content = dict(zip(file.arrays, read_arrays(path, *file.arrays), strict=True))
                digest = content_sha256(content)
            else:
                content = gate.read_gzip(path, limit=TEXT_BYTES)
                digest = hashlib.sha256(content).hexdigest()
            if digest != file.sha256:
                raise Damaged(f"the SHA-256 of its content is {digest}, expected {file.sha256}")
            return content
        except (Damaged, gate.Unreadable) as damage:
            refuse(self.name, path, damage)
