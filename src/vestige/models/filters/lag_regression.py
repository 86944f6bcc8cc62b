"""Ridge regression of the next change on the last value and the changes before it, in closed form, on the host."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from vestige.data.carried import carried_forward

BLOCK = 4096
"""Steps whose lags are in memory at once."""
LEAST_SPREAD = 1e-6
"""Of changes, in units of the values: below it they are rounding errors, and are left as they are."""


class Sums(NamedTuple):
    """Sums over steps, from which every smaller order is fitted too. x are lags, y is the change to the next value."""

    steps: float
    x: np.ndarray
    """(lags,)"""
    y: np.ndarray
    """(p,)"""
    xx: np.ndarray
    """(lags, lags)"""
    xy: np.ndarray
    """(lags, p)"""
    yy: np.ndarray
    """(p,), of squares."""

    def plus(self, other: "Sums") -> "Sums":
        """Those of both."""
        first = self.x + other.x, self.y + other.y
        return Sums(self.steps + other.steps, *first, self.xx + other.xx, self.xy + other.xy, self.yy + other.yy)


class LagWeights(NamedTuple):
    """The next value is `last + offset + lags · weights`, of the lags that `lags_of` makes.

    `order` 0 has no lags and no offset: nothing changes.
    """

    order: int
    weights: np.ndarray
    """(order · p, p)"""
    offset: np.ndarray
    """(p,)"""
    spread: np.ndarray
    """(p,), standard deviations of the errors on the steps of the fit."""


class LagScales(NamedTuple):
    """Of each value, in its own units: mean and standard deviation, and the standard deviation of its changes from step
    to step. Standard deviations are 1 where nothing changes."""

    centre: np.ndarray
    value: np.ndarray
    change: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray, starts: np.ndarray) -> "LagScales":
        """Those of some recordings.

        **Arguments:**

        - `frames`: (total, p), recordings one after the other; a step with a NaN does not count.
        - `starts`: the rows at which recordings begin.
        """
        seen = _observed(frames, starts)
        p = frames.shape[1]
        values, changes = seen.values[seen.whole], seen.changes[seen.whole]
        inside = seen.inside[seen.whole]
        if not len(values):
            return cls(np.zeros(p), np.ones(p), np.ones(p))
        value, centre = values.std(axis=0), values.mean(axis=0)
        least = LEAST_SPREAD * (value + LEAST_SPREAD * np.abs(centre))
        change = changes[inside].std(axis=0) if inside.any() else np.zeros(p)
        return cls(centre, np.where(value > least, value, 1.0), np.where(change > least, change, 1.0))


def lag_sums(
    frames: np.ndarray, starts: np.ndarray, order: int, scales: LagScales, *, folds: int = 1
) -> tuple[Sums, ...]:
    """The sums of consecutive parts of each of some recordings, all of a part together.

    The lags of a step are the last value and the `order - 1` last changes, the newest first, in units of `scales`; of
    changes from before the recording began they are 0. Steps that are missing are left out, as a filter does that stays
    as it was; of those that are missing in part the lags hold the last values that were seen, and their own change is
    not fitted. Time O(total · (order · p)²), memory in proportion to (order · p)².

    **Arguments:**

    - `frames`: (total, p), recordings one after the other; NaN where missing.
    - `starts`: the rows at which recordings begin.
    - `order`: how many of the last values are looked at, at least 1.
    - `scales`: the units of the lags.
    - `folds`: how many parts, about equal in steps.

    **Returns:** the sums of each part.
    """
    values, changes, inside, whole = _observed(frames, starts)
    begins = np.maximum.accumulate(np.where(inside, 0, np.arange(len(values))))
    steps = np.flatnonzero(inside & whole)
    _, first, recording, count = np.unique(begins[steps], return_index=True, return_inverse=True, return_counts=True)
    fold = (np.arange(len(steps)) - first[recording]) * folds // count[recording]
    found = []
    for part in (steps[fold == place] for place in range(folds)):
        sums = _none(order * frames.shape[1], frames.shape[1])
        for block in _blocks(part):
            x, y = _lags(values, changes, begins, block, order, scales), changes[block]
            sums = sums.plus(
                Sums(float(len(y)), x.sum(axis=0), y.sum(axis=0), x.T @ x, x.T @ y, np.square(y).sum(axis=0))
            )
        found.append(sums)
    return tuple(found)


def fitted_lags(sums: Sums, order: int, penalty: float, *, to_mean: np.ndarray | None = None) -> LagWeights:
    """The ridge regression of so many lags: least squared error plus `penalty` · steps · |weights - w|².

    w are the weights of the last value, which are zeros, or of the mean.

    **Arguments:**

    - `sums`: of at least `order` lags.
    - `order`: 0: the last value.
    - `penalty`: positive.
    - `to_mean`: (p,), standard deviations of the values, where it draws to the mean; None: to the last value.

    **Returns:** the weights; zeros where there is no step.
    """
    p = len(sums.y)
    size = order * p
    weights, offset = np.zeros((size, p)), np.zeros(p)
    if order and sums.steps:
        mean, target = sums.x[:size] / sums.steps, sums.y / sums.steps
        matrix = sums.xx[:size, :size] - sums.steps * np.outer(mean, mean)
        matrix[np.diag_indices(size)] += penalty * sums.steps
        moment = sums.xy[:size] - sums.steps * np.outer(mean, target)
        if to_mean is not None:
            moment[np.diag_indices(p)] -= penalty * sums.steps * to_mean
        weights = np.linalg.solve(matrix, moment)
        offset = target - mean @ weights
    found = LagWeights(order, weights, offset, np.ones(p))
    return found._replace(spread=np.sqrt(squared_errors(sums, found))) if sums.steps else found


def squared_errors(sums: Sums, lags: LagWeights) -> np.ndarray:
    """Mean squared errors of the next value.

    **Arguments:**

    - `sums`: of the steps on which the errors are.
    - `lags`: fitted on these or others.

    **Returns:** (p,), not negative; NaN where there is no step.
    """
    if not sums.steps:
        return np.full(len(sums.y), np.nan)
    size = len(lags.weights)
    w, b = lags.weights, lags.offset
    explained = np.einsum("ij,ij->j", w, sums.xx[:size, :size] @ w) + sums.steps * b**2 + 2 * b * (sums.x[:size] @ w)
    crossed = np.einsum("ij,ij->j", w, sums.xy[:size]) + b * sums.y
    return np.maximum(sums.yy - 2 * crossed + explained, 0.0) / sums.steps


def residual_covariance(
    frames: np.ndarray, starts: np.ndarray, lags: LagWeights, scales: LagScales
) -> tuple[np.ndarray, int]:
    """The covariance of what the regression misses, values of a step with each other. Time as for `lag_sums`.

    **Arguments:**

    - `frames`, `starts`, `scales`: as for `lag_sums`.
    - `lags`: fitted.

    **Returns:** (p, p), and of how many steps.
    """
    values, changes, inside, whole = _observed(frames, starts)
    begins = np.maximum.accumulate(np.where(inside, 0, np.arange(len(values))))
    steps = np.flatnonzero(inside & whole)
    products = np.zeros((frames.shape[1], frames.shape[1]))
    for block in _blocks(steps):
        said = _lags(values, changes, begins, block, lags.order, scales) @ lags.weights + lags.offset
        missed = changes[block] - said
        products += missed.T @ missed
    return products / max(len(steps), 1), len(steps)


class _Observed(NamedTuple):
    """The steps that are seen. What is missing in part is carried forward; changes are from what is carried."""

    values: np.ndarray
    changes: np.ndarray
    inside: np.ndarray
    """Whether there is a step before in the same recording."""
    whole: np.ndarray
    """Whether nothing of a step is missing."""


def _observed(frames: np.ndarray, starts: np.ndarray) -> _Observed:
    found = carried_forward(frames, starts)
    changes = np.diff(found.frames, axis=0, prepend=found.frames[:1])
    return _Observed(found.frames, changes, found.age > 0, found.whole)


def _blocks(steps: np.ndarray) -> Iterator[np.ndarray]:
    for begin in range(0, len(steps), BLOCK):
        yield steps[begin : begin + BLOCK]


def _lags(
    values: np.ndarray, changes: np.ndarray, begins: np.ndarray, steps: np.ndarray, order: int, scales: LagScales
) -> np.ndarray:
    """Of some steps, each from what came before it: the last value, and the changes before."""
    columns = [(values[steps - 1] - scales.centre) / scales.value]
    for back in range(1, order):
        place = steps - back
        known = place > begins[steps]
        columns.append(np.where(known[:, None], changes[np.maximum(place, 0)] / scales.change, 0.0))
    return np.concatenate(columns, axis=1) if order else np.zeros((len(steps), 0))


def _none(lags: int, p: int) -> Sums:
    zeros = np.zeros
    return Sums(0.0, zeros(lags), zeros(p), zeros((lags, lags)), zeros((lags, p)), zeros(p))
