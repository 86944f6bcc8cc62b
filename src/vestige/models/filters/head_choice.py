"""Whether direct heads forecast better than steps that are fed back, and which: chosen on steps that come later."""

import itertools
from typing import NamedTuple

import numpy as np

from vestige.data.carried import carried_forward
from vestige.models.filters.direct_heads import DirectHeads, DirectOptions, head_sums, solved_heads
from vestige.models.filters.lag_choice import LagChoice
from vestige.models.filters.lag_regression import LagScales, fitted_lags, lag_sums

WINDOWS = (8, 24, 48, 96, 168, 336)
PENALTIES = (1.0, 0.1, 0.01, 1e-3)
TESTED = 0.2
"""The share at the end of each recording on which they are compared."""
STEPS_FOR_A_LAG = 8
"""Steps of training for each lag and for each step ahead."""
WORTH = 0.03
"""Heads are taken if errors are lower by this share, and by the share more that a horizon has of the steps on which
they are compared: forecasts of many steps overlap, so that the best of many candidates is easily better by chance."""
MOST_WEIGHTS = 2**24
"""Numbers that are kept for the channels; above it all of them have one head."""
MOST_ORIGINS = 500


class HeadChoice(NamedTuple):
    """What was chosen, and the errors on the steps where it was: squared, of a value in units of its variance, mean
    over all steps ahead.

    - `options`: of the heads; None: they are not better.
    - `error`, `fed_back_error`: with heads, and of steps that are all fed back.
    """

    options: DirectOptions | None
    error: float
    fed_back_error: float


