"""The small digits that come with scikit-learn."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from vestige.data.images import ImageData, ImageSet, Split, known_split
from vestige.errors import RunError
from vestige.gate import read_gzip

_TOTAL, _TRAIN = 1797, 1415


@dataclass(frozen=True)
class Digits(ImageData):
    """1,797 handwritten digits of 8x8 pixels from scikit-learn's own files; never needs a network.

    The stored intensities 0..16 are rescaled to round(v * 255 / 16). Train is the first 1,415 images,
    test the last 382. The rows are not shuffled: the labels repeat like a form of at most 130 digits
    filled in 14 times, and the cut is between the 11th and the 12th. So held-out writers never appear
    in training, if one form is taken as one writer, which the file does not record; test is harder than
    after a shuffle.
    """

    name: ClassVar[str] = "digits"
    side: ClassVar[int] = 8
    description: ClassVar[str] = "handwritten digits, 8x8, 10 classes, 1,415 + 382 images"
    licence: ClassVar[str] = "CC BY 4.0 (UCI, Alpaydin and Kaynak)"
    size: ClassVar[str] = "0 MB (part of scikit-learn)"

    def load(self, split: Split) -> ImageSet:
        """The part named `split`. Raises UsageError for an unknown split."""
        known_split(split)
        images, labels = _stored()
        rows = slice(None, _TRAIN) if split == "train" else slice(_TRAIN, None)
        return ImageSet(images[rows], labels[rows])

    def missing(self) -> list[str]:
        """Nothing, ever."""
        return []

    def found(self) -> str:
        """Always scikit-learn."""
        return "in scikit-learn"

    def get(self) -> list[str]:
        """There is nothing to fetch; the same as `check`."""
        return self.check()

    def check(self) -> list[str]:
        """Check counts, shape and ranges. Raises RunError if scikit-learn's file has changed."""
        _stored()
        return [f"digits: {_TOTAL:,} images of 8x8 in scikit-learn are as expected."]


def _stored() -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = _read()
    if pixels.shape != (_TOTAL, 64) or labels.shape != (_TOTAL,):
        raise RunError(
            f"digits: scikit-learn gave arrays of shape {pixels.shape} and {labels.shape}, expected "
            f"({_TOTAL}, 64) and ({_TOTAL},). Reinstall scikit-learn."
        )
    if pixels.min() < 0 or pixels.max() > 16 or labels.min() < 0 or labels.max() > 9:
        raise RunError(
            f"digits: scikit-learn gave intensities {pixels.min()}..{pixels.max()} and labels "
            f"{labels.min()}..{labels.max()}, expected 0..16 and 0..9. Reinstall scikit-learn."
        )
    images = np.rint(pixels * 255 / 16).astype(np.uint8).reshape(-1, 8, 8)
    return images, labels.astype(np.int32)


def _read() -> tuple[np.ndarray, np.ndarray]:
    """What `sklearn.datasets.load_digits` returns. Its file is read where it lies, because importing scikit-learn takes
    a second; where it lies elsewhere, scikit-learn reads it."""
    package = importlib.util.find_spec("sklearn")
    folders = (package and package.submodule_search_locations) or ()
    for folder in folders:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            lines = read_gzip(path, limit=2**24).decode("ascii").splitlines()
            table = np.asarray([line.split(",") for line in lines], dtype=float)
            return table[:, :-1], table[:, -1].astype(int)
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return np.asarray(pixels), np.asarray(labels)
