"""Errors on held-out data, sorted, so that intervals and alarms of other files are made from them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vestige.errors import UsageError

MOST = 2000
"""Order statistics that are kept of many; what is left out is rounded to the wider interval."""
PREFIX = "calibration_"
"""Of their names in `evaluation.npz`."""


@dataclass(frozen=True, eq=False)
class Sorted:
    """Order statistics of n values, separately for each of some channels.

    - `count`: n.
    - `ranks`: (k,) integers that rise from 1 to n, at most `MOST` of them.
    - `values`: (channels, k) float64, the values of these ranks.
    """

    count: int
    ranks: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Sorted":
        """Those of `values` (n, channels), n at least 1. What is NaN counts for nothing: where channels have values in
        different number, n is the least, and of the others the order statistics at the next larger share are kept.

        **Raises:** `UsageError` where a channel has none.
        """
        counts = (~np.isnan(values)).sum(axis=0)
        count = int(counts.min())
        if count < 1:
            raise UsageError(
                f"channel {int(np.argmin(counts)) + 1} of {len(counts)} has no value in the held-out steps after the "
                "first, on which its intervals could be calibrated; hold out more (--task.held-out), or leave it out"
            )
        ranks = np.unique(np.round(np.linspace(1, count, min(count, MOST))).astype(np.int64))
        share = np.ceil(ranks[:, None] / (count + 1) * (counts + 1) - 1e-9).astype(np.int64)
        kept = np.take_along_axis(np.sort(values, axis=0), np.minimum(share, counts) - 1, axis=0)
        return cls(count, ranks, kept.T.astype(np.float64))

    def quantile(self, level: float) -> np.ndarray:
        """The value that a further one exceeds with a probability of at most 1 - `level`, if all are exchangeable: the
        ⌈(n + 1) level⌉-th smallest.

        **Returns:** (channels,) float64.

        **Raises:** `UsageError` where n is too small for the level.
        """
        rank = math.ceil((self.count + 1) * level - 1e-9)
        if rank > self.count:
            raise UsageError(
                f"interval must be at most {self.count / (self.count + 1):.6g} with {self.count:,} held-out steps to "
                f"calibrate it on, got {level:g}; choose a narrower one, or hold out more (--task.held-out)"
            )
        return self.values[:, np.searchsorted(self.ranks, rank)]

    def tail(self, values: np.ndarray) -> np.ndarray:
        """(1 + how many of the n are at least as large) / (1 + n), for each of `values` (rows,), of one channel; ranks
        in between are rounded to the larger share."""
        below = np.searchsorted(self.values[0], values, side="left")
        known = np.concatenate([[0], self.ranks])[below]
        return np.where(np.isnan(values), np.nan, (1 + self.count - known) / (1 + self.count))

    @property
    def least_tail(self) -> float:
        """The smallest that `tail` can be: 1 / (1 + n)."""
        return 1 / (1 + self.count)

    def as_arrays(self, name: str) -> dict[str, np.ndarray]:
        """For `evaluation.npz`, from which `from_arrays` makes the same again.

        **Arguments:** `name`: of what was sorted.
        """
        return {f"{PREFIX}{name}": self.values, f"{PREFIX}{name}_ranks": self.ranks}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], name: str, channels: int = 1) -> "Sorted":
        """What `as_arrays` gave.

        **Arguments:**

        - `arrays`: among which it is.
        - `name`: of what was sorted.
        - `channels`: how many there were.

        **Raises:** `KeyError` where it is not there, `ValueError` where it is something else.
        """
        values, ranks = arrays[f"{PREFIX}{name}"], arrays[f"{PREFIX}{name}_ranks"]
        if values.shape != (channels, len(ranks)) or len(ranks) < 1 or np.any(np.diff(ranks) < 1):
            raise ValueError(f"{name} must be ({channels}, {len(ranks)}), got {values.shape}")
        return cls(int(ranks[-1]), ranks, values)
