"""From spikes and camera positions to counts in bins while the animal runs."""

import itertools

import numpy as np

from vestige.data import FrameSet, Recording
from vestige.data.frames import joined


def binned(recording: Recording, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts in bins of a recording.

    **Arguments:**

    - `recording`: spikes and positions.
    - `width`: of a bin, in seconds.

    **Returns:** counts (bins, units), and the median position (bins, 2) in each, in pixels, NaN where the camera saw
    nothing. The median leaves out single frames in which the tracker was lost.

    **Raises:** `ValueError` where there are fewer than 3 bins.
    """
    start = max(recording.pos_time[0], recording.spike_time.min())
    end = min(recording.pos_time[-1], recording.spike_time.max())
    bins = int((end - start) / width)
    if bins < 3:
        raise ValueError(f"binned: bins of {width} s leave {bins} in {end - start:.1f} s; take shorter bins")
    which = np.floor((recording.spike_time - start) / width).astype(int)
    there = (which >= 0) & (which < bins)
    flat = which[there] * recording.units + recording.spike_unit[there]
    counts = np.bincount(flat, minlength=bins * recording.units).reshape(bins, recording.units)
    at = np.floor((recording.pos_time - start) / width).astype(int)
    edges = np.searchsorted(at, np.arange(bins + 1))
    places = np.full((bins, 2), np.nan)
    for i, (low, high) in enumerate(itertools.pairwise(edges.tolist())):
        if high > low:
            places[i] = np.median(recording.pos_xy[low:high], axis=0)
    return counts.astype(np.float32), places


def speed(places: np.ndarray, width: float) -> np.ndarray:
    """Speed in bins, from the bins before and after.

    **Arguments:**

    - `places`: (bins, 2), pixels.
    - `width`: of a bin, in seconds.

    **Returns:** (bins,), pixels a second; 0 at the ends and where a place is not known.
    """
    found = np.zeros(len(places))
    found[1:-1] = np.hypot(*(places[2:] - places[:-2]).T) / (2 * width)
    return np.nan_to_num(found)


def runs(running: np.ndarray, *, bridge: int, min_length: int) -> list[tuple[int, int]]:
    """Stretches [start, end) of True in `running` of at least `min_length`, gaps of at most `bridge` closed before."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], running, [False]]).astype(int)))
    found: list[tuple[int, int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] <= bridge:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [(start, end) for start, end in found if end - start >= min_length]


def parted(stretches: list[tuple[int, int]], share: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The `stretches`, cut in time: the last `share` of all bins is held out. The stretch in which the cut falls is
    cut in two.
    """
    total = sum(end - start for start, end in stretches)
    left = total - round(share * total)
    early, late = [], []
    for start, end in stretches:
        cut = min(end, start + max(left, 0))
        left -= end - start
        early += [(start, cut)] if cut > start else []
        late += [(cut, end)] if end > cut else []
    return early, late


def pieces(
    counts: np.ndarray, places: np.ndarray, stretches: list[tuple[int, int]], names: tuple[str, ...]
) -> tuple[FrameSet, np.ndarray]:
    """The bins of some `stretches`, and where the animal was in each: rows of `counts` and `places`; `names` are those
    of the cells.
    """
    frames = joined([counts[start:end] for start, end in stretches], names)
    return frames, np.concatenate([places[start:end] for start, end in stretches])
