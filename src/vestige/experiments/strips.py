"""Sequences of images as one picture."""

from pathlib import Path

import numpy as np


def save_strips(path: Path, sequences: np.ndarray) -> None:
    """Write `(count, time, height, width)` in [0, 1] as a picture, a row per sequence, and as `.npz` beside it."""
    from matplotlib.image import imsave

    count, frames, height, width = sequences.shape
    scale = max(1, 48 // height)
    padded = np.pad(sequences, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=0.5)
    rows = padded.transpose(0, 2, 1, 3).reshape(count * (height + 1), frames * (width + 1))
    imsave(path, 1.0 - rows.repeat(scale, 0).repeat(scale, 1), cmap="gray", vmin=0.0, vmax=1.0, format="png")
    np.savez_compressed(path.with_suffix(".npz"), sequences=sequences)
