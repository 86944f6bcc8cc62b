"""Spikes of an animal that runs, and where it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from vestige.data.stored import StoredData, StoredFile
from vestige.errors import UsageError, nearest

Track = Literal["linear-track", "w-maze"]
"""The recordings, as they are named on the command line too."""
NOT_A_CELL: Mapping[Track, tuple[int, ...]] = {"linear-track": (), "w-maze": (19,)}
"""Units to leave out: unit 19 of the W-maze fires at 107 Hz, 89 % of all spikes, which no single cell there does."""
NPZ: Mapping[Track, str] = {"linear-track": "linear_track.npz", "w-maze": "w_maze.npz"}
"""The file of each recording."""
_ARRAYS = ("spike_time", "spike_unit", "unit_tetrode", "pos_time", "pos_xy")


@dataclass(frozen=True, eq=False)
class Recording:
    """Sorted spikes and tracked position on one clock.

    `spike_time` float64 seconds and `spike_unit` of each spike; `units`, how many there are; `pos_time` float64
    seconds and `pos_xy` float64 (n, 2) in camera pixels of 640x480, about 60 a second. How many pixels a centimetre
    has is not recorded. Raises UsageError if the sizes do not agree.
    """

    spike_time: np.ndarray
    spike_unit: np.ndarray
    units: int
    pos_time: np.ndarray
    pos_xy: np.ndarray

    def __post_init__(self):
        if self.spike_time.shape != self.spike_unit.shape or self.pos_xy.shape != (*self.pos_time.shape, 2):
            raise UsageError(
                "Recording: one unit for each spike and one place for each time, got "
                f"{self.spike_time.shape}, {self.spike_unit.shape} and {self.pos_time.shape}, {self.pos_xy.shape}."
            )


@dataclass(frozen=True)
class Hippocampus(StoredData):
    """Tetrode recordings of two sessions: a linear track, and a W-shaped maze.

    The source names neither species nor brain area for them; its tutorials and other recordings are of hippocampus.
    """

    name: ClassVar[str] = "hippocampus"
    description: ClassVar[str] = "sorted spikes and position: linear track, 31 units; W-maze, 25 units"
    licence: ClassVar[str] = "MIT (nelpy)"
    size: ClassVar[str] = "4.1 MB"

    tracks: tuple[StoredFile, ...] = (
        StoredFile(
            "linear_track.npz", 711_361, "7a238cbf2b78dd4b349377e8bbc0ec6cd94f853eca6c37718dbc69ab84d4b6f7", _ARRAYS
        ),
        StoredFile(
            "w_maze.npz", 3_382_943, "05b58d51ca32f5b2d9fefd6ea73c5f706792de9cd62372258d6d14ca26ed89d1", _ARRAYS
        ),
    )

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return self.tracks

    @property
    def source(self) -> str:
        return (
            "https://github.com/nelpy/example-data at 099548c0608ffaa92933c66346c0d96f05a18622 (Matlab spikes and "
            "binary tracks as npz with spike_time, spike_unit, unit_tetrode, pos_time, pos_xy),"
        )

    def load(self, track: Track) -> Recording:
        """All units, those that are no single cells too. Raises UsageError for an unknown name, and as `check`."""
        if track not in get_args(Track):
            raise UsageError(f"hippocampus: there is no '{track}'. {nearest(str(track), get_args(Track))}")
        arrays = self.arrays(next(file for file in self.files if file.name == NPZ[track]))
        return Recording(
            arrays["spike_time"],
            arrays["spike_unit"].astype(np.int64),
            len(arrays["unit_tetrode"]),
            arrays["pos_time"],
            arrays["pos_xy"].astype(np.float64),
        )
