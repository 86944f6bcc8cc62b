"""The period of what repeats."""

import numpy as np

from vestige.data.carried import carried_forward

DIP = 0.8
"""A season repeats better than what lies between now and it, by so much."""
ALIKE = 1.05
"""Periods that repeat as well as the best: the shortest is taken."""
TIMES = 3
"""How often a season must be seen at least."""


def season_of(frames: np.ndarray, starts: np.ndarray) -> int | None:
    """The number of steps after which a recording is most like itself.

    Of the longest recording, the mean squared difference between steps that are s apart, in units of the variance, is
    computed for all s by fast Fourier transforms: O(steps · log steps). A season is a minimum of it that lies 20% below
    what is between; of one and its multiples it is the shortest that is as good up to chance.

    **Arguments:**

    - `frames`: (total, p), recordings one after the other; NaN where missing. A step of which nothing is there is left
      out, in others the last values that were seen take the place of what is missing.
    - `starts`: the rows at which recordings begin.

    **Returns:** the period in steps, at least 2; None where there is none.
    """
    ends = np.append(starts[1:], len(frames))
    longest = int(np.argmax(ends - starts))
    values = frames[starts[longest] : ends[longest]].astype(np.float64)
    values = carried_forward(values, np.zeros(1, np.int64)).frames
    most = len(values) // TIMES
    spread = values.std(axis=0) if len(values) else np.zeros(0)
    if most < 3 or not (spread > 0).any():
        return None
    values = ((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))[:, spread > 0]
    apart = _differences(values, most + 1)
    inside = np.arange(2, most + 1)
    minima = inside[(apart[inside] < apart[inside - 1]) & (apart[inside] <= apart[inside + 1])]
    between = np.maximum.accumulate(apart)
    minima = minima[apart[minima] < DIP * between[minima]]
    if not len(minima):
        return None
    shortest = int(minima[apart[minima] <= ALIKE * apart[minima].min()][0])
    chance = 1 + 3 * np.sqrt(2 / (len(values) - shortest))  # three standard errors of a mean of squares
    parts = minima[(shortest % minima == 0) & (apart[minima] <= chance * apart[shortest])]
    return int(parts[0])


def _differences(values: np.ndarray, most: int) -> np.ndarray:
    """Mean squared differences of steps that are 0, 1, … `most` apart, a value."""
    steps = len(values)
    size = 1 << (2 * steps - 1).bit_length()
    products = np.zeros(most + 1)
    for column in values.T:
        transformed = np.fft.rfft(column, size)
        products += np.fft.irfft(np.abs(transformed) ** 2, size)[: most + 1]
    squares = np.concatenate([[0.0], np.cumsum(np.square(values).sum(axis=1))])
    lags = np.arange(most + 1)
    early, late = squares[steps - lags], squares[-1] - squares[lags]
    return (early + late - 2 * products) / ((steps - lags) * values.shape[1])
