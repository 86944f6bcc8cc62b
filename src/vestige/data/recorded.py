"""Custom recordings, from a numpy file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.data.frames import FrameSet
from vestige.data.tables.sliced import MOST_AXES
from vestige.errors import UsageError

EXACT = 2**53
WANTED = (
    "an .npy file of observations (time, numbers) or of a film (time, height, width), or an .npz file with "
    "observations and, if there are several recordings one after the other, their lengths, and outcomes (time, "
    "numbers) to be read out of states"
)


@dataclass(frozen=True, eq=False)
class Recorded:
    """Observations of some recordings, and what is to be read out of states at the same steps.

    `outcomes` (total, d), NaN where not known; d may be 0. Both have the digits of the file: who scales them casts
    afterwards. Raises UsageError where there are more or fewer.
    """

    frames: FrameSet
    outcomes: np.ndarray
    outcome_names: tuple[str, ...] = ()
    """Of a table; without them outcomes are numbered."""

    def __post_init__(self):
        if self.outcomes.ndim != 2 or len(self.outcomes) != len(self.frames.frames):
            raise UsageError(
                f"Recorded: outcomes must be ({len(self.frames.frames)}, numbers), a row for every observation, "
                f"got {self.outcomes.shape}."
            )

    @property
    def named(self) -> tuple[str, ...]:
        """The names of the outcomes."""
        return self.outcome_names or tuple(f"outcome {j}" for j in range(self.outcomes.shape[1]))

    def without_incomplete(self) -> "Recorded":
        """With every observation that is missing in some of its values missing in all."""
        frames = self.frames.frames.copy()
        frames[np.isnan(frames).any(axis=1)] = np.nan
        return Recorded(FrameSet(frames, self.frames.lengths, self.frames.channels), self.outcomes, self.outcome_names)

    def parted(self, share: float) -> "tuple[Recorded, Recorded]":
        """The beginning of each recording, and its last `share`. Raises UsageError where one of them is empty."""
        both = FrameSet(
            np.concatenate([self.frames.frames, self.outcomes], axis=1),
            self.frames.lengths,
            (*self.frames.channels, *self.named),
        )
        early, late = both.parted(share)
        return self._split(early), self._split(late)

    def _split(self, both: FrameSet) -> "Recorded":
        width = len(self.frames.channels)
        seen = FrameSet(both.frames[:, :width], both.lengths, self.frames.channels)
        return Recorded(seen, both.frames[:, width:], self.outcome_names)


def read_recorded(path: Path) -> tuple[Recorded, np.dtype]:
    """What a file holds, in float64, and the type of its observations.

    **Raises** `UsageError`, naming the file, where it is missing, of another kind or damaged, where its arrays are not
    of numbers, hold infinity or integers that float64 cannot, or do not go together.
    """
    if path.suffix not in (".npy", ".npz"):
        raise UsageError(f"{path}: recordings are read from {WANTED}.")
    try:
        arrays = _arrays(path)
    except gate.Unreadable as error:
        raise UsageError(f"{path}: {error.clause}; give {WANTED}.") from None
    seen = arrays["observations"]
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or (name == "lengths" and array.dtype.kind not in "iu"):
            wanted = "integers" if name == "lengths" else "real numbers"
            raise UsageError(f"{path}: {name} must be {wanted}, got {array.dtype}.")
    seen = seen[:, None] if seen.ndim == 1 else seen
    seen = seen.reshape(len(seen), -1) if 2 < seen.ndim <= MOST_AXES and len(seen) else seen  # a film
    lengths = arrays.get("lengths", np.array([len(seen)] if seen.ndim else [0]))
    outcomes = arrays.get("outcomes", np.zeros((len(seen) if seen.ndim else 0, 0)))
    outcomes = outcomes[:, None] if outcomes.ndim == 1 else outcomes
    names = tuple(f"value {j}" for j in range(seen.shape[1] if seen.ndim == 2 else 0))
    try:
        frames = FrameSet(_exact(path, "observations", seen), lengths, names)
        return Recorded(frames, _exact(path, "outcomes", outcomes)), seen.dtype
    except UsageError as error:
        raise UsageError(f"{path}: {str(error).replace('`frames`', 'observations')}") from None


def _exact(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    """As float64. **Raises** `UsageError` where a value is infinite, or an integer too large for it."""
    found = values.astype(np.float64)
    if np.isinf(found).any():
        step = int(np.argmax(np.isinf(found).any(axis=tuple(range(1, found.ndim)))))
        raise UsageError(f"{path}: {name} must be finite, or NaN where they are missing, got inf at step {step:,}.")
    if values.dtype.kind in "iu" and np.any(
        wrong := (values > EXACT) | (values < -EXACT if values.dtype.kind == "i" else False)
    ):
        raise UsageError(
            f"{path}: integers of {name} must be within ±{EXACT:,}, which float64 can tell apart, got "
            f"{values[wrong].flat[0]:,}; subtract an offset."
        )
    return found


def _arrays(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npz":
        return gate.read_npz(path, "observations", optional=("lengths", "outcomes"))
    return {"observations": gate.read_npy(path)}
