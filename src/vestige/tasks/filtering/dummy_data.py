"""The filtering tasks whose data are files, on noise of the same shape: to be timed, never learned."""

from collections.abc import Mapping

import jax
import numpy as np

from vestige.data import FrameSet, Recording
from vestige.data.hippocampus import Track
from vestige.data.mocap import Motion
from vestige.tasks.filtering.motion import MotionCapture, motion_capture
from vestige.tasks.filtering.places import PlaceCells, place_cells
from vestige.tasks.filtering.rolls import PianoRolls, piano_rolls
from vestige.tasks.filtering.text import Characters, characters
from vestige.typing import Key

WINDOWS = 8  # training windows that there are of it
CHANNELS: Mapping[Motion, int] = {"walking": 46, "exercises": 12}
LETTERS = "".join(map(chr, range(32, 97)))  # as many as Shakespeare has
UNITS: Mapping[Track, int] = {"linear-track": 27, "w-maze": 22}
MINUTES = 5


def music(length: int, *, key: Key) -> PianoRolls:
    """Every key as likely as not."""
    rolls = _frames(_generator(key).integers(0, 2, (WINDOWS * length, 88)).astype(np.uint8))
    return piano_rolls(rolls, rolls, length)


def motion(recording: Motion, nth: int, length: int, *, changes: bool, key: Key) -> MotionCapture:
    """Normal numbers, in the shape of `recording`; `nth`, `length` and `changes` as in `motion_capture`."""
    frames = _frames(_generator(key).normal(size=(WINDOWS * nth * length, CHANNELS[recording])).astype(np.float32))
    return motion_capture(frames, frames, nth=nth, changes=changes, length=length)


def text(length: int, *, key: Key) -> Characters:
    """Letters, all equally likely."""
    noise = "".join(_generator(key).choice(list(LETTERS), WINDOWS * length))
    return characters(noise, noise, alphabet=LETTERS, length=length)


def places(recording: Track, bin: float, length: int, *, key: Key) -> PlaceCells:
    """An animal that runs in circles, and as many cells as in `recording` that fire at random; `bin` and `length` as
    in `place_cells`.
    """
    draw = _generator(key)
    seconds = np.arange(0, 60 * MINUTES, 1 / 60)
    where = 200 + 100 * np.stack([np.cos(seconds), np.sin(seconds)], axis=1)
    units = UNITS[recording]
    spikes = np.sort(draw.uniform(0, 60 * MINUTES, 60 * MINUTES * units))
    made = Recording(spikes, draw.integers(0, units, len(spikes)), units, seconds, where)
    return place_cells(made, bin=bin, length=length)


def _generator(key: Key) -> np.random.Generator:
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def _frames(frames: np.ndarray) -> FrameSet:
    names = tuple(f"channel {j}" for j in range(frames.shape[1]))
    return FrameSet(frames, np.array([len(frames)], np.int32), names)
