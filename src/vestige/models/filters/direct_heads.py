"""Linear heads that forecast many steps at once, each channel from its own past."""

from collections.abc import Iterator
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.lib.stride_tricks import sliding_window_view

BLOCK = 2048
"""Windows whose lags are in memory at once."""


class DirectHeads(eqx.Module):
    """E[y_{t+h}] = y_t + b_h + sum over k of w_hk (y_{t-k} - y_t), for each h by itself, each channel alone.

    A forecast that is fed its own steps is best one step ahead; far ahead, its errors add up. These are fitted to what
    comes h steps later, and to nothing else.

    **Arguments:**

    - `weights`: w, for each channel or one for all.
    - `offset`: b, of each channel.
    - `spread`: the standard deviation of what they miss; NaN where it is not known.
    - `first`: the first step ahead for which they are meant, counted from 1.
    """

    weights: Float[Array, "channels window horizon"]
    offset: Float[Array, "p horizon"]
    spread: Float[Array, "horizon p"]
    first: int = eqx.field(static=True, default=1)

    @property
    def window(self) -> int:
        """Steps before the last that are looked back on."""
        return self.weights.shape[1]

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.weights.shape[2]

    def __call__(self, rows: Float[Array, "rows p"]) -> Float[Array, "horizon p"]:
        """The steps after the last of some rows.

        **Arguments:**

        - `rows`: at least one, nothing missing; where there are fewer than the window and one, the first stands for
          those before.
        """
        seen = rows[jnp.maximum(rows.shape[0] - 1 - jnp.arange(self.window + 1), 0)]
        weights = jnp.broadcast_to(self.weights, (seen.shape[1], *self.weights.shape[1:]))
        return seen[:1] + self.offset.T + jnp.einsum("kp,pkh->hp", seen[1:] - seen[:1], weights)


class DirectOptions(NamedTuple):
    """Of heads that are fitted: steps ahead, the first of them, steps that are looked back on, penalty, and whether all
    channels have one."""

    horizon: int
    first: int
    window: int
    penalty: float
    pooled: bool


class HeadSums(NamedTuple):
    """Sums over windows of each channel, from which those of every shorter window are fitted too. x are differences
    from the last value before it, the newest first, y those after it."""

    windows: np.ndarray
    """(channels,)"""
    x: np.ndarray
    """(channels, window)"""
    y: np.ndarray
    """(channels, horizon)"""
    xx: np.ndarray
    """(channels, window, window)"""
    xy: np.ndarray
    """(channels, window, horizon)"""

    def pooled(self) -> "HeadSums":
        """All channels as one."""
        return HeadSums(*(each.sum(axis=0, keepdims=True) for each in self))


def head_sums(
    frames: np.ndarray, starts: np.ndarray, *, window: int, horizon: int, scale: np.ndarray, pooled: bool = False
) -> HeadSums:
    """The sums over all windows that lie in a recording, with the steps after them.

    A window ends where the channel was seen. Missing values before that are the last that was seen; among those after
    it, where they only teach, they lie on the line between their neighbours. Time O(p · total · window · (window +
    horizon)), memory in proportion to p · window · (window + horizon).

    **Arguments:**

    - `frames`: (total, p), recordings one after the other; NaN where missing.
    - `starts`: the rows at which recordings begin.
    - `window`: steps before the last of each, at least 1.
    - `horizon`: steps after it.
    - `scale`: (p,), the units.
    - `pooled`: all channels as one, which takes less memory.
    """
    p = frames.shape[1]
    zeros = lambda *shape: np.zeros((1 if pooled else p, *shape))
    sums = HeadSums(zeros(), zeros(window), zeros(horizon), zeros(window, window), zeros(window, horizon))
    for channel, x, y in _windows(frames / scale, starts, window, horizon):
        place = 0 if pooled else channel
        sums.windows[place] += len(x)
        sums.x[place] += x.sum(axis=0)
        sums.y[place] += y.sum(axis=0)
        sums.xx[place] += x.T @ x
        sums.xy[place] += x.T @ y
    return sums


