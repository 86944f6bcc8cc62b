"""Who predicts outcomes without a memory: frequencies, and regressions on the step and on the bag of its document."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from vestige.tasks.longterm.outcome_examples import Examples
from vestige.tasks.longterm.outcome_reader import log_probabilities

PENALTIES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverse strengths of regularisation that are tried for logistic regressions."""
RIDGES = (0.01, 1.0, 100.0, 10_000.0)
TESTED = 0.2
"""The last share of the training examples, on which the strength is chosen."""
ITERATIONS = 300


class Baseline(NamedTuple):
    """Who predicts without a memory.

    - `said`: who it is, in words.
    - `predicted`: (held-out, classes) log-probabilities, or (held-out,) numbers.
    """

    said: str
    predicted: np.ndarray


Features = Callable[[Examples], np.ndarray]
SEEN: Mapping[str, tuple[str, Features]] = {
    "current step": ("on the current step", lambda found: found.now),
    "bag of steps": (
        "on the current step and the bag of the steps of its document so far",
        lambda found: np.concatenate([found.now, found.bag], axis=1),
    ),
}


def of_classes(train: Examples, held_out: Examples, classes: int, *, regressions: bool) -> dict[str, Baseline]:
    """The baselines of an outcome that is a class.

    **Arguments:**

    - `train`, `held_out`: steps whose outcome is known.
    - `classes`: how many there are.
    - `regressions`: whether logistic regressions are among them; they take time in proportion to the features.

    **Returns:** name -> log-probabilities.
    """
    logs = frequencies(train.outcomes, classes)
    found = {"class frequencies": Baseline("how often each class comes", np.tile(logs, (len(held_out.outcomes), 1)))}
    for name, (said, features) in SEEN.items() if regressions else ():
        predicted = _logistic(features(train), train.outcomes, features(held_out), classes)
        found[f"logistic, {name}"] = Baseline(f"logistic regression {said}", predicted)
    return found


def frequencies(outcomes: np.ndarray, classes: int) -> np.ndarray:
    """(classes,) the logarithm of how often each of the `classes` comes in `outcomes`; one is added to each count."""
    counts = np.bincount(outcomes, minlength=classes) + 1.0
    return np.log(counts / counts.sum())


def of_numbers(train: Examples, held_out: Examples, *, regressions: bool) -> dict[str, Baseline]:
    """The baselines of an outcome that is a number, in units of the training.

    **Arguments:**

    - `train`, `held_out`: steps whose outcome is known.
    - `regressions`: whether ridge regressions are among them.

    **Returns:** name -> numbers.
    """
    mean = float(train.outcomes.mean())
    last = np.where(np.isnan(held_out.last), mean, held_out.last)
    found = {
        "mean": Baseline("the mean in training", np.full(len(held_out.outcomes), mean)),
        "last outcome": Baseline("the last known outcome of the document", last),
    }
    for name, (said, features) in SEEN.items() if regressions else ():
        predicted = _ridge(features(train), train.outcomes.astype(np.float64), features(held_out))
        found[f"ridge, {name}"] = Baseline(f"ridge regression {said}", predicted)
    return found


def _logistic(train: np.ndarray, outcomes: np.ndarray, held_out: np.ndarray, classes: int) -> np.ndarray:
    """Log-probabilities by multinomial logistic regression of scikit-learn, its strength chosen on the last fifth of
    the training examples. A class that does not occur in them gets the frequency of a class of one example."""
    from sklearn.linear_model import LogisticRegression

    def fitted(rows: np.ndarray, labels: np.ndarray, strength: float) -> Callable[[np.ndarray], np.ndarray]:
        present = np.unique(labels)
        rare = (classes - len(present)) / (len(labels) + classes)
        logs = np.full(classes, np.log(1.0 / (len(labels) + classes)))
        if len(present) < 2:
            logs[present] = np.log1p(-rare)
            return lambda asked: np.tile(logs, (len(asked), 1))
        net = LogisticRegression(C=strength, max_iter=ITERATIONS).fit(scaled(rows), labels)

        def predict(asked: np.ndarray) -> np.ndarray:
            found = np.tile(logs, (len(asked), 1))
            scores = net.decision_function(scaled(asked))
            logits = scores if scores.ndim == 2 else np.stack([np.zeros(len(scores)), scores], axis=1)
            found[:, present] = log_probabilities(logits) + np.log1p(-rare)  # finite however sure it is
            return found

        return predict

    scaled = _scaled(train)
    cut = len(train) - max(1, round(TESTED * len(train)))
    if cut < 1:
        return fitted(train, outcomes, 1.0)(held_out)
    losses = {}
    for strength in PENALTIES:
        logs = fitted(train[:cut], outcomes[:cut], strength)(train[cut:])
        losses[strength] = -float(np.mean(logs[np.arange(len(logs)), outcomes[cut:]]))
    return fitted(train, outcomes, min(PENALTIES, key=lambda strength: losses[strength]))(held_out)


def _ridge(train: np.ndarray, outcomes: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import Ridge

    scaled = _scaled(train)
    cut = len(train) - max(1, round(TESTED * len(train)))
    best = RIDGES[1]
    if cut > 1:
        losses = {
            penalty: float(
                np.mean(
                    np.square(
                        Ridge(penalty).fit(scaled(train[:cut]), outcomes[:cut]).predict(scaled(train[cut:]))
                        - outcomes[cut:]
                    )
                )
            )
            for penalty in RIDGES
        }
        best = min(RIDGES, key=lambda penalty: losses[penalty])
    return Ridge(best).fit(scaled(train), outcomes).predict(scaled(held_out))


def _scaled(train: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Features in units of their standard deviations in training; one that never changes there is 0."""
    centre, scale = train.mean(axis=0, dtype=np.float64), train.std(axis=0, dtype=np.float64)
    still = scale < 1e-12
    return lambda rows: np.where(still, 0.0, (rows - centre) / np.where(still, 1.0, scale))
