"""Making images smaller with a box filter."""

import numpy as np


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Square images made smaller.

    An output pixel is the mean of the input pixels whose centres lie in its box (half-open, the far
    edge belongs to it), over the columns first and then over the rows, rounded half up after each. This
    is what Pillow's `Image.resize` with `Resampling.BOX` does, to the bit, on any version of it.

    **Arguments:**

    - `images`: uint8 (n, side, side).
    - `size`: the new side, at most the old one.

    **Returns:** uint8 (n, size, size).

    **Raises:** `ValueError` for images that are not square, and a `size` that is not from 1 to their side.
    """
    side = images.shape[1]
    if images.shape[2] != side or not 1 <= size <= side:
        raise ValueError(f"shrink: cannot make {images.shape[1:]} into ({size}, {size})")
    starts = (2 * np.arange(size) * side - size) // (2 * size) + 1
    counts = np.diff(starts, append=side)
    across = _means(images, starts, counts, axis=2)
    return _means(across, starts, counts, axis=1)


def _means(images: np.ndarray, starts: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    sums = np.add.reduceat(images, starts, axis=axis, dtype=np.uint32)
    counts = counts.astype(np.uint32).reshape((1, 1, -1) if axis == 2 else (1, -1, 1))
    return ((2 * sums + counts) // (2 * counts)).astype(np.uint8)
