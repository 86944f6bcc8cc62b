"""Calibration after training, by data that were held out from it."""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.isotonic import IsotonicRegression

HOTTEST = 100.0
"""Temperatures are sought between this and its inverse."""


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T at which softmax(logits / T) makes the labels most probable (Guo et al. 2017).

    **Arguments:**

    - `logits`: (rows, classes), of validation data.
    - `labels`: (rows,), integers.

    **Returns:** T > 0, within 0.01 to 100. The loss is convex in 1/T, and searched to 1e-6 of its logarithm.
    """
    rows = np.arange(len(labels))

    def loss(log_t: float) -> float:
        return -float(np.mean(log_softmax(logits * np.exp(-log_t), axis=1)[rows, labels]))

    edge = np.log(HOTTEST)
    found: Any = minimize_scalar(loss, bounds=(-edge, edge), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def isotonic(known: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Probabilities after isotonic regression of each class against the others (Zadrozny and Elkan 2002).

    **Arguments:**

    - `known`: (rows, classes), probabilities of validation data.
    - `labels`: (rows,), integers.
    - `probabilities`: (others, classes), to be calibrated.

    **Returns:** (others, classes), normalised; evenly where all classes are at zero. Of two classes the second is
    calibrated and the first is what is left.
    """
    classes = known.shape[1]
    chosen = [1] if classes == 2 else list(range(classes))
    columns = []
    for label in chosen:
        curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        columns.append(curve.fit(known[:, label], labels == label).predict(probabilities[:, label]))
    found = np.stack([1 - columns[0], columns[0]] if classes == 2 else columns, axis=1)
    total = found.sum(axis=1, keepdims=True)
    return np.where(total > 0, found / np.where(total > 0, total, 1.0), 1.0 / classes)
