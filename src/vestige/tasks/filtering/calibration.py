"""Held-out errors of a filter, from which intervals and alarms of other files are made: split conformal prediction."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vestige.errors import UsageError
from vestige.tasks.order_statistics import PREFIX, Sorted

GAIN = 0.02
"""How fast widths follow errors: by 2 percent a missed step, about."""
LEAST = 1e-6
"""Of a width, in standard deviations of the training: a factor of zero would change nothing."""


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
        kept = self.residuals.as_arrays("residuals") | self.first.as_arrays("first")
        linear = {f"{PREFIX}linear_{place}": array for place, array in enumerate(self.linear)}
        return kept | self.surprise.as_arrays("surprise") | linear

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], channels: int) -> "Calibration | None":
        """What `as_arrays` gave, of so many `channels`; None where `arrays` hold none.

        **Raises:** `UsageError` where they do not go together.
        """
        if f"{PREFIX}residuals" not in arrays:
            return None
        try:
            counts = {"residuals": channels, "first": channels, "surprise": 1}
            kept = {name: Sorted.from_arrays(arrays, name, count) for name, count in counts.items()}
            return cls(**kept, linear=tuple(arrays[f"{PREFIX}linear_{place}"] for place in range(4)))
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(f"the stored calibration is damaged: {error}") from None
