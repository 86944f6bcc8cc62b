"""Small tasks of every kind, and what a perfect memory would see in their sequences."""

import jax.numpy as jnp
import numpy as np

from vestige.tasks import (
    DynamicDependency,
    ImagePool,
    MapNavigation,
    ParityRecall,
    PerfectRecall,
    RandomTurns,
    Revolution,
    RoomRotation,
    SimilarityRecall,
)

SIDE = 4


def pool(seed, count=40, stochastic=False, side=SIDE):
    """Noise, labelled 0, 1, ..., 9, 0, ... so that every digit is there."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)
    return ImagePool(jnp.asarray(pixels), jnp.arange(count, dtype=jnp.int32) % 10, stochastic)


TRAIN, TEST = pool(0), pool(1)
INKED = pool(0, stochastic=True)

TASKS = {
    "perfect recall": lambda: PerfectRecall(TRAIN, TEST, l=6, k=4),
    "parity recall": lambda: ParityRecall(TRAIN, TEST, l=6, k=3),
    "dynamic dependency": lambda: DynamicDependency(TRAIN, TEST, l=12, k=4),
    "similarity recall": lambda: SimilarityRecall(TRAIN, TEST, l=8, k=4, pool_size=5),
    "navigation": lambda: MapNavigation(TRAIN, TEST, grid=3, frames=12),
    "room": lambda: RoomRotation(4, 20, turning=Revolution(15.0, 15.0)),
    "room, random turns": lambda: RoomRotation(4, 20, turning=RandomTurns()),
}
"""Made when asked for: making a parity task fits a classifier."""

COPYING = {
    **{name: TASKS[name] for name in ("perfect recall", "dynamic dependency", "similarity recall", "navigation")},
    "perfect recall, stochastic ink": lambda: PerfectRecall(INKED, TEST, l=6, k=4),
    "dynamic dependency, stochastic ink": lambda: DynamicDependency(INKED, TEST, l=12, k=4),
    "similarity recall, stochastic ink": lambda: SimilarityRecall(INKED, TEST, l=8, k=3),
    "similarity recall, few images": lambda: SimilarityRecall(INKED, TEST, l=8, k=4, pool_size=3),
    "navigation from anywhere": lambda: MapNavigation(INKED, TEST, grid=3, frames=12, random_start=True),
}
"""Whose predictable frames are exact copies."""


def first_copy(frames):
    """For each frame the earliest one that is the same bit for bit: its own number where it is new."""
    flat = np.asarray(frames).reshape(len(frames), -1)
    return np.array([np.flatnonzero((flat == frame).all(axis=1))[0] for frame in flat])
