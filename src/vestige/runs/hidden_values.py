"""Intervals of what is filled in, calibrated on values of the same table that are hidden for it."""

from typing import NamedTuple

import numpy as np

from vestige.data.tables import AbstractTable
from vestige.data.tables.hidden import HiddenTable
from vestige.tasks.completions import AbstractCompleter, Wanted

ROWS = 5_000
"""Of the beginning of a table, in which values are hidden."""
LEAST = 50
"""Values of a channel, or of all together, on which its intervals are calibrated."""
METHOD = (
    "Intervals are calibrated: in the first {rows:,} rows {count:,} values that are there were hidden, in the pattern "
    "of those that are missing, moved by {shift:,} rows, and filled in; each interval is then as many times as wide, "
    "on both sides of its mean, as it takes for {interval:.6g} of these to lie in theirs (split conformal prediction)."
)


class Widths(NamedTuple):
    """By how much intervals are wider than the model's own.

    - `factors`: (channels,), 1 where too few values could be hidden.
    - `own`, `counts`: (channels,), the share of the hidden values that the model's own intervals cover, NaN where there
      are none; and how many these are.
    - `rows`, `shift`: in which values were hidden, and by how many rows the pattern was moved.
    """

    factors: np.ndarray
    own: np.ndarray
    counts: np.ndarray
    rows: int
    shift: int

    def apply(self, mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of intervals, wider.

        **Arguments:**

        - `mean`, `low`, `high`: (rows, channels).
        """
        return mean - self.factors * (mean - low), mean + self.factors * (high - mean)

    def sentence(self, interval: float) -> str:
        """What was done."""
        if not self.counts.sum():
            return "Intervals are the model's own, and not calibrated: no real value could be hidden for it."
        return METHOD.format(rows=self.rows, count=int(self.counts.sum()), shift=self.shift, interval=interval)


def widths(
    completer: AbstractCompleter, table: AbstractTable, columns: tuple[str, ...], wanted: Wanted, interval: float
) -> Widths:
    """Hide values of a table that are there, fill them in, and see how far off they are.

    Costs two passes over the first 5,000 rows, one of them of the completer.

    **Arguments:**

    - `completer`: of the model.
    - `table`: whose missing values are to be filled in.
    - `columns`: those of the channels.
    - `wanted`: how they are filled in.
    - `interval`: the share that intervals are to cover, in (0, 1).
    """
    p = len(columns)
    none = np.ones(p), np.full(p, np.nan), np.zeros(p, np.int64)
    seen = completer.seen(table, ROWS)
    if seen is None:
        return Widths(*none, 0, 0)
    shift, hidden = _moved(np.isfinite(seen), wanted.seed)
    if not hidden.any():
        return Widths(*none, len(seen), shift)
    levels = (0.5 - interval / 2, 0.5 + interval / 2)
    far = np.full(seen.shape, np.nan)
    for rows in completer.completed(HiddenTable(table, columns, hidden), wanted):
        part = slice(rows.start, rows.start + len(rows.seen))
        far[part] = distances(seen[part], rows.filled(), *rows.quantiles(levels))
    far = np.where(hidden, far, np.nan)
    counts = hidden.sum(axis=0)
    together = factor(far[~np.isnan(far)], interval)
    each = [factor(column[~np.isnan(column)], interval) for column in far.T]
    factors = [one if one is not None else together if together is not None else 1.0 for one in each]
    inside = (far <= 1).sum(axis=0)
    own = np.where(counts > 0, inside / np.maximum(counts, 1), np.nan)
    return Widths(np.array(factors), own, counts, len(seen), shift)


def distances(seen: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How far values lie from the means of their intervals, where 1 is the end on their side.

    **Arguments:**

    - `seen`, `mean`, `low`, `high`: (rows, channels), NaN where there is nothing to compare.

    **Returns:** (rows, channels), infinite where an interval is a point and the value another.
    """
    above = seen >= mean
    off, side = np.abs(seen - mean), np.where(above, high - mean, mean - low)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(side > 0, off / side, np.where(off > 0, np.inf, 0.0))
    return np.where(np.isnan(seen) | np.isnan(low), np.nan, found)


def factor(far: np.ndarray, interval: float) -> float | None:
    """The quantile of distances with which so many of further ones, like these, lie inside.

    **Arguments:**

    - `far`: (n,).
    - `interval`: the share, in (0, 1).

    **Returns:** the ⌈(n + 1) interval⌉-th smallest; None where there are fewer than `LEAST`, or than it takes, or where
    it is not finite.
    """
    place = int(np.ceil((len(far) + 1) * interval))
    if len(far) < LEAST or place > len(far):
        return None
    found = float(np.sort(far)[place - 1])
    return found if np.isfinite(found) else None


def _moved(there: np.ndarray, seed: int) -> tuple[int, np.ndarray]:
    """The pattern of what is missing, moved to where values are there; of 16 distances the one that hides most."""
    rows = len(there)
    draw = np.random.default_rng(seed)
    tried = np.unique(draw.integers(1, max(rows, 2), size=16))
    hides = lambda shift: np.roll(~there, shift, axis=0) & there
    shift = max(tried.tolist(), key=lambda shift: int(hides(shift).sum()))
    return shift, hides(shift)
