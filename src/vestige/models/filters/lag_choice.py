"""How many lags a regression looks back on, and its penalty: chosen on steps that it is not fitted on."""

import itertools
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from vestige.models.filters.lag_regression import LagScales, Sums, fitted_lags, lag_sums, squared_errors

ORDERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 72, 96, 144, 168)
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5)
FOLDS = 6
TESTED = 3
"""The last folds, each of which is predicted from those before it."""
MOST_VALUES = 768
"""Values of all lags together."""
STEPS_FOR_A_LAG = 8
"""At least so many steps of training for each lag that is tried."""
WORTH, CHANCE = 0.01, 2.0
"""A regression is preferred to the last value if its errors are lower by this share, and so many steps' share more: of
few steps the best of many candidates is better by chance."""
UNSTEADY = 0.05
"""And by this share more where it is worse in one of the folds; where it is in two, it is not preferred."""
ALIKE = 1.002
"""Errors that are as good as the best: the fewest lags are taken."""


Toward = Literal["last-value", "mean"]


class LagChoice(NamedTuple):
    """What was chosen, and the errors on the steps where it was: squared, of each value in units of its variance,
    summed over values, a step."""

    order: int
    """0: nothing was better than the last value."""
    penalty: float
    toward: Toward
    """What the penalty draws the prediction to."""
    error: float
    last_error: float
    """Of the last value."""


def chosen_lags(frames: np.ndarray, starts: np.ndarray, *, orders: Iterable[int] = ()) -> LagChoice:
    """The order, and the penalty and what it draws to, whose regressions predict later steps best.

    Each recording is cut into six parts, one for each fold; each of the last three folds is predicted by regressions on
    all before it. It is the last value where none is better than that by a hundredth, and in all three or by more. Time
    O(total · lags² + lags³), lags at most 768.

    **Arguments:**

    - `frames`: (total, p), recordings one after the other; NaN where missing.
    - `starts`: the rows at which recordings begin.
    - `orders`: further ones to try, such as a season.

    **Returns:** the choice. With too few steps it is the last value, and errors are NaN.
    """
    p = frames.shape[1]
    steps = int(np.isfinite(frames).all(axis=1).sum()) - len(starts)
    most = min(MOST_VALUES // p, steps // STEPS_FOR_A_LAG) if p <= MOST_VALUES else 0
    tried = sorted({order for order in (*ORDERS, *orders) if 1 <= order <= most})
    scales = LagScales.of(frames, starts)
    if not tried:
        return LagChoice(0, PENALTIES[0], "last-value", np.nan, np.nan)
    folds = lag_sums(frames, starts, tried[-1], scales, folds=FOLDS)
    last, errors = _errors(folds, tried, scales.value)
    total = {key: float(found.sum()) for key, found in errors.items()}
    best = min(total.values())
    chosen = next(key for key in sorted(total, key=lambda key: (key[0], -key[1])) if total[key] <= ALIKE * best)
    steps_tested = sum(fold.steps for fold in folds[-TESTED:])
    mean = lambda value: value / steps_tested
    worse = int((errors[chosen] > last).sum())
    needed = 1 - WORTH - CHANCE / max(steps_tested, 1) - UNSTEADY * worse
    if worse > 1 or not total[chosen] < needed * last.sum():
        return LagChoice(0, PENALTIES[0], "last-value", mean(float(last.sum())), mean(float(last.sum())))
    return LagChoice(*chosen, mean(total[chosen]), mean(float(last.sum())))


def _errors(
    folds: tuple[Sums, ...], orders: list[int], scale: np.ndarray
) -> tuple[np.ndarray, dict[tuple[int, float, Toward], np.ndarray]]:
    """Summed over the steps of each tested fold: of the last value, and of each order, penalty and what it draws to."""
    first = len(folds) - TESTED
    last = np.array([(fold.yy / scale**2).sum() for fold in folds[first:]])
    toward: dict[Toward, np.ndarray | None] = {"last-value": None, "mean": scale}
    errors = {key: np.zeros(TESTED) for key in itertools.product(orders, PENALTIES, toward)}
    before = folds[0]
    for fold in folds[1:first]:
        before = before.plus(fold)
    for place, tested in enumerate(folds[first:]):
        for key in errors:
            order, penalty, drawn = key
            found = squared_errors(tested, fitted_lags(before, order, penalty, to_mean=toward[drawn]))
            errors[key][place] = tested.steps * (found / scale**2).sum() if tested.steps else 0.0
        before = before.plus(tested)
    return last, errors
