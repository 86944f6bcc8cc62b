"""The tasks whose data are files, on noise of the same shape: to be timed, never to be learned."""

from typing import Literal

import numpy as np

from vestige.data import FrameSet, Recording
from vestige.tasks import filtering

WINDOWS = 8  # training windows that there are of it
CHANNELS = {"walking": 46, "exercises": 12}
LETTERS = "".join(map(chr, range(32, 97)))  # as many as Shakespeare has
UNITS = {"linear-track": 27, "w-maze": 22}
MINUTES = 5


def music(time: int, *, seed: int) -> filtering.PianoRolls:
    """Every key as likely as not."""
    draw = np.random.default_rng(seed)
    rolls = _frames(draw.integers(0, 2, (WINDOWS * time, 88)).astype(np.uint8))
    return filtering.piano_rolls(rolls, rolls, time)


def motion(
    recording: Literal["walking", "exercises"], nth: int, time: int, *, changes: bool, seed: int
) -> filtering.MotionCapture:
    """Normal numbers."""
    draw = np.random.default_rng(seed)
    frames = _frames(draw.normal(size=(WINDOWS * nth * time, CHANNELS[recording])).astype(np.float32))
    return filtering.motion_capture(frames, frames, nth=nth, changes=changes, time=time)


def text(time: int, *, seed: int) -> filtering.Characters:
    """Letters, all equally likely."""
    noise = "".join(np.random.default_rng(seed).choice(list(LETTERS), WINDOWS * time))
    return filtering.characters(noise, noise, alphabet=LETTERS, time=time)


def places(recording: Literal["linear-track", "w-maze"], bin: float, time: int, *, seed: int) -> filtering.PlaceCells:
    """An animal that runs in circles, and cells that fire as they please."""
    draw = np.random.default_rng(seed)
    seconds = np.arange(0, 60 * MINUTES, 1 / 60)
    where = 200 + 100 * np.stack([np.cos(seconds), np.sin(seconds)], axis=1)
    units = UNITS[recording]
    spikes = np.sort(draw.uniform(0, 60 * MINUTES, 60 * MINUTES * units))
    made = Recording(spikes, draw.integers(0, units, len(spikes)), units, seconds, where)
    return filtering.place_cells(made, bin=bin, time=time)


def _frames(frames: np.ndarray) -> FrameSet:
    names = tuple(f"channel {j}" for j in range(frames.shape[1]))
    return FrameSet(frames, np.array([len(frames)], np.int32), names)
