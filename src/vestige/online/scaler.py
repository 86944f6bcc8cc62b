"""Mean and scale of a stream's values as they go by, in float64."""

import math
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter


class Moving(NamedTuple):
    """Mean and scale at some time."""

    mean: np.ndarray
    """(values,)"""
    scale: np.ndarray
    """(values,)"""


class Units(NamedTuple):
    """Units of some rows, each made of the rows before it, and those after the last."""

    means: np.ndarray
    """(rows, values)"""
    scales: np.ndarray
    """(rows, values)"""
    last: Moving


def moved(rows: np.ndarray, before: Moving, *, memory: float | None, least: np.ndarray) -> Units:
    """How rows are scaled.

    With a memory, mean and variance are Welford's, of which each further value keeps a share of exp(-1 / memory): mean
    m + a (y - m), variance (1 - a) (v + a (y - m)²). A value that is missing changes nothing.

    **Arguments:**

    - `rows`: (rows, values) float64; NaN where missing.
    - `before`: mean and scale before the first of them.
    - `memory`: in rows; None: mean and scale stay.
    - `least`: (values,), below which no scale falls.
    """
    means, scales = (np.repeat(each[None], len(rows), axis=0) for each in before)
    if memory is None:
        return Units(means, scales, before)
    gain = -math.expm1(-1 / memory)
    last = Moving(before.mean.copy(), before.scale.copy())
    for column in range(rows.shape[1]):
        there = ~np.isnan(rows[:, column])
        if not there.any():
            continue
        seen, earlier = rows[there, column], np.cumsum(there) - there  # how many were there before each row
        mean = _followed(gain, seen, before.mean[column])
        variance = _followed(gain, (1 - gain) * np.square(seen - mean[:-1]), before.scale[column] ** 2)
        scale = np.maximum(np.sqrt(variance), least[column])
        means[:, column], scales[:, column] = mean[earlier], scale[earlier]
        last.mean[column], last.scale[column] = mean[-1], scale[-1]
    return Units(means, scales, last)


def _followed(gain: float, values: np.ndarray, start: float) -> np.ndarray:
    """x_0 = start, x_t = (1 - gain) x_{t-1} + gain · value_t."""
    kept = 1 - gain
    return np.concatenate([[start], lfilter([gain], [1.0, -kept], values, zi=[kept * start])[0]])