def chosen_heads(
    frames: np.ndarray, starts: np.ndarray, lags: LagChoice, *, horizon: int, season: int | None = None
) -> HeadChoice | None:
    """The heads that forecast the last fifth of each recording best, after training on what is before.

    For the first steps ahead the regression on the last step may be better, which is fed its own means; where the heads
    take over is chosen by the same errors. Time O(p · total · window · (window + horizon)), for the longest window.

    **Arguments:**

    - `frames`: (total, p), recordings one after the other; NaN where missing.
    - `starts`: the rows at which recordings begin.
    - `lags`: of the regression that is fed back.
    - `horizon`: steps ahead, at least 1.
    - `season`: in steps; a window that is tried.

    **Returns:** the choice; None where the recordings are too short to choose.
    """
    ends = np.append(starts[1:], len(frames))
    tested = np.concatenate([_late(end - start) for start, end in zip(starts, ends, strict=True)])
    most = min(int((~tested).sum()) // STEPS_FOR_A_LAG, int((ends - starts).max()) // 2)
    tried = sorted({each for each in (*WINDOWS, season or 0, 2 * (season or 0)) if 1 <= each <= most})
    origins = _origins(frames, starts, ends, tested, tried[0]) if tried else np.zeros(0, np.int64)
    if horizon > most or not len(origins):
        return None
    early = np.where(tested[:, None], np.nan, frames)
    scale = LagScales.of(early, starts).value
    came = _came(frames, ends, origins, horizon) / scale
    there = np.isfinite(came)
    counts = there.sum(axis=(0, 2))
    if not counts.all():
        return None
    squares = lambda ahead: np.where(there, np.square(ahead / scale - came), 0.0).sum(axis=2) / counts
    filled, begins = _filled(frames, starts), starts[np.searchsorted(starts, origins, side="right") - 1]
    fed_back = squares(_fed_back(early, starts, lags, filled[_back(origins, begins, max(lags.order, 1))], horizon))
    before = np.cumsum(fed_back.sum(axis=0)) - fed_back.sum(axis=0)
    pool = frames.shape[1] * tried[-1] * max(horizon, tried[-1]) > MOST_WEIGHTS
    each = head_sums(early, starts, window=tried[-1], horizon=horizon, scale=scale, pooled=pool)
    pools = {True: each} if pool else {True: each.pooled(), False: each}
    chosen, best = None, np.inf
    for window, penalty, pooled in itertools.product(tried, PENALTIES, pools):
        heads = solved_heads(pools[pooled], scale, window=window, penalty=penalty)
        found = squares(_ahead(heads, filled, begins, origins))
        total = before + np.cumsum(found.sum(axis=0)[::-1])[::-1]
        first = int(np.argmin(total))
        if total[first] < best:
            chosen, best = (first + 1, window, penalty, pooled), float(total[first])
    assert chosen is not None
    needed = 1 - WORTH - horizon / int(tested.sum())
    kept = DirectOptions(horizon, *chosen) if best < needed * fed_back.sum() else None
    return HeadChoice(kept, best / horizon, float(fed_back.sum() / horizon))


def _late(length: int) -> np.ndarray:
    """(length,) booleans: the last fifth."""
    return np.arange(length) >= round((1 - TESTED) * length)


def _origins(frames: np.ndarray, starts: np.ndarray, ends: np.ndarray, tested: np.ndarray, least: int) -> np.ndarray:
    """Evenly spaced rows from whose next step on everything is tested."""
    begins = np.repeat(starts, ends - starts)
    rows = np.arange(len(frames) - 1)
    usable = tested[rows + 1] & (begins[rows + 1] == begins[rows]) & (rows - begins[rows] >= least)
    usable &= np.isfinite(frames[rows]).all(axis=1)
    rows = rows[usable]
    return rows[:: max(1, len(rows) // MOST_ORIGINS)]


def _came(frames: np.ndarray, ends: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    """(origins, horizon, p), NaN where the recording is over."""
    padded = np.concatenate([frames, np.full((horizon, frames.shape[1]), np.nan)])
    rows = origins[:, None] + np.arange(1, horizon + 1)
    end = ends[np.searchsorted(ends, origins, side="right")]
    return np.where((rows < end[:, None])[..., None], padded[rows], np.nan)


def _ahead(heads: DirectHeads, filled: np.ndarray, begins: np.ndarray, origins: np.ndarray) -> np.ndarray:
    """(origins, horizon, p), as `heads` says of each."""
    weights, offset = np.asarray(heads.weights, np.float64), np.asarray(heads.offset, np.float64)
    seen = filled[_back(origins, begins, heads.window + 1)]
    x = seen[:, 1:] - seen[:, :1]
    weights = np.broadcast_to(weights, (x.shape[2], *weights.shape[1:]))
    return seen[:, :1] + np.einsum("nkp,pkh->nhp", x, weights, optimize=True) + offset.T


def _back(origins: np.ndarray, begins: np.ndarray, count: int) -> np.ndarray:
    """(origins, count): each and the rows before it, the newest first; the first of the recording for those before."""
    return np.maximum(origins[:, None] - np.arange(count), begins[:, None])


def _fed_back(early: np.ndarray, starts: np.ndarray, lags: LagChoice, state: np.ndarray, horizon: int) -> np.ndarray:
    """(origins, horizon, p): the regression on lags, fitted to `early` rows, fed its own means from each `state`."""
    scales = LagScales.of(early, starts)
    order, p = lags.order, early.shape[1]
    (sums,) = lag_sums(early, starts, max(order, 1), scales)
    toward = scales.value if lags.toward == "mean" else None
    fitted = fitted_lags(sums, order, lags.penalty, to_mean=toward)
    found = np.empty((len(state), horizon, p))
    for step in range(horizon):
        last = state[:, 0]
        ahead = last
        if order:
            newest = (last - scales.centre) / scales.value
            changes = (state[:, :-1] - state[:, 1:]) / scales.change
            x = np.concatenate([newest[:, None], changes], axis=1).reshape(len(state), -1)
            ahead = last + fitted.offset + x @ fitted.weights
        found[:, step] = ahead
        state = np.concatenate([ahead[:, None], state[:, :-1]], axis=1)
    return found


def _filled(frames: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Every row, with the last values that were seen in place of those that are missing."""
    found = carried_forward(frames, starts)
    return found.frames[np.maximum(np.searchsorted(found.row, np.arange(len(frames)), side="right") - 1, 0)]