def _windows(
    frames: np.ndarray, starts: np.ndarray, window: int, horizon: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Channel, differences before (n, window), and after (n, horizon), of at most 2,048 windows at a time."""
    for start, end in zip(starts, np.append(starts, len(frames))[1:], strict=True):
        if end - start < window + 1 + horizon:
            continue
        for channel in range(frames.shape[1]):
            values = frames[start:end, channel].astype(np.float64)
            there = np.flatnonzero(np.isfinite(values))
            if not len(there):
                continue
            newest = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), -1))
            before = sliding_window_view(np.where(newest >= 0, values[newest], np.nan), window + 1)[:, ::-1]
            after = sliding_window_view(np.interp(np.arange(len(values)), there, values[there]), horizon)
            usable = there[(there >= window + there[0]) & (there + horizon <= there[-1])]
            for begin in range(0, len(usable), BLOCK):
                rows = usable[begin : begin + BLOCK]
                last = values[rows, None]
                yield channel, before[rows - window, 1:] - last, after[rows + 1] - last


def solved_heads(sums: HeadSums, scale: np.ndarray, *, window: int, penalty: float, first: int = 1) -> DirectHeads:
    """Ridge regressions, one for each step ahead: least squared error plus `penalty` · windows · variance of the
    differences · |weights|².

    **Arguments:**

    - `sums`: of windows at least as long; pooled ones give one regression for all channels, in units of `scale`.
    - `scale`: (p,), their units.
    - `window`: steps before the last.
    - `penalty`: positive.
    - `first`: of the heads.

    **Returns:** the heads, without a spread; zeros, the last value, where there is no window.
    """
    parts = HeadSums(sums.windows, sums.x[:, :window], sums.y, sums.xx[:, :window, :window], sums.xy[:, :window])
    weights, offset = np.zeros_like(parts.xy), np.zeros_like(parts.y)
    for place, count in enumerate(parts.windows):
        if count < 2:
            continue
        x, y = parts.x[place] / count, parts.y[place] / count
        matrix = parts.xx[place] - count * np.outer(x, x)
        spread = max(float(np.trace(matrix)) / window, np.finfo(np.float64).tiny)
        matrix[np.diag_indices(window)] += penalty * spread
        weights[place] = np.linalg.solve(matrix, parts.xy[place] - count * np.outer(x, y))
        offset[place] = y - x @ weights[place]
    offset = np.broadcast_to(offset, (len(scale), offset.shape[1])) * scale[:, None]
    on_device = lambda array: jnp.asarray(array, jnp.float32)
    return DirectHeads(on_device(weights), on_device(offset), jnp.full((offset.shape[1], len(scale)), jnp.nan), first)


def with_spread(heads: DirectHeads, frames: np.ndarray, starts: np.ndarray) -> DirectHeads:
    """With the standard deviations of what the heads miss on the steps that they were fitted to, each regression's own
    weights discounted. Time as for their sums.

    **Arguments:**

    - `heads`: fitted to these steps.
    - `frames`, `starts`: as for `head_sums`.

    **Returns:** the heads; the spread of a channel without enough windows is NaN.
    """
    p = frames.shape[1]
    squares, counts = np.zeros((p, heads.horizon)), np.zeros(p)
    weights, offset = np.asarray(heads.weights, np.float64), np.asarray(heads.offset, np.float64)
    for channel, x, y in _windows(frames, starts, heads.window, heads.horizon):
        missed = y - x @ weights[channel if len(weights) > 1 else 0] - offset[channel]
        squares[channel] += np.square(missed).sum(axis=0)
        counts[channel] += len(x)
    free = counts - heads.window * len(weights) / p - 1
    variance = np.where(free[:, None] > 0, squares / np.maximum(free, 1)[:, None], np.nan)
    return eqx.tree_at(lambda made: made.spread, heads, jnp.asarray(np.sqrt(variance).T, jnp.float32))
