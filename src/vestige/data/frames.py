"""Several recordings, one after the other."""

from dataclasses import dataclass

import numpy as np

from vestige.errors import UsageError


@dataclass(frozen=True, eq=False)
class FrameSet:
    """Recordings of frames of numbers, all in one array.

    `frames` (total, channels), the recordings one after another; `lengths`, the frames of each, of any type of
    integer; `channels` names the columns. Raises UsageError if they do not agree or something is empty.
    """

    frames: np.ndarray
    lengths: np.ndarray
    channels: tuple[str, ...]

    def __post_init__(self):
        frames, lengths = self.frames, self.lengths
        if frames.ndim != 2 or frames.size == 0 or frames.shape[1] != len(self.channels):
            raise UsageError(
                f"FrameSet: `frames` must be (total, {len(self.channels)}), one column a channel and nothing empty, "
                f"got {frames.shape}."
            )
        total = sum(map(int, lengths.reshape(-1)))  # exact: a sum of uint64 may come round to anything
        if lengths.ndim != 1 or lengths.min(initial=1) < 1 or total != len(frames):
            raise UsageError(
                f"FrameSet: `lengths` must be positive and sum to {len(frames)} frames, got a sum of {total}."
            )

    @property
    def starts(self) -> np.ndarray:
        """The first frame of each recording."""
        return np.concatenate([[0], self._ends[:-1]])

    def recordings(self) -> list[np.ndarray]:
        """Each recording by itself, (frames, channels)."""
        return np.split(self.frames, self._ends[:-1])

    @property
    def _ends(self) -> np.ndarray:
        return np.cumsum(self.lengths.astype(np.int64))

    def every(self, nth: int) -> "FrameSet":
        """Frames 0, n, 2n, … of each recording. Raises UsageError if `nth` is less than 1."""
        if nth < 1:
            raise UsageError(f"FrameSet: every `nth` frame with nth at least 1, got {nth}.")
        return joined([recording[::nth] for recording in self.recordings()], self.channels)

    def parted(self, share: float) -> "tuple[FrameSet, FrameSet]":
        """The beginning of each recording, and its last `share`; for recordings that come without a split."""
        pieces = self.recordings()
        cut = [len(piece) - round(share * len(piece)) for piece in pieces]
        if not 0 < share < 1 or any(not 0 < c < len(p) for c, p in zip(cut, pieces, strict=True)):
            raise UsageError(f"FrameSet: a share of {share} leaves a recording empty on one side.")
        early = joined([p[:c] for c, p in zip(cut, pieces, strict=True)], self.channels)
        return early, joined([p[c:] for c, p in zip(cut, pieces, strict=True)], self.channels)


def joined(recordings: list[np.ndarray], channels: tuple[str, ...]) -> FrameSet:
    """Recordings as one set.

    **Arguments:**

    - `recordings`: at least one, (frames, channels) each.
    - `channels`: the names of the channels.
    """
    return FrameSet(np.concatenate(recordings), np.array([len(r) for r in recordings], np.int32), channels)
