"""Sequences of images as one picture."""

from pathlib import Path

import numpy as np

from vestige.storage.durable import writing


def save_image_grid(path: Path, sequences: np.ndarray) -> None:
    """Write sequences as a picture, a row for each, and as `.npz` beside it.

    **Arguments:**

    - `path`: of the picture.
    - `sequences`: in [0, 1]: ink on white, (count, time, height, width), or colours, (count, time, height, width, 3).

    **Raises:** `RunError` where they cannot be written.
    """
    from matplotlib.image import imsave

    colour = sequences.ndim == 5
    pixels = np.clip(sequences, 0.0, 1.0) if colour else np.repeat(1.0 - sequences[..., None], 3, axis=-1)
    count, frames, height, width, _ = pixels.shape
    scale = max(1, 48 // height)
    padded = np.pad(pixels, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=0.5)
    rows = padded.transpose(0, 2, 1, 3, 4).reshape(count * (height + 1), frames * (width + 1), 3)
    with writing(path) as file:
        imsave(file, np.clip(rows, 0.0, 1.0).repeat(scale, 0).repeat(scale, 1), format="png")
    with writing(path.with_suffix(".npz")) as file:
        np.savez_compressed(file, sequences=sequences)
