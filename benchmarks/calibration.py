"""Ways to get probabilities out of classifiers of scikit-learn, on its own data sets.

    python benchmarks/calibration.py           the table of docs/your-data.md

Each network has two hidden layers of 100 units and no weight decay, so that few rows make it over-confident; it is
trained on `rows` of a data set with standardised features, and `vestige.calibrate` gets the others. Seeds 0, 1, 2 of
division and weights; the median.
"""

import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import vestige

SETS = {
    "digits": (load_digits, 100),
    "digits, more rows": (load_digits, 600),
    "breast cancer": (load_breast_cancer, 60),
}
SETS["wine"] = (load_wine, 40)
WAYS = ("plain", "ap2", "sampled", "temperature", "ap2-temperature")
SEEDS = (0, 1, 2)


def found(load, rows: int, activation: str, seed: int):
    inputs, labels = load(return_X_y=True)
    split = train_test_split(inputs, labels, train_size=rows, random_state=seed, stratify=labels)
    scaler = StandardScaler().fit(split[0])
    model = MLPClassifier((100, 100), activation=activation, alpha=0, max_iter=500, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where it has not converged
        model.fit(scaler.transform(split[0]), split[2])
    return vestige.calibrate(model, scaler.transform(split[1]), split[3], seed=seed)


def main() -> None:
    print(f"| data, rows, units | confidence - accuracy | {' | '.join(WAYS)} | isotonic, calibration error |")
    print("|---" * (len(WAYS) + 3) + "|")
    for name, (load, rows) in SETS.items():
        for activation in ("logistic", "tanh"):
            runs = [found(load, rows, activation, seed) for seed in SEEDS]
            middle = lambda number, runs=runs: np.median([number(run) for run in runs])
            losses = [middle(lambda run, way=way: run.ways[way].nll.value) for way in WAYS]
            gaps = [middle(lambda run, way=way: run.ways[way].ece.value) for way in WAYS]
            cells = [f"{loss:.3f} ({gap:.3f})" for loss, gap in zip(losses, gaps, strict=True)]
            over = middle(lambda run: run.over_confidence)
            isotonic = middle(lambda run: run.ways["isotonic"].ece.value)
            print(f"| {name}, {rows}, {activation} | {over:+.3f} | {' | '.join(cells)} | {isotonic:.3f} |", flush=True)


if __name__ == "__main__":
    main()
