"""Held-out errors of a filter, from which intervals and alarms of other files are made: split conformal prediction."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vestige.errors import UsageError

MOST = 2000
"""Order statistics that are kept of many; what is left out is rounded to the wider interval."""
PREFIX = "calibration_"
GAIN = 0.02
"""How fast widths follow errors: by 2 percent a missed step, about."""
LEAST = 1e-6
"""Of a width, in standard deviations of the training: a factor of zero would change nothing."""


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


class Widths:
    """Half the widths of intervals, which follow the errors: after each step that is missed a width grows by a factor,
    after each that is covered it shrinks, so that both cancel at the wanted share.

    With log r_{t+1} = log r_t + gain · (missed_t - (1 - level)) the share of misses in T steps differs from 1 - `level`
    by exactly log(r_T / r_0) / (gain · T), whatever the errors are (quantile tracking on a log scale; Gibbs & Candès
    2021, Angelopoulos et al. 2023).

    **Arguments:**

    - `start`: (channels,) r_0.
    - `level`: the share of values to be covered, in (0, 1).
    - `gain`: how fast they follow; 0: never.
    """

    def __init__(self, start: np.ndarray, level: float, gain: float = GAIN):
        self._width = np.maximum(start, LEAST)
        self._grow, self._shrink = math.exp(gain * level), math.exp(-gain * (1 - level))

    def follow(self, errors: np.ndarray, compared: np.ndarray) -> np.ndarray:
        """The widths of further steps, each before its error is known.

        **Arguments:**

        - `errors`: (time, channels) float64, absolute errors of the predictions.
        - `compared`: (time, channels) booleans: the values that count.

        **Returns:** (time, channels) float64.
        """
        widths = np.empty_like(errors)
        for place in range(len(errors)):
            widths[place] = self._width
            changed = self._width * np.where(errors[place] > self._width, self._grow, self._shrink)
            self._width = np.where(compared[place], changed, self._width)
        return widths


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the held-out part of a training file says of a model's errors. In units of the training.

    - `residuals`: of |value - prediction| for each channel, where a step of the recording was seen before.
    - `first`: of |value - prediction before any step|, over all held-out steps: for the first step of a recording.
    - `surprise`: of -log q(y_t | x_{t-1}) of a step, in nats.
    - `linear`: the arrays of the linear regression from step to step, fitted on the training recordings.
    """

    residuals: Sorted
    first: Sorted
    surprise: Sorted
    linear: tuple[np.ndarray, ...]

    def as_arrays(self) -> dict[str, np.ndarray]:
        """For `evaluation.npz`, from which `from_arrays` makes the same again."""
        arrays: dict[str, np.ndarray] = {}
        for name in ("residuals", "first", "surprise"):
            kept: Sorted = getattr(self, name)
            arrays[f"{PREFIX}{name}"] = kept.values
            arrays[f"{PREFIX}{name}_ranks"] = kept.ranks
        return arrays | {f"{PREFIX}linear_{place}": array for place, array in enumerate(self.linear)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], channels: int) -> "Calibration | None":
        """What `as_arrays` gave, of so many `channels`; None where `arrays` hold none.

        **Raises:** `UsageError` where they do not go together.
        """
        if f"{PREFIX}residuals" not in arrays:
            return None
        try:
            kept: dict[str, Sorted] = {}
            for name, rows in (("residuals", channels), ("first", channels), ("surprise", 1)):
                values, ranks = arrays[f"{PREFIX}{name}"], arrays[f"{PREFIX}{name}_ranks"]
                if values.shape != (rows, len(ranks)) or np.any(np.diff(ranks) < 1):
                    raise ValueError(f"{name} must be ({rows}, {len(ranks)}), got {values.shape}")
                kept[name] = Sorted(int(ranks[-1]), ranks, values)
            return cls(**kept, linear=tuple(arrays[f"{PREFIX}linear_{place}"] for place in range(4)))
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(f"the stored calibration is damaged: {error}") from None
