"""What a set of images is, and what every image data set can do."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from vestige.data.contract import Dataset
from vestige.data.npz import content_sha256
from vestige.errors import UsageError, nearest

Split = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Grey images with one label each; the arrays may be read-only, so copy before writing to them.

    `images` is uint8 (n, height, width) with 0 = background and 255 = ink; `labels` is int32 (n,),
    at least 0; n is at least 1. Raises UsageError if the arrays are anything else.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 3 or images.size == 0:
            raise UsageError(
                "ImageSet: `images` must be uint8 of shape (n, height, width) with nothing empty, "
                f"got {images.dtype} {images.shape}."
            )
        if labels.dtype != np.int32 or labels.shape != images.shape[:1]:
            raise UsageError(
                f"ImageSet: `labels` must be int32 of shape ({len(images)},), one for each image, "
                f"got {labels.dtype} {labels.shape}."
            )
        if labels.min() < 0:
            raise UsageError(f"ImageSet: `labels` must not be negative, got {labels.min()}.")

    def __len__(self) -> int:
        return len(self.labels)


class ImageData(Dataset):
    """A named set of square images with a training and a test part."""

    side: ClassVar[int]
    """Pixels of an image in each direction."""

    @abstractmethod
    def load(self, split: Split) -> ImageSet:
        """**Returns:** the part named `split`, fetched first if it is not here.

        Raises UsageError if `split` is unknown, if a file is damaged, or if one is missing and cannot
        be downloaded; RunError if a download cannot be written to the cache.
        """

    def digests(self) -> Mapping[str, str]:
        """Of images and labels of each part, which are loaded for it."""
        parts = {split: self.load(split) for split in get_args(Split)}
        return {split: content_sha256({"images": part.images, "labels": part.labels}) for split, part in parts.items()}


def known_split(split: str) -> None:
    """Raise UsageError unless `split` is one of the names in `Split`."""
    if split not in get_args(Split):
        raise UsageError(f"There is no split '{split}'. {nearest(str(split), get_args(Split))}")
