"""The filtering tasks whose data are files, loaded."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vestige.data import FrameSet, Hippocampus, Mocap, Music, Recorded, read_recorded, text_data
from vestige.data.hippocampus import NOT_A_CELL, Track
from vestige.data.mocap import Motion
from vestige.data.music import Corpus
from vestige.data.recorded_table import RecordedColumns, read_recorded_table, recorded_columns
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.tasks.filtering.custom_data import CustomRecordings, custom_recordings
from vestige.tasks.filtering.motion import MotionCapture, constant_channels, motion_capture
from vestige.tasks.filtering.places import PlaceCells, place_cells
from vestige.tasks.filtering.ring import ring_1d
from vestige.tasks.filtering.rolls import PianoRolls, piano_rolls
from vestige.tasks.filtering.scaling import Kind, Scaling
from vestige.tasks.filtering.text import Characters, characters


def music(corpus: Corpus, length: int) -> PianoRolls:
    """The task on piano rolls.

    **Arguments:**

    - `corpus`: which one.
    - `length`: of a training sequence, in steps.

    **Raises:** `UsageError` where the rolls are missing.
    """
    train, test = (Music().load(corpus, split) for split in ("train", "test"))
    return piano_rolls(train, test, length)


def motion(recording: Motion, nth: int, length: int, *, changes: bool) -> MotionCapture:
    """The task on motion capture.

    **Arguments:**

    - `recording`: whose recordings.
    - `nth`: of how many frames one is used.
    - `length`: of a training sequence, in steps.
    - `changes`: whether to observe how angles have changed.

    **Raises:** `UsageError` where the recordings are missing.
    """
    train, test = (Mocap().load(recording, split) for split in ("train", "test"))
    return motion_capture(train, test, nth=nth, drop=constant_channels(train), changes=changes, length=length)


def text(name: str, length: int) -> Characters:
    """The task on the characters of a text.

    **Arguments:**

    - `name`: of the data set.
    - `length`: of a training sequence, in characters.

    **Raises:** `UsageError` where the text is missing, or no text has that name.
    """
    train, _, test = text_data(name).parts()
    return characters(train, test, length=length)


def places(recording: Track, bin: float, length: int) -> PlaceCells:
    """The task on spikes of place cells.

    **Arguments:**

    - `recording`: which one.
    - `bin`: seconds of a step.
    - `length`: of a training sequence, in steps.

    **Raises:** `UsageError` where the recording is missing.
    """
    return place_cells(Hippocampus().load(recording), drop=NOT_A_CELL[recording], bin=bin, length=length)


def recordings_in(
    path: str | None,
    *,
    inputs: str | None = None,
    outcomes: str | None = None,
    document: str | None = None,
    columns: RecordedColumns | None = None,
    incomplete: bool = False,
    reading: ReadOptions = ReadOptions(),
) -> tuple[Recorded, Kind, RecordedColumns | None]:
    """The recordings in a file.

    **Arguments:**

    - `path`: of the file; None: an example.
    - `inputs`, `outcomes`, `document`: columns of a table; None: as its schema suggests.
    - `columns`: of the table of the training; they are found by name.
    - `incomplete`: a step that is missing in part is missing.
    - `reading`: how a table is read.

    **Returns:** the recordings, the kind of their values by the dtype of the file or the kinds of the columns, and the
    columns of a table.

    **Raises:** `UsageError` where the file is missing or is not one of recordings.
    """
    found: Kind = "numbers"
    if path is None or (Path(path).suffix in (".npy", ".npz") and reading == ReadOptions()):
        if columns is not None or (inputs, outcomes, document) != (None, None, None):
            raise UsageError(
                f"{path}: inputs, outcomes and document are columns of a table, such as a CSV file; in an .npz file "
                "they are the arrays observations, outcomes and lengths"
            )
        recorded, dtype = (_example(), np.dtype(int)) if path is None else read_recorded(Path(path))
        kinds: dict[str, Kind] = {"b": "bits", "i": "counts", "u": "counts"}
        found = kinds.get(dtype.kind, "numbers")
    else:
        if columns is None:
            named = {"inputs": inputs, "outcomes": outcomes, "document": document}
            columns, found = recorded_columns(Path(path), **named, reading=reading)
        recorded = read_recorded_table(Path(path), columns, reading)
    return (recorded.without_incomplete() if incomplete else recorded), found, columns


def custom(
    path: str | None,
    values: Kind | None,
    *,
    held_out: float,
    leave_out: bool,
    changes: bool,
    length: int,
    inputs: str | None = None,
    outcomes: str | None = None,
    document: str | None = None,
    incomplete: bool = False,
    scaling: Scaling | None = None,
    columns: RecordedColumns | None = None,
    **reading: Any,
) -> CustomRecordings:
    """The task on a file of recordings.

    **Arguments:**

    - `path`: of the file; None: an example.
    - `values`: their kind; None: by the dtype of the file, or the kinds of the columns.
    - `inputs`, `outcomes`, `document`: columns of a table; None: as its schema suggests.
    - `columns`: of the table of the training; they are found by name.
    - `incomplete`: a step that is missing in part is missing; otherwise its other values count.
    - `held_out`, `leave_out`, `changes`, `length`, `scaling`: as for `custom_recordings`.
    - `reading`: the fields of `ReadOptions`.

    **Raises:** `UsageError` where the file is missing or is not one of recordings; `ValueError` for its values.
    """
    recorded, found, columns = recordings_in(
        path,
        inputs=inputs,
        outcomes=outcomes,
        document=document,
        columns=columns,
        incomplete=incomplete,
        reading=ReadOptions(**reading),
    )
    return custom_recordings(
        recorded,
        values or found,
        held_out=held_out,
        leave_out=leave_out,
        changes=changes,
        length=length,
        scaling=scaling,
        columns=columns,
    )


def unread(scaling: Scaling, columns: RecordedColumns | None, length: int) -> CustomRecordings:
    """The task on recordings that are not read: a model is built for it, and nothing is learned or evaluated.

    **Arguments:**

    - `scaling`, `columns`: what was fitted and found in training.
    - `length`: of a training sequence, in steps.
    """
    steps = np.arange(8.0)[:, None] % 2
    frames = np.full((8, scaling.width), 0.0)
    frames[:, list(scaling.kept)] = steps if scaling.kind != "numbers" else scaling.mean + scaling.scale * steps
    outcomes = columns.outcomes if columns else ()
    named = columns.inputs if columns else tuple(f"value {j}" for j in range(scaling.width))
    recorded = Recorded(FrameSet(frames, np.array([8]), named), steps + np.zeros(len(outcomes)), outcomes)
    made = custom_recordings(recorded, scaling.kind, held_out=0.5, length=length, scaling=scaling, columns=columns)
    return dataclasses.replace(made, unread=True)


EXAMPLE = (8, 500)  # recordings of the example, and steps of each


def _example() -> Recorded:
    """Spikes of a population of neurons, and where the thing they see was and how fast it went."""
    count, steps = EXAMPLE
    seen = ring_1d(steps).batch(size=count, key=jax.random.key(0)).inputs
    flat = lambda leaf: np.asarray(leaf).reshape(count * steps, -1)
    frames = FrameSet(
        flat(seen.inputs), np.full(count, steps, np.int32), tuple(f"neuron {j}" for j in range(seen.inputs.shape[-1]))
    )
    return Recorded(frames, flat(seen.outcomes))
