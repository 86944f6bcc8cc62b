"""A data set: crosses and rings of 8x8 pixels, generated."""

import dataclasses
from typing import ClassVar

import numpy as np

import vestige
from vestige.data import ImageData, ImageSet


@dataclasses.dataclass(frozen=True)
class Crosses(ImageData):
    """200 noisy crosses (label 0) and rings (label 1) to train on, 100 held out."""

    name: ClassVar[str] = "crosses"
    side: ClassVar[int] = 8
    description: ClassVar[str] = "crosses and rings, 8x8, 2 classes, 200 + 100 images"
    licence: ClassVar[str] = "none"
    size: ClassVar[str] = "0 MB (generated)"

    def load(self, split):
        draw = np.random.default_rng({"train": 0, "test": 1}[split])
        labels = np.arange({"train": 200, "test": 100}[split], dtype=np.int32) % 2
        place = np.arange(8) - 3.5
        ring = np.abs(np.hypot(place[:, None], place[None]) - 3) < 0.8
        cross = (np.abs(place)[:, None] < 1) | (np.abs(place)[None] < 1)
        images = np.where(labels[:, None, None] == 1, ring, cross) ^ (draw.random((len(labels), 8, 8)) < 0.05)
        return ImageSet(255 * images.astype(np.uint8), labels)

    def missing(self):
        return []

    def found(self):
        return "generated"

    def get(self):
        return self.check()

    def check(self):
        return ["crosses: 200 + 100 images are generated."]


vestige.register("dataset", "crosses", Crosses)
