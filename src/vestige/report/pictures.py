"""Sequences of frames as strips: short pieces side by side that wrap where the screen ends."""

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
class Strips:
    """Several sequences of the same sort, under one caption; a legend names the kinds of frames."""

    name: str
    title: str
    caption: str
    sequences: tuple[tuple[Piece, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()


def pieces(rows: "list[tuple[str, np.ndarray]]", kinds: list[str], *, length: int = PIECE) -> tuple[Piece, ...]:
    """Cut rows of named frames, each `(time, height, width)` in [0, 1], into pieces of `length` frames."""
    time = len(kinds)
    length = min(length, time)
    cut = []
    for start in range(0, time, length):
        stop = min(start + length, time)
        span = f"frame {start}" if stop == start + 1 else f"frames {start} to {stop - 1}"
        pictures = tuple(
            (png_uri(_side_by_side(frames[start:stop], length)), f"{name}, {span}") for name, frames in rows
        )
        cut.append(Piece(pictures, tuple((at, kinds[at]) for at in range(start, stop)), length))
    return tuple(cut)


def _side_by_side(frames: "np.ndarray", length: int) -> "np.ndarray":
    import numpy as np

    _, height, width = frames.shape
    gap = max(1, width // 20)
    grey = np.round(np.clip(np.nan_to_num(frames.astype(np.float64)), 0.0, 1.0) * 255).astype(np.uint8)
    pixels = np.zeros((height, length * (width + gap), 2), dtype=np.uint8)
    for place, frame in enumerate(grey):
        left = place * (width + gap)
        pixels[:, left : left + width, 0] = frame
        pixels[:, left : left + width, 1] = 255
    return pixels
