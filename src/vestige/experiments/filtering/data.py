"""The tasks whose data are files."""

from typing import Literal

from vestige.data import Hippocampus, Mocap, Music, TinyShakespeare, WarAndPeace
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
