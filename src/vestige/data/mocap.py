"""Recorded human motion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from vestige.data.frames import FrameSet, joined
from vestige.data.stored import StoredData, StoredFile
from vestige.errors import UsageError, nearest

Motion = Literal["walking", "exercises"]
MotionSplit = Literal["train", "valid", "test"]
HELD_OUT = 0.2
_WALKING = StoredFile(
    "cmu_mocap35_walking.npz",
    1_193_849,
    "20fa4e6cab3935e26ba39c0e99538a24b3e823b5bbdc429960cf541ee7955b60",
    ("train", "valid", "test"),
)
_EXERCISES = StoredFile(
    "cmu_mocap6_exercises.npz",
    191_919,
    "9571de2d5aed12238cea4c8eb61ea834a58b324c8c87b57c3cb7a510fb3bcf39",
    ("x", "doc_range", "labels", "channel_names", "label_names"),
)

NPZ: Mapping[Motion, str] = {"walking": _WALKING.name, "exercises": _EXERCISES.name}
"""The file of each kind of recording."""


@dataclass(frozen=True)
class Mocap(StoredData):
    """Joint angles of the CMU motion capture database: 23 walks of 300 frames and 50 channels, and six
    exercise recordings of 12 channels, 10 frames a second."""

    name: ClassVar[str] = "mocap"
    description: ClassVar[str] = "CMU motion capture: 23 walks, 50 channels; 6 exercise recordings, 12 channels"
    licence: ClassVar[str] = "Apache-2.0 and BSD (copies); CMU allows free use"
    size: ClassVar[str] = "1.4 MB"

    walking: StoredFile = _WALKING
    exercises: StoredFile = _EXERCISES

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return self.walking, self.exercises

    @property
    def source(self) -> str:
        return (
            "https://github.com/uncbiag/neuro_shooting at ebf80a9c0a4515fdfffaa0c5418dc866e2776495 (walks, an npz "
            "with train, valid, test float32) and https://github.com/bnpy/bnpy at "
            "ffc2242427451aa6a61dcac1473c47577a5ade6f (exercises, an npz with x, doc_range, labels, channel_names, "
            "label_names),"
        )

    def load(self, motion: Motion, split: MotionSplit) -> FrameSet:
        """Frames as recorded, unscaled, float32.

        The walks come with a split. Of each exercise recording the last fifth is the test; there is no `valid`. The
        columns of the walks have no names: they are numbered. Raises UsageError for an unknown name, and as `check`
        does.
        """
        for name, known in ((motion, get_args(Motion)), (split, get_args(MotionSplit))):
            if name not in known:
                raise UsageError(f"mocap: there is no '{name}'. {nearest(str(name), known)}")
        if motion == "walking":
            walks = self.arrays(self.walking)[split].astype(np.float32)
            return joined(list(walks), tuple(f"channel {j}" for j in range(walks.shape[2])))
        if split == "valid":
            raise UsageError("mocap: the exercises have no 'valid' part, only 'train' and 'test'.")
        arrays = self.arrays(self.exercises)
        recordings = np.split(arrays["x"].astype(np.float32), arrays["doc_range"][1:-1])
        whole = joined(recordings, tuple(str(name) for name in arrays["channel_names"]))
        return whole.parted(HELD_OUT)[0 if split == "train" else 1]
