"""Digits as bits and as grey levels, with the split that every run shares."""

from typing import Literal

import jax
import numpy as np

from vestige.data import DATASETS
from vestige.errors import UsageError
from vestige.typing import Key

Part = tuple[np.ndarray, np.ndarray]
"""Images, rows first, and their labels."""

TRAIN = 1347  # of the 1797 small digits, after a shuffle with this seed
SEED = 0


def parts(source: Literal["digits", "mnist"]) -> tuple[Part, Part]:
    """Images 0..255 and labels to train on, and held out.

    The small digits are shuffled first, with a seed of their own: 1347 and 450 of them (notes, section 5.3).
    """
    train, test = (DATASETS[source].load(split) for split in ("train", "test"))
    if source == "mnist":
        return (train.images, train.labels), (test.images, test.labels)
    images, labels = np.concatenate([train.images, test.images]), np.concatenate([train.labels, test.labels])
    order = np.random.default_rng(SEED).permutation(len(images))
    images, labels = images[order], labels[order]
    return (images[:TRAIN], labels[:TRAIN]), (images[TRAIN:], labels[TRAIN:])


def binary(source: Literal["digits", "mnist"]) -> tuple[Part, Part]:
    """The same in {0, 1}, float32, fixed once and for all.

    Small digits: ink from half intensity on. MNIST: drawn once, with probability intensity / 255 and a seed of its own.
    That is a fixed binarisation, but not the file that the literature uses, which is not among the data sets.
    """
    first, second = parts(source)
    if source == "digits":
        return tuple(((images >= 128).astype(np.float32), labels) for images, labels in (first, second))  # pyright: ignore[reportReturnType]
    noise = np.random.default_rng(SEED)
    found = []
    for images, labels in (first, second):
        chance = noise.random(images.shape, np.float32)
        found.append(((chance < images.astype(np.float32) / 255).astype(np.float32), labels))
    return found[0], found[1]


def binary_or_noise(source: Literal["digits", "mnist"], side: int, *, key: Key) -> tuple[Part, Part]:
    """As `binary`, with noise of ten classes in place of files that are missing."""
    try:
        return binary(source)
    except UsageError:
        bits = np.asarray(jax.random.bernoulli(key, 0.5, (2048, side, side)).astype(np.float32))
        noise = bits, np.arange(2048, dtype=np.int32) % 10
        return noise, noise
