"""Sequences of frames as image grids: short pieces side by side that wrap where the screen ends."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.report.png import png_uri

if TYPE_CHECKING:
    import numpy as np

PIECE = 5


@dataclass(frozen=True)
class Piece:
    """A few frames of a sequence: a picture per row, and the number and the kind of each frame."""

    rows: tuple[tuple[str, str], ...]
    frames: tuple[tuple[int, str], ...]
    width: int


@dataclass(frozen=True)
class ImageGrid:
    """Several sequences of the same sort, under one caption; a legend names the kinds of frames."""

    name: str
    title: str
    caption: str
    sequences: tuple[tuple[Piece, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()

    @property
    def across(self) -> str:
        """How many pieces should stand side by side where there is room, so that the last row is not left short."""
        count = max((len(sequence) for sequence in self.sequences), default=0)
        return "five" if count % 5 == 0 else "three" if count % 3 == 0 else "four"


def pieces(rows: "list[tuple[str, np.ndarray]]", kinds: list[str], *, length: int = PIECE) -> tuple[Piece, ...]:
    """Cut rows of frames into pieces.

    **Arguments:**

    - `rows`: a name and frames in [0, 1], `(time, height, width)` or `(time, height, width, 3)`.
    - `kinds`: what each frame is.
    - `length`: frames of a piece.
    """
    time = len(kinds)
    length = min(length, time)
    cut = []
    for start in range(0, time, length):
        stop = min(start + length, time)
        span = f"frame {start}" if stop == start + 1 else f"frames {start} to {stop - 1}"
        pictures = tuple(
            (png_uri(side_by_side(frames[start:stop], length)), f"{name}, {span}") for name, frames in rows
        )
        cut.append(Piece(pictures, tuple((at, kinds[at]) for at in range(start, stop)), length))
    return tuple(cut)


def side_by_side(frames: "np.ndarray", length: int) -> "np.ndarray":
    """`frames` in a row with narrow gaps, as pixels for a PNG, with room for `length` of them."""
    import numpy as np

    seen = to_bytes(frames)
    _, height, width, channels = seen.shape
    gap = max(1, width // 20)
    pixels = np.zeros((height, length * (width + gap), channels + 1), dtype=np.uint8)
    for place, frame in enumerate(seen):
        left = place * (width + gap)
        pixels[:, left : left + width, :channels] = frame
        pixels[:, left : left + width, channels] = 255
    return pixels


def to_bytes(frames: "np.ndarray") -> "np.ndarray":
    """Levels in [0, 1] as bytes: `(time, height, width, 1)` for grey frames, `(time, height, width, 3)` in colour."""
    import numpy as np

    seen = np.round(np.clip(np.nan_to_num(frames.astype(np.float64)), 0.0, 1.0) * 255).astype(np.uint8)
    return seen if seen.ndim == 4 else seen[..., None]
