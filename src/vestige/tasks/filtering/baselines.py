"""Predictions of the next step by those who are fitted in a moment, on the same steps as a model's."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from vestige.data.carried import carried_forward

FIT = 0.8
"""Share of the training steps on which candidates are fitted that are compared on the others."""
ORDERS = (1, 2, 4, 8, 16, 24, 48, 72, 96)
PENALTIES = (1e-6, 1e-4, 1e-2, 1e-1, 1.0)
MOST_VALUES = 768
"""Values of all lags together."""
STEPS_FOR_A_LAG = 4
MOST_CELLS = 2**25
"""Numbers of a matrix of lags; of longer recordings the last steps alone are fitted on."""


class Steps(NamedTuple):
    """Steps of which anything was seen, recordings one after the other; the last of each may be held out."""

    frames: np.ndarray
    """(steps, p) float64; in place of what is missing the last value that was seen."""
    there: np.ndarray
    """(steps, p) booleans: what was seen."""
    age: np.ndarray
    """(steps,), how many steps of the recording came before."""
    held: np.ndarray
    """(steps,), booleans: where held out."""

    @classmethod
    def of(cls, frames: np.ndarray, starts: np.ndarray, held: np.ndarray) -> "Steps":
        """Without the missing ones.

        **Arguments:**

        - `frames`: (total, p), NaN where missing.
        - `starts`: the rows at which recordings begin.
        - `held`: (total,), where held out.
        """
        found = carried_forward(frames, starts)
        return cls(found.frames, found.there, found.age, held[found.row])

    @property
    def scored(self) -> np.ndarray:
        """Where predictions are compared: held out, and something was seen before."""
        return self.held & (self.age > 0)

    @property
    def fitted_on(self) -> np.ndarray:
        """The places of the training steps that regressions are fitted to: something was seen before, and nothing is
        missing."""
        return np.flatnonzero(~self.held & (self.age > 0) & self.there.all(axis=1))


class Baseline(NamedTuple):
    """Who predicts without a model."""

    name: str
    said: str
    """With what was chosen."""
    predicted: np.ndarray
    """(scored steps, p)"""


def baselines(steps: Steps, season: int | None) -> list[Baseline]:
    """Last value, mean, seasonal last value, linear regression on the current step, ridge autoregression.

    Order and penalty of the autoregression are chosen on the last fifth of the training steps of each recording. A step
    that has no season, or not all lags, before it has its oldest in their place.

    **Arguments:**

    - `steps`: of training and evaluation.
    - `season`: in steps; None: none.

    **Returns:** a prediction of each scored step by each.
    """
    frames, scored = steps.frames, np.flatnonzero(steps.scored)
    train = np.flatnonzero(~steps.held)
    mean = np.average(frames[train], axis=0, weights=steps.there[train])
    found = [
        Baseline("last value", "last value", frames[scored - 1]),
        Baseline("mean", "mean in training", np.broadcast_to(mean, frames[scored].shape)),
    ]
    if season is not None:
        back = scored - np.minimum(season, steps.age[scored])
        found.append(Baseline("seasonal", f"value {season:,} steps before", frames[back]))
    fitted_on = steps.fitted_on
    if len(fitted_on) < 3:
        return found
    from sklearn.linear_model import LinearRegression

    linear = LinearRegression().fit(frames[fitted_on - 1], frames[fitted_on])
    said = linear.predict(frames[scored - 1]).reshape(len(scored), -1)
    found.append(Baseline("linear regression", "linear regression on the current step", said))
    order, penalty = _chosen(steps, fitted_on)
    said = f"ridge autoregression of order {order:,}"
    found.append(Baseline("ridge autoregression", said, _ridge(steps, fitted_on, order, penalty)(scored)))
    return found


def _chosen(steps: Steps, fitted_on: np.ndarray) -> tuple[int, float]:
    p = steps.frames.shape[1]
    _, begins, recording, count = np.unique(
        fitted_on - steps.age[fitted_on], return_index=True, return_inverse=True, return_counts=True
    )
    first = np.arange(len(fitted_on)) - begins[recording] < FIT * count[recording]
    early, late = fitted_on[first], fitted_on[~first]
    most = max(1, min(MOST_VALUES // p, len(early) // STEPS_FOR_A_LAG // p))
    best, chosen = np.inf, (1, PENALTIES[-1])
    if not len(early) or not len(late):
        return chosen
    scale = np.maximum(steps.frames[early].std(axis=0), 1e-12)
    for order in (order for order in ORDERS if order <= most):
        for penalty in PENALTIES:
            missed = _ridge(steps, early, order, penalty)(late) - steps.frames[late]
            error = float(np.square(missed / scale).mean())
            if error < best:
                best, chosen = error, (order, penalty)
    return chosen


def _ridge(
    steps: Steps, fitted_on: np.ndarray, order: int, penalty: float
) -> Callable[[np.ndarray], Float[np.ndarray, "n p"]]:
    """What predicts the steps of some places."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    used = fitted_on[-max(1, MOST_CELLS // (order * steps.frames.shape[1])) :]
    model = make_pipeline(StandardScaler(), Ridge(alpha=penalty * len(used)))
    model.fit(_lags(steps, used, order), steps.frames[used])
    return lambda at: model.predict(_lags(steps, at, order)).reshape(len(at), -1)


def _lags(steps: Steps, at: np.ndarray, order: int) -> np.ndarray:
    """The `order` steps before each, the newest first."""
    backs = np.minimum(np.arange(1, order + 1), np.maximum(steps.age[at], 1)[:, None])
    return steps.frames[at[:, None] - backs].reshape(len(at), -1)
