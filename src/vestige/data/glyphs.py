"""Invented characters, drawn on demand."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vestige.data.images import ImageData, ImageSet, Split, known_split
from vestige.data.numbers import uniform
from vestige.data.strokes import TEMPLATE, VARIATION, render, templates, variations
from vestige.errors import RunError, UsageError

_SHA256 = "4ea8fd81debe9739cdadb05e0ea245a7b517c689f5e5d0b530694bc446ee7493"


@dataclass(frozen=True)
class Glyphs(ImageData):
    """32,460 invented characters of 28x28 pixels, 20 drawings of each of 1,623; never needs a network.

    It stands in for Omniglot (Lake, Salakhutdinov and Tenenbaum, 2015) where no files can be had, with
    the same counts and label ranges, but nothing in it was drawn by hand: figures for the two cannot
    be compared. A class is two to four curved strokes; its drawings are small distortions of them. Train
    has the labels from 0 on, test the `test_classes` labels after those, so no class is in both.

    Drawing i of class c is the same whatever the fields: it is made of numbers i of the Philox stream
    whose key is c, with arithmetic that gives the same bytes on every machine.
    """

    name: ClassVar[str] = "glyphs"
    side: ClassVar[int] = 28
    description: ClassVar[str] = "invented characters, 28x28, 964 + 659 classes, 19,280 + 13,180 images"
    licence: ClassVar[str] = "Apache-2.0 (made by Vestige)"
    size: ClassVar[str] = "0 MB (generated)"

    train_classes: int = 964
    test_classes: int = 659
    instances: int = 20

    def __post_init__(self):
        for field in ("train_classes", "test_classes", "instances"):
            if getattr(self, field) < 1:
                raise UsageError(f"Glyphs: `{field}` must be at least 1, got {getattr(self, field)}.")

    def load(self, split: Split) -> ImageSet:
        """The part named `split`, ordered by class, drawn anew. Raises UsageError for an unknown split."""
        known_split(split)
        if split == "train":
            return _draw(0, self.train_classes, self.instances)
        return _draw(self.train_classes, self.test_classes, self.instances)

    def missing(self) -> list[str]:
        """Nothing, ever."""
        return []

    def found(self) -> str:
        """Always "generated"."""
        return "generated"

    def get(self) -> list[str]:
        """There is nothing to fetch; the same as `check`."""
        return self.check()

    def check(self) -> list[str]:
        """Draw a sample and check its checksum. Raises RunError if it comes out otherwise here."""
        sample = _draw(0, 8, 4).images
        digest = hashlib.sha256(sample.tobytes()).hexdigest()
        if digest != _SHA256:
            raise RunError(
                f"glyphs: the SHA-256 of a sample drawn here is {digest}, expected {_SHA256}. Results with "
                "glyphs cannot be compared with those from elsewhere. Please report this, with the version "
                f"of numpy ({np.__version__})."
            )
        return [f"glyphs: {len(sample)} sample images drawn here are as expected."]

    def digests(self) -> dict[str, str]:
        """None: they are drawn by code, of the same bytes everywhere."""
        return {}


def _draw(first: int, classes: int, instances: int) -> ImageSet:
    labels = np.arange(first, first + classes, dtype=np.int32)
    numbers = np.stack([uniform(int(label), TEMPLATE + instances * VARIATION) for label in labels])
    strokes, count = (array.repeat(instances, axis=0) for array in templates(numbers[:, :TEMPLATE]))
    points, half = variations(strokes, count, numbers[:, TEMPLATE:].reshape(-1, VARIATION))
    return ImageSet(render(points, count, half), labels.repeat(instances))
