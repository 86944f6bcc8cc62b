"""The tasks whose data are files."""

from pathlib import Path
from typing import Literal

import jax
import numpy as np

from vestige.data import FrameSet, Hippocampus, Mocap, Music, Recorded, TinyShakespeare, WarAndPeace, read_recorded
from vestige.data.hippocampus import NOT_A_CELL, Track
from vestige.data.music import Corpus
from vestige.tasks import filtering


def music(corpus: Literal["jsb", "nottingham", "piano-midi", "musedata"], time: int) -> filtering.PianoRolls:
    """**Raises** `UsageError` where the rolls are missing."""
    names: dict[str, Corpus] = {
        "jsb": "jsb_chorales",
        "nottingham": "nottingham",
        "piano-midi": "piano_midi",
        "musedata": "musedata",
    }
    train, test = (Music().load(names[corpus], split) for split in ("train", "test"))
    return filtering.piano_rolls(train, test, time)


def motion(
    recording: Literal["walking", "exercises"], nth: int, time: int, *, changes: bool
) -> filtering.MotionCapture:
    """**Raises** `UsageError` where the recordings are missing."""
    train, test = (Mocap().load(recording, split) for split in ("train", "test"))
    return filtering.motion_capture(
        train, test, nth=nth, drop=filtering.constant_channels(train), changes=changes, time=time
    )


def text(name: Literal["shakespeare", "war-and-peace"], time: int) -> filtering.Characters:
    """**Raises** `UsageError` where the text is missing."""
    source = {"shakespeare": TinyShakespeare, "war-and-peace": WarAndPeace}[name]()
    train, _, test = source.parts()
    return filtering.characters(train, test, time=time)


def places(recording: Literal["linear-track", "w-maze"], bin: float, time: int) -> filtering.PlaceCells:
    """**Raises** `UsageError` where the recording is missing."""
    tracks: dict[str, Track] = {"linear-track": "linear_track", "w-maze": "w_maze"}
    name = tracks[recording]
    return filtering.place_cells(Hippocampus().load(name), drop=NOT_A_CELL[name], bin=bin, time=time)


def own(
    path: str | None,
    values: Literal["numbers", "counts", "bits"] | None,
    *,
    held_out: float,
    leave_out: bool,
    changes: bool,
    time: int,
) -> filtering.OwnRecordings:
    """**Raises** `UsageError` where the file is missing or is not one of recordings; `ValueError` for its values."""
    recorded, dtype = (_example(), np.dtype(int)) if path is None else read_recorded(Path(path))
    if values is None:
        kinds: dict[str, Literal["numbers", "counts", "bits"]] = {"b": "bits", "i": "counts", "u": "counts"}
        values = kinds.get(dtype.kind, "numbers")
    return filtering.own_recordings(
        recorded, values, held_out=held_out, leave_out=leave_out, changes=changes, time=time
    )


EXAMPLE = (8, 500)  # recordings of the example, and steps of each


def _example() -> Recorded:
    """Spikes of a population of neurons, and where the thing they see was and how fast it went."""
    count, steps = EXAMPLE
    seen = filtering.ring_1d(steps).batch(size=count, key=jax.random.key(0)).inputs
    flat = lambda leaf: np.asarray(leaf).reshape(count * steps, -1)
    frames = FrameSet(
        flat(seen.inputs), np.full(count, steps, np.int32), tuple(f"neuron {j}" for j in range(seen.inputs.shape[-1]))
    )
    return Recorded(frames, flat(seen.outcomes))
