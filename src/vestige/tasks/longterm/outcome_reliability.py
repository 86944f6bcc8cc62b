"""How far probabilities of outcomes can be believed, and how well they order two classes; in constant memory."""

import numpy as np

BINS = 15
"""Of confidence."""
DRAWS = 200
"""Outcomes that are drawn from the probabilities themselves."""
LEVELS = 2**16
"""Probabilities of the second of two classes that differ by less than one of so many count as equal."""


class Reliability:
    """Sums over steps whose outcome is known.

    - the *calibration error*: the mean over 15 bins of confidence of |accuracy - confidence|, by their steps;
    - its *noise*: what that is on average where outcomes are drawn from the probabilities;
    - of two classes the *area* under the receiver's operating characteristic.
    """

    def __init__(self):
        self._gaps, self._drawn = np.zeros(BINS), np.zeros((DRAWS, BINS))
        self._scores = np.zeros((2, LEVELS + 1))
        self._noise = np.random.default_rng(0)
        self._steps, self._two = 0, False

    def add(self, confidence: np.ndarray, right: np.ndarray) -> None:
        """Take in further steps.

        **Arguments:**

        - `confidence`: (steps,), the probability of the likeliest class.
        - `right`: (steps,), whether it came.
        """
        place = np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
        self._gaps += np.bincount(place, right.astype(np.float64) - confidence, minlength=BINS)
        for draw in range(DRAWS):
            came = self._noise.random(len(confidence)) < confidence
            self._drawn[draw] += np.bincount(place, came - confidence, minlength=BINS)
        self._steps += len(confidence)

    def add_scores(self, second: np.ndarray, came: np.ndarray) -> None:
        """Take in further steps of two classes.

        **Arguments:**

        - `second`: (steps,), the probability of the second class.
        - `came`: (steps,), booleans: whether it came.
        """
        level = np.round(np.clip(second, 0, 1) * LEVELS).astype(np.int64)
        for row, chosen in enumerate((~came, came)):
            self._scores[row] += np.bincount(level[chosen], minlength=LEVELS + 1)
        self._two = True

    def as_plain(self) -> dict[str, float]:
        """`calibration_error`, `calibration_noise` and, of two classes, `auroc`; NaN where nothing can be said."""
        each = lambda gaps: float(np.abs(gaps).sum(axis=-1).mean() / self._steps) if self._steps else float("nan")
        found = {"calibration_error": each(self._gaps), "calibration_noise": each(self._drawn)}
        return {**found, "auroc": self._area()} if self._two else found

    def _area(self) -> float:
        """Pairs of one of each class that are in the right order, ties by half."""
        negative, positive = self._scores
        if not negative.sum() or not positive.sum():
            return float("nan")
        below = np.cumsum(negative) - negative
        return float(np.sum(positive * (below + 0.5 * negative)) / (negative.sum() * positive.sum()))
