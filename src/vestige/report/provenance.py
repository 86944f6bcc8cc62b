"""From which earlier frame comes what is read at each frame."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array, newest_first
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np


def provenance(run: Run) -> "np.ndarray | None":
    """`(frames, frames)`: row t says how much of what the example reads at frame t stems from each earlier one, summed
    over heads; None where the arrays do not say."""
    reads = array(run, "example_read_weights")
    if reads is None:
        return None
    if newest_first(run):
        return from_positions(reads.sum(axis=1))
    writes = writes_by_frame(run)
    if writes is None or (len(writes), writes.shape[1]) != (len(reads) - 1, reads.shape[2]):
        return None
    return from_writes(reads.sum(axis=1), writes)


def writes_by_frame(run: Run) -> "np.ndarray | None":
    """`(frames - 1, slots)`: where the example stored each frame, summed over heads.

    A memory reports at frame t where its last write went, that of frame t - 1; not where the last frame went.
    """
    weights = array(run, "example_write_weights")
    if weights is None or len(weights) < 2:
        return None
    return weights[1:] if weights.ndim == 2 else weights[1:].sum(axis=1)


def from_positions(reads: "np.ndarray") -> "np.ndarray":
    """Provenance of reads `(frames, slots)` whose slot i holds the frame of i + 1 steps ago."""
    import numpy as np

    frames, slots = reads.shape
    shares = np.zeros((frames, frames))
    for back in range(1, min(slots, frames - 1) + 1):
        later = np.arange(back, frames)
        shares[later, later - back] = reads[later, back - 1]
    return shares


def from_writes(reads: "np.ndarray", writes: "np.ndarray") -> "np.ndarray":
    """Provenance of `reads` `(frames, slots)` from slots into which frame s was written with `writes[s]`.

    A write of weight w leaves 1 - w of what was there: slot j holds frame s in proportion
    `writes[s, j] * prod_{s < u < t} (1 - writes[u, j])` at frame t.
    """
    import numpy as np

    frames, slots = reads.shape
    shares, held = np.zeros((frames, frames)), np.zeros((slots, frames))
    for frame in range(1, frames):
        weight = np.clip(writes[frame - 1], 0.0, 1.0)
        held *= 1.0 - weight[:, None]
        held[:, frame - 1] = weight
        shares[frame] = reads[frame] @ held
    return shares
