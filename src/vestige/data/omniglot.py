"""The Omniglot characters at 28x28."""

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from vestige.data import places
from vestige.data.files import Damaged, download, refuse, staged, unwritable
from vestige.data.images import ImageData, ImageSet, Split, known_split
from vestige.data.npz import read_arrays
from vestige.data.omniglot_archive import read_archive, verify_archive
from vestige.errors import RunError, UsageError

_FILE = "omniglot_28x28.npz"


@dataclass(frozen=True)
class OmniglotPart:
    """One half of Omniglot and how its content is recognised.

    `prefix` begins its array names; `archive`, `md5` and `size` (bytes) are those of the original zip;
    the labels are `classes` numbers from `first` on, each `drawers` times; `sha256` is that of the
    images' bytes followed by the labels as little-endian int32.
    """

    prefix: str
    archive: str
    md5: str
    size: int
    first: int
    classes: int
    sha256: str
    drawers: int = 20


_PARTS = (
    OmniglotPart(
        prefix="background",
        archive="images_background.zip",
        md5="68d2efa1b9178cc56df9314c21c6e718",
        size=9_464_212,
        first=0,
        classes=964,
        sha256="b1bd44c47cb060fdee66ec685c95a4f6adbaaba32cbe7ce40047bc4d28175675",
    ),
    OmniglotPart(
        prefix="evaluation",
        archive="images_evaluation.zip",
        md5="6b91aef0f799c5bb55b94e3f2daec811",
        size=6_462_886,
        first=964,
        classes=659,
        sha256="c2856d0a677d6750668e9510cb4d2b50b1abdf94a741168957a21c474128636b",
    ),
)


@dataclass(frozen=True)
class Omniglot(ImageData):
    """32,460 handwritten characters of 28x28 pixels, 20 drawings of each of 1,623 characters.

    Train is the background set (30 alphabets, labels 0..963), test the evaluation set (20 other
    alphabets, labels 964..1622), so no class is in both. The file `omniglot_28x28.npz` is used if it is
    here; if not, it is made in the cache from the two original archives, which are taken from the
    same folders or downloaded from `mirrors` (folder URLs, tried in order). This is not the 28x28 split
    of Burda et al.; figures for the two cannot be compared.
    """

    name: ClassVar[str] = "omniglot"
    side: ClassVar[int] = 28
    description: ClassVar[str] = "handwritten characters, 28x28, 964 + 659 classes, 19,280 + 13,180 images"
    licence: ClassVar[str] = "MIT (Brenden Lake)"
    size: ClassVar[str] = "3.0 MB (made from 15.9 MB)"

    mirrors: tuple[str, ...] = ("https://raw.githubusercontent.com/brendenlake/omniglot/master/python/",)
    parts: tuple[OmniglotPart, OmniglotPart] = _PARTS

    def load(self, split: Split) -> ImageSet:
        """The part named `split`; makes the file if it is not here. Errors as in `ImageData`."""
        known_split(split)
        path = places.locate(self.name, _FILE) or self._make()
        return self._read(self.parts[0 if split == "train" else 1], path)

    def missing(self) -> list[str]:
        """The name of the file, if it is in neither folder."""
        return places.absent(self.name, [_FILE])

    def found(self) -> str:
        """The folder that holds the file, or "not here"."""
        return places.where(self.name, [_FILE])

    def get(self) -> list[str]:
        """Make the file from the archives if it is missing, then check it. Errors as in `ImageData`."""
        made = [f"omniglot: made {self._make()} from the original archives."] if self.missing() else []
        return made + self.check()

    def check(self) -> list[str]:
        """Check both parts of the file; one sentence for each. Raises UsageError."""
        path = places.locate(self.name, _FILE)
        if path is None:
            raise UsageError(f"omniglot: {_FILE} is not here. Run `vestige data get omniglot`.\n{self._by_hand()}")
        sentences = []
        for part in self.parts:
            count = len(self._read(part, path))
            sentences.append(
                f"omniglot: {path} has {count:,} {part.prefix} images of {part.classes} classes, checksum right."
            )
        return sentences

    def digests(self) -> dict[str, str]:
        """Those that images and classes of each part must have."""
        return {part.prefix: part.sha256 for part in self.parts}

    def _read(self, part: OmniglotPart, path: Path) -> ImageSet:
        try:
            return _checked(part, *read_arrays(path, f"{part.prefix}_images", f"{part.prefix}_class"))
        except Damaged as damage:
            refuse(self.name, path, damage)

    def _make(self) -> Path:
        """Write the file into the cache and return its path.

        Archives downloaded for it stay, whole and checked, until it is written, so that a second try
        need not fetch them again.
        """
        path = places.cache_folder(self.name) / _FILE
        arrays, downloaded = {}, []
        for part in self.parts:
            archive = places.locate(self.name, part.archive)
            if archive is None:
                archive = path.with_name(part.archive)
                download(archive, self.mirrors, lambda p, md5=part.md5: verify_archive(p, md5), self._by_hand())
                downloaded.append(archive)
            arrays |= {f"{part.prefix}_{key}": value for key, value in self._convert(part, archive).items()}
        try:
            with staged(path) as temporary, open(temporary, "xb") as file:
                np.savez_compressed(file, **arrays)
        except OSError as error:
            raise unwritable(path, error) from None
        for archive in downloaded:
            with contextlib.suppress(OSError):
                archive.unlink(missing_ok=True)
        return path

    def _convert(self, part: OmniglotPart, archive: Path) -> dict[str, np.ndarray]:
        try:
            verify_archive(archive, part.md5)
            arrays = read_archive(archive)
        except Damaged as damage:
            refuse(self.name, archive, damage)
        try:
            _checked(part, arrays["images"], arrays["class"])
        except Damaged as damage:
            raise RunError(
                f"omniglot: {archive} has the right MD5, but what was made of it is wrong: {damage}. "
                "Please report this, with the versions of numpy and Pillow."
            ) from None
        return arrays

    def _by_hand(self) -> str:
        sizes = {part.archive: part.size for part in self.parts}
        place = places.by_hand(self.name, sizes, self.mirrors[0])
        return f"{place}\n`vestige data get omniglot` then makes {_FILE}; that file alone will do as well."


def _checked(part: OmniglotPart, images: np.ndarray, classes: np.ndarray) -> ImageSet:
    """The arrays as an ImageSet, if they are those of `part`. Raises Damaged."""
    count = part.classes * part.drawers
    if images.shape != (count, 28, 28) or images.dtype != np.uint8:
        raise Damaged(f"its {part.prefix} images are {images.dtype} {images.shape}, expected uint8 ({count}, 28, 28)")
    if classes.shape != (count,) or classes.dtype.kind not in "iu":
        raise Damaged(f"its {part.prefix} classes are {classes.dtype} {classes.shape}, expected integers ({count},)")
    numbers, each = np.unique(classes, return_counts=True)
    expected = np.arange(part.first, part.first + part.classes)
    if not np.array_equal(numbers, expected) or (each != part.drawers).any():
        raise Damaged(
            f"its {part.prefix} classes go from {numbers[0]} to {numbers[-1]}, {each.min()} to {each.max()} "
            f"times each, expected {expected[0]} to {expected[-1]}, {part.drawers} times each"
        )
    labels = classes.astype(np.int32)
    digest = hashlib.sha256(images.tobytes())
    digest.update(labels.astype("<i4").tobytes())
    if digest.hexdigest() != part.sha256:
        raise Damaged(
            f"the SHA-256 of its {part.prefix} images and classes is {digest.hexdigest()}, expected {part.sha256}"
        )
    return ImageSet(images, labels)
