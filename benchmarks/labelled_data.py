"""Tables of scikit-learn, classified and completed: the tables of docs/results/own-data.md.

python benchmarks/labelled_data.py [--data iris,wine,cancer,digits] [--seeds 3] [--out FILE.jsonl] [--complete]

A line of JSON for each table, number of labels and seed. Every choice that depends on data is made inside the training
part: the classifier's number of updates on a fifth of it.
"""

import argparse
import json
import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vestige.cli.environment import set_up_compilation
from vestige.learners import Classifier, Completer

DATA = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}
GREY = {"digits": 16.0}
LABELS = (None, 10)
GONE = 0.2
"""Share of the values that is taken away, from training and held-out rows."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", default="labelled-data.jsonl")
    parser.add_argument("--complete", action="store_true")
    settings = parser.parse_args()
    warnings.simplefilter("ignore")
    set_up_compilation()
    with open(settings.out, "a") as out:
        for name in settings.data.split(","):
            X, y = DATA[name](return_X_y=True)
            for labels in ("complete",) if settings.complete else LABELS:
                for seed in range(settings.seeds):
                    rows = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
                    began = time.time()
                    found = (
                        completed(name, *rows[:2], seed) if settings.complete else classified(name, *rows, labels, seed)
                    )
                    head = {"data": name, "labels": labels, "seed": seed, "seconds": time.time() - began}
                    print(json.dumps(head | found), file=out, flush=True)


def classified(name, train, test, y, held, labels, seed):
    known = np.ones(len(y), bool)
    if labels is not None:
        order = np.random.default_rng(seed).permutation(len(y))
        known[:] = False
        for label in np.unique(y):
            known[order[y[order] == label][:labels]] = True
    ours = Classifier(grey=GREY.get(name), unlabelled=-1, random_state=seed)
    ours.fit(train, np.where(known, y, -1))
    found = {"vestige": scored(ours, test, held), "updates": ours.n_updates_}
    for key, other in (
        ("logistic", LogisticRegression(max_iter=5000)),
        ("mlp", MLPClassifier(max_iter=1000, random_state=seed)),
    ):
        model = make_pipeline(StandardScaler(), other).fit(train[known], y[known])
        found[key] = scored(model, test, held)
    return found


def scored(model, test, held):
    probabilities = np.clip(model.predict_proba(test), 1e-12, None)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    right = model.classes_[probabilities.argmax(axis=1)] == held
    return {"accuracy": float(np.mean(right)), "nll": float(log_loss(held, probabilities, labels=model.classes_))}


def completed(name, train, test, seed):
    """Squared errors of what is filled in, in units of the variances of the training."""
    noise = np.random.default_rng(seed)
    kept = train.std(axis=0) > 0
    train, test = train[:, kept], test[:, kept]
    lack = lambda x: np.where(noise.random(x.shape) < GONE, np.nan, x)
    seen, asked = lack(train), lack(test)
    scale = train.std(axis=0)
    error = lambda filled: float(np.mean(np.square((filled - test) / scale)[np.isnan(asked)]))
    centre = np.nanmean(seen, axis=0)
    ours = Completer(grey=GREY.get(name), updates=2000, validation=None, random_state=seed).fit(seen)
    found = {"vestige": error(ours.transform(asked))}
    for key, other in (
        ("mean", SimpleImputer()),
        ("knn", KNNImputer()),
        ("iterative", IterativeImputer(random_state=seed, n_nearest_features=None if name != "digits" else 10)),
    ):
        filled = other.fit((seen - centre) / scale).transform((asked - centre) / scale) * scale + centre
        found[key] = error(filled)
    return found


if __name__ == "__main__":
    main()
