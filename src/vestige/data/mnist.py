"""The MNIST digits."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from vestige.data import places
from vestige.data.files import Damaged, download, refuse
from vestige.data.idx import read_idx
from vestige.data.images import ImageData, ImageSet, Split, known_split
from vestige.errors import UsageError


@dataclass(frozen=True)
class IdxFile:
    """One gzipped idx file: name, array shape, SHA-256 of the decompressed bytes, gzipped bytes."""

    name: str
    shape: tuple[int, ...]
    sha256: str
    size: int


_FILES = (
    IdxFile(
        "train-images-idx3-ubyte.gz",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        9_912_422,
    ),
    IdxFile(
        "train-labels-idx1-ubyte.gz",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        28_881,
    ),
    IdxFile(
        "t10k-images-idx3-ubyte.gz",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        1_648_877,
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte.gz",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        4_542,
    ),
)


@dataclass(frozen=True)
class MNIST(ImageData):
    """70,000 handwritten digits of 28x28 pixels, in four gzipped idx files.

    `mirrors` are folder URLs, tried in order; `files` are the training images and labels, then the
    test images and labels. Copies that were compressed anew are accepted: only the decompressed bytes
    count.
    """

    name: ClassVar[str] = "mnist"
    side: ClassVar[int] = 28
    description: ClassVar[str] = "handwritten digits, 28x28, 10 classes, 60,000 + 10,000 images"
    licence: ClassVar[str] = "CC BY-SA 3.0 as usually cited (LeCun and Cortes)"
    size: ClassVar[str] = "11.6 MB"

    mirrors: tuple[str, ...] = (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    )
    files: tuple[IdxFile, IdxFile, IdxFile, IdxFile] = _FILES

    def load(self, split: Split) -> ImageSet:
        """The part named `split`; downloads its two files if they are not here. Errors as in `ImageData`."""
        known_split(split)
        pair = self.files[:2] if split == "train" else self.files[2:]
        images, labels = (self._read(file, self._locate(file) or self._fetch(file)) for file in pair)
        return ImageSet(images, labels.astype(np.int32))

    def missing(self) -> list[str]:
        """Names of the idx files that are in neither folder."""
        return places.absent(self.name, (file.name for file in self.files))

    def found(self) -> str:
        """The folder or folders that hold the four files, or "not here"."""
        return places.where(self.name, (file.name for file in self.files))

    def get(self) -> list[str]:
        """Download what is missing, then check all four files. Errors as in `ImageData`."""
        fetched = [self._fetch(file) for file in self.files if self._locate(file) is None]
        return [f"mnist: downloaded {path.name} to {path.parent}." for path in fetched] + self.check()

    def check(self) -> list[str]:
        """Check the four files; one sentence for each. Raises UsageError."""
        sentences = []
        for file in self.files:
            path = self._locate(file)
            if path is None:
                raise UsageError(f"mnist: {file.name} is not here. Run `vestige data get mnist`.\n{self._by_hand()}")
            self._read(file, path)
            sentences.append(f"mnist: {path} is complete, shape {file.shape}, checksum right.")
        return sentences

    def digests(self) -> dict[str, str]:
        """Those that the decompressed bytes of each file must have."""
        return {file.name: file.sha256 for file in self.files}

    def _locate(self, file: IdxFile) -> Path | None:
        return places.locate(self.name, file.name)

    def _read(self, file: IdxFile, path: Path) -> np.ndarray:
        try:
            return _read_checked(file, path)
        except Damaged as damage:
            refuse(self.name, path, damage)

    def _fetch(self, file: IdxFile) -> Path:
        path = places.cache_folder(self.name) / file.name
        download(path, self.mirrors, lambda part: _read_checked(file, part), self._by_hand())
        return path

    def _by_hand(self) -> str:
        sizes = {file.name: file.size for file in self.files if self._locate(file) is None}
        return places.by_hand(self.name, sizes, self.mirrors[0])


def _read_checked(file: IdxFile, path: Path) -> np.ndarray:
    array = read_idx(path, file.shape, file.sha256)
    if array.ndim == 1 and array.max() > 9:
        raise Damaged(f"its labels go up to {array.max()}, expected 0..9")
    return array
