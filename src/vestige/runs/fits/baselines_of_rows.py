"""A trained pair beside classifiers that need none of it, on held-out rows of a table."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from vestige.models.tied import TiedPair
from vestige.tasks.tied.row_answers import class_probabilities, log_densities
from vestige.tasks.tied.row_tally import LEAST, PredictedRows, RowTally
from vestige.tasks.tied.rows import LabelledTable

NEAR = 0.02
"""Cross-entropies that differ by a smaller share are as good as each other."""
ROOM = 0.002
"""And by less than this, in nats."""


def rows_compared(task: LabelledTable, model: TiedPair, *, seed: int) -> dict[str, dict[str, Any]]:
    """Who predicts the held-out rows how well.

    Baselines see the rows as the model does: scaled, classes as indicators, of training rows those with a label. For
    the first two a missing value is the mean, and an indicator beside it says so.

    **Arguments:**

    - `task`: with the rows.
    - `model`: trained on it.
    - `seed`: of baselines that draw.

    **Returns:** name -> `said`, `accuracy`, `cross_entropy` (nats), `margin` (half of the 95% interval of its distance
    to the model's, by Student's t over the rows), `ece`, `nll` (of the values of a row, nats as the model sees them),
    None where there is none. The first is the model.
    """
    net, test = model.resolve(), np.asarray(task.test)
    density = log_densities(net, test)
    labels = np.asarray(task.test_labels)
    alone = {"said": "values independent of each other", "nll": task.bounds({"nll": np.zeros(())})["nll"]["chance"]}
    if task.train_labels is None:
        return {"model": _row("the model", nll=-float(density.mean())), "independent": _row(**alone)}
    shown = np.asarray(task.train_labels)
    known = shown.sum(axis=1) > 0
    inputs, classes = np.asarray(task.train)[known], shown[known].argmax(axis=1)
    own = class_probabilities(net, test)
    rows = {"model": _scored("the model", own, density, labels)}
    for name, (said, probabilities) in _baselines(inputs, classes, test, shown.shape[1], seed).items():
        rows[name] = _scored(said, probabilities, None, labels) | {"margin": margin(own, probabilities, labels)}
    return {**rows, "independent": _row(**alone)}


def sentence_of(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Whether the model was worth it, in one sentence.

    **Arguments:** `rows`: as `rows_compared` returns them.
    """
    model = rows["model"]
    if model["cross_entropy"] is None:
        gain = rows["independent"]["nll"] - model["nll"]
        if not gain > 0:
            return (
                "Not worth it: the model gives held-out rows no higher density than values independent of each other."
            )
        return f"Worth it: held-out rows are {gain:.3g} nats more probable than with values independent of each other."
    others = {name: row for name, row in rows.items() if name != "model" and row["cross_entropy"] is not None}
    best = min(others.values(), key=lambda row: row["cross_entropy"])
    ahead = best["cross_entropy"] - model["cross_entropy"]
    said = (
        f"cross-entropy {model['cross_entropy']:.3g} beside {best['cross_entropy']:.3g}, accuracy "
        f"{model['accuracy']:.1%} beside {best['accuracy']:.1%}"
    )
    if not np.isfinite(model["cross_entropy"]):
        return "Not worth it: the model's predictions are not finite; report this, with the file if you can."
    if ahead != 0 and abs(ahead) <= (best.get("margin") or 0):
        return (
            f"Undecided as a classifier: the held-out rows are too few to tell the model from {best['said']}, the best "
            f"without it ({said}; 95% interval of the distance {ahead:+.3g} ± {best['margin']:.2g})."
        )
    if abs(ahead) <= max(NEAR * best["cross_entropy"], ROOM):
        return f"Hardly worth it as a classifier: about as good as {best['said']}, the best without it ({said})."
    if ahead > 0:
        return f"Worth it: the model's classes are better than those of {best['said']}, the best without it ({said})."
    return f"Not worth it as a classifier: {best['said']} is better ({said})."


def margin(own: np.ndarray, other: np.ndarray, labels: np.ndarray) -> float:
    """Half of the 95% interval of the mean distance of two cross-entropies on the same rows, by Student's t.

    **Arguments:**

    - `own`, `other`: (rows, classes), probabilities.
    - `labels`: (rows,) the classes, -1 where not known.

    **Returns:** nats; infinite for less than two rows.
    """
    from scipy.stats import t

    known = np.flatnonzero(labels >= 0)
    if len(known) < 2:
        return float("inf")
    log = lambda probabilities: np.log(np.maximum(probabilities[known, labels[known]], LEAST))
    apart = log(own) - log(other)
    return float(t.ppf(0.975, len(known) - 1) * apart.std(ddof=1) / np.sqrt(len(known)))


def _row(said: str, **numbers: Any) -> dict[str, Any]:
    return {"said": said, "accuracy": None, "cross_entropy": None, "margin": None, "ece": None, "nll": None, **numbers}


def _scored(said: str, probabilities: np.ndarray, density: np.ndarray | None, labels: np.ndarray) -> dict[str, Any]:
    tally, log_density = RowTally(), np.zeros(len(labels)) if density is None else density
    tally.add(PredictedRows(0, probabilities, log_density, labels, -log_density, np.ones(len(labels))))
    found = tally.summary()
    nll = None if density is None else -found.mean_log_density
    return _row(said, accuracy=found.accuracy, cross_entropy=found.cross_entropy, ece=found.ece, nll=nll)


def _baselines(
    inputs: np.ndarray, classes: np.ndarray, test: np.ndarray, count: int, seed: int
) -> dict[str, tuple[str, np.ndarray]]:
    """Name -> who it is, and its probabilities of all classes on the held-out rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    shares = np.bincount(classes, minlength=count) + 1.0
    found = {"majority": ("the most frequent class", np.tile(shares / shares.sum(), (len(test), 1)))}
    if len(np.unique(classes)) < 2:
        return found
    linear = make_pipeline(
        SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=2000)
    )
    boosted = HistGradientBoostingClassifier(random_state=seed)
    for name, said, classifier in (
        ("logistic", "logistic regression", linear),
        ("boosting", "gradient boosting", boosted),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(inputs, classes)
        probabilities = np.zeros((len(test), count))
        probabilities[:, np.asarray(classifier.classes_)] = classifier.predict_proba(test)
        found[name] = said, probabilities
    return found
