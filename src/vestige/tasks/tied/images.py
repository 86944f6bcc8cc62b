"""Images with labels as bits and as grey levels, with the split that every run shares."""

import jax
import numpy as np

from vestige.data import image_data
from vestige.errors import UsageError
from vestige.typing import Key

Part = tuple[np.ndarray, np.ndarray]
"""Images, rows first, and their labels."""

SHUFFLED = {"digits": 1347}
"""Sets that are shuffled before they are split, with seed `SEED`, and how many images are then to train on (notes,
section 5.3)."""
SEED = 0
THRESHOLDED = frozenset({"digits"})  # too small for stochastic binarisation


def parts(source: str) -> tuple[Part, Part]:
    """Images 0..255 and labels to train on, and held out.

    The split is that of the data set, except for `SHUFFLED` sets. **Raises:** `UsageError` where files are missing.
    """
    train, test = (image_data(source).load(split) for split in ("train", "test"))
    if source not in SHUFFLED:
        return (train.images, train.labels), (test.images, test.labels)
    images, labels = np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels])
    order = np.random.default_rng(SEED).permutation(len(images))
    images, labels, first = images[order], labels[order], SHUFFLED[source]
    return (images[:first], labels[:first]), (images[first:], labels[first:])


def grey(source: str) -> tuple[Part, Part]:
    """The same in [0, 1], float32."""
    first, second = ((images.astype(np.float32) / 255, labels) for images, labels in parts(source))
    return first, second


def binary(source: str) -> tuple[Part, Part]:
    """The same in {0, 1}, float32, fixed once and for all.

    Small digits: ink from half intensity on. Other images: drawn once, with probability intensity / 255 and a seed of
    their own. For MNIST that is a fixed binarisation, but not the file that the literature uses, which is not among the
    data sets.
    """
    noise, found = np.random.default_rng(SEED), []
    for images, labels in parts(source):
        if source in THRESHOLDED:
            bits = images >= 128
        else:
            bits = noise.random(images.shape, np.float32) < images.astype(np.float32) / 255
        found.append((bits.astype(np.float32), labels))
    return found[0], found[1]


def binary_or_noise(source: str, *, key: Key) -> tuple[Part, Part]:
    """As `binary`, with noise of ten classes in place of files that are missing."""
    try:
        return binary(source)
    except UsageError:
        side = image_data(source).side
        bits = np.asarray(jax.random.bernoulli(key, 0.5, (2048, side, side)).astype(np.float32))
        noise = bits, np.arange(2048, dtype=np.int32) % 10
        return noise, noise
