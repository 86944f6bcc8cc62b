"""Recordings that need no game: a colour for the pillar, a colour for what is picked up."""

import numpy as np

from vestige.tasks.twocolors import Recorded

ROWS = (8, 8, 3)


def invented(episodes, *, seed=0, horizon=12):
    """The first frame is black or red, the pillar; the others are black, green or blue, what is picked up by whoever
    does not take action 0: green is worth 1 where the pillar was black and -1 where it was red, blue the opposite."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(horizon // 2, horizon, episodes, endpoint=True)
    begins = np.cumsum(lengths) - lengths
    steps = int(lengths.sum())
    first = np.isin(np.arange(steps), begins)
    pillar = np.repeat(np.arange(episodes) % 2, lengths)
    orb = np.where(first, 0, rng.integers(0, 3, steps))
    actions = rng.integers(0, 4, steps)
    frames = np.zeros((steps, *ROWS), np.uint8)
    frames[..., 0] = np.where(first, 255 * pillar, 0)[:, None, None]
    for kind in (1, 2):
        frames[..., kind] = np.where(orb == kind, 255, 0)[:, None, None]
    rewards = np.where((orb > 0) & (actions != 0), np.where(orb - 1 == pillar, 1.0, -1.0), 0.0)
    cut = (begins.astype(np.int32), lengths.astype(np.int32))
    return Recorded(frames, actions.astype(np.int32), rewards.astype(np.float32), *cut, horizon, 4)
