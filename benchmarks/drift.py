"""Streams whose law changes half-way, learned as they come: a `Learner` beside online models of river and statsmodels.

    pip install river statsmodels
    python benchmarks/drift.py [--seeds 10 11 12 13 14] [--streams law waves gain ett] [--only NAME …]
    python benchmarks/drift.py --choose    # the settings of the others, on other seeds and the beginning of ett

`law`: a vector autoregression of order 2 of three values, another one after half of 4,000 rows. `waves`: two sinusoids
in noise, other periods and amplitudes after half. `gain`: one autoregression whose sensors change gain and level.
`ett`: ETTh1 in its order (VESTIGE_DATA), from row 3,000 on. Every row is predicted from those before it, and nothing
else is known; all see the same 8 last rows. Errors are squared, in units of the variance of the first 200 rows (of ett:
8,640), summed over values: the last 1,000 rows before the change, the first 50 after it, the 450 after these, and the
last 1,000 of all; medians over seeds. Time is that of a row on one core, predicting and learning included.
"""

import argparse
import csv
import gzip
import os
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

LAGS, ROWS, VALUES, EARLY, ETT_FROM = 8, 4000, 3, 200, 3000


def stable(rng: np.random.Generator, order: int = 2, radius: float = 0.95) -> np.ndarray:
    """Coefficients (order, VALUES, VALUES) of an autoregression whose largest root is `radius`."""
    law = rng.normal(size=(order, VALUES, VALUES)) / np.sqrt(order * VALUES)
    companion = np.eye(order * VALUES, k=-VALUES)
    companion[:VALUES] = np.concatenate(law, axis=1)
    largest = np.abs(np.linalg.eigvals(companion)).max()
    return law * (radius / largest) ** np.arange(1, order + 1)[:, None, None]


def autoregression(rng: np.random.Generator, laws: list[np.ndarray]) -> np.ndarray:
    rows = np.zeros((ROWS + 2, VALUES))
    for t in range(ROWS):
        law = laws[t * len(laws) // ROWS]
        rows[t + 2] = law[0] @ rows[t + 1] + law[1] @ rows[t] + rng.normal(size=VALUES)
    return rows[2:]


def law(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return autoregression(rng, [stable(rng), stable(rng)])


def waves(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    half = (np.arange(ROWS) >= ROWS // 2).astype(int)
    periods, sizes = rng.uniform(10, 60, size=(2, 2)), rng.normal(size=(2, 2, VALUES))
    phases = np.cumsum(2 * np.pi / periods[half], axis=0)
    seen = sum(sizes[half, k] * np.sin(phases[:, k, None] + np.arange(VALUES)) for k in range(2))
    return seen + 0.2 * rng.normal(size=(ROWS, VALUES))


def gain(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, late = autoregression(rng, [stable(rng)]), np.arange(ROWS)[:, None] >= ROWS // 2
    gains, levels = 10 ** rng.uniform(-1, 1, size=VALUES), 10 * rng.normal(size=VALUES)
    return np.where(late, levels + gains * rows, rows)


def ett(seed: int) -> np.ndarray:
    del seed
    path = Path(os.environ["VESTIGE_DATA"]) / "ett" / "ETTh1.csv.gz"
    with gzip.open(path, "rt") as file:
        return np.array([row[1:] for row in list(csv.reader(file))[1:]], float)


STREAMS: dict[str, Callable[[int], np.ndarray]] = {"law": law, "waves": waves, "gain": gain, "ett": ett}


# Each takes rows and returns the predictions of them, (rows, values); those of the first EARLY do not count.


def last_value(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows[:1], rows[:-1]])


def learner(rows: np.ndarray, model=None, **options) -> np.ndarray:
    from vestige import Learner

    made = Learner(**({"model": model} if model else {}), **options)
    made.partial_fit(rows[:EARLY])
    found = np.full(rows.shape, np.nan)
    for t in range(EARLY, len(rows)):
        found[t] = made.predict().mean
        made.partial_fit(rows[t])
    return found


def lagged(rows: np.ndarray) -> np.ndarray:
    """(rows, LAGS · values): what each row is predicted from; zeros before the first."""
    padded = np.concatenate([np.zeros((LAGS, rows.shape[1])), rows])
    return np.concatenate([padded[LAGS - k : len(padded) - k] for k in range(1, LAGS + 1)], axis=1)


def scaled(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, scale = rows[:EARLY].mean(axis=0), rows[:EARLY].std(axis=0)
    return (rows - mean) / scale, mean, scale


def of_river(make: Callable[[], object], rows: np.ndarray) -> np.ndarray:
    """A regressor for each value, on the last rows of all of them."""
    values, mean, scale = scaled(rows)
    names = [f"{k}" for k in range(LAGS * rows.shape[1])]
    models = [make() for _ in range(rows.shape[1])]
    found = np.zeros(rows.shape)
    for t, lags in enumerate(lagged(values)):
        x = dict(zip(names, lags.tolist(), strict=True))
        for j, model in enumerate(models):
            found[t, j] = model.predict_one(x)
            model.learn_one(x, values[t, j])
    return mean + scale * found


def river_linear(rows: np.ndarray, rate: float = 0.01) -> np.ndarray:
    from river import compose, linear_model, optim, preprocessing

    def make():
        regressor = linear_model.LinearRegression(optimizer=optim.SGD(rate), intercept_lr=rate)
        return compose.Pipeline(preprocessing.StandardScaler(), regressor)

    return of_river(make, rows)


def river_bayes(rows: np.ndarray, smoothing: float | None = None) -> np.ndarray:
    from river import linear_model

    return of_river(lambda: linear_model.BayesianLinearRegression(smoothing=smoothing), rows)


def river_snarimax(rows: np.ndarray, rate: float = 0.01) -> np.ndarray:
    from river import compose, linear_model, optim, preprocessing, time_series

    values, mean, scale = scaled(rows)
    found = np.zeros(rows.shape)
    for j in range(rows.shape[1]):
        regressor = linear_model.LinearRegression(optimizer=optim.SGD(rate), intercept_lr=rate)
        regressor = compose.Pipeline(preprocessing.StandardScaler(), regressor)
        model = time_series.SNARIMAX(p=LAGS, d=0, q=0, regressor=regressor)
        for t in range(len(rows)):
            found[t, j] = model.forecast(horizon=1)[0] if t > LAGS else 0.0
            model.learn_one(values[t, j])
    return mean + scale * found


def statsmodels_recursive(rows: np.ndarray) -> np.ndarray:
    """RecursiveLS: least squares over all that came, by the Kalman filter."""
    from statsmodels.regression.recursive_ls import RecursiveLS

    values, mean, scale = scaled(rows)
    x = np.column_stack([np.ones(len(rows)), lagged(values)])
    coefficients = [RecursiveLS(values[:, j], x).fit().recursive_coefficients.filtered for j in range(rows.shape[1])]
    before = np.stack([np.concatenate([np.zeros((len(each), 1)), each[:, :-1]], axis=1).T for each in coefficients])
    return mean + scale * np.einsum("jtl,tl->tj", before, x)


def statsmodels_rolling(rows: np.ndarray, window: int = 500) -> np.ndarray:
    """RollingOLS: least squares over the last rows."""
    from statsmodels.regression.rolling import RollingOLS

    values, mean, scale = scaled(rows)
    x = np.column_stack([np.ones(len(rows)), lagged(values)])
    found = np.zeros(rows.shape)
    for j in range(rows.shape[1]):
        fitted = RollingOLS(values[:, j], x, window=window, min_nobs=x.shape[1] + 5, expanding=True).fit()
        before = np.concatenate([np.zeros((1, x.shape[1])), np.nan_to_num(np.asarray(fitted.params))[:-1]])
        found[:, j] = (before * x).sum(axis=1)
    return mean + scale * found


def statsmodels_statespace(rows: np.ndarray) -> np.ndarray:
    """VARMAX of order 2, a state-space model: fitted on the first EARLY rows, then filtered on."""
    from statsmodels.tsa.statespace.varmax import VARMAX

    values, mean, scale = scaled(rows)
    fitted = VARMAX(values[:EARLY], order=(2, 0), trend="c").fit(disp=False, maxiter=100)
    return mean + scale * fitted.apply(values).predict()


CHOICES: dict[str, tuple[Callable[..., np.ndarray], str, tuple]] = {
    "river linear": (river_linear, "rate", (0.001, 0.003, 0.01, 0.03)),
    "river SNARIMAX": (river_snarimax, "rate", (0.001, 0.003, 0.01, 0.03)),
    "river Bayes": (river_bayes, "smoothing", (None, 0.99, 0.998)),
    "statsmodels rolling": (statsmodels_rolling, "window", (100, 200, 500, 1000)),
}
"""The settings of the others, and where they are chosen from (`--choose`)."""
CHOSEN: dict[str, dict[str, float | None]] = {
    "river linear": {"law": 0.003, "waves": 0.003, "gain": 0.001, "ett": 0.001},
    "river SNARIMAX": {"law": 0.003, "waves": 0.003, "gain": 0.001, "ett": 0.003},
    "river Bayes": {"law": 0.99, "waves": 0.998, "gain": 0.99},
    "statsmodels rolling": {"law": 500, "waves": 500, "gain": 200, "ett": 500},
}
"""The best of them, for each stream."""
WHO: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "Learner": learner,
    "last value": last_value,
    "statsmodels recursive": statsmodels_recursive,
    "statsmodels state space": statsmodels_statespace,
}


def predicts(name: str, stream: str) -> Callable[[np.ndarray], np.ndarray]:
    if name in WHO:
        return WHO[name]
    of, option, _ = CHOICES[name]
    return partial(of, **{option: CHOSEN[name][stream]})


def errors(rows: np.ndarray, found: np.ndarray, unit: np.ndarray) -> np.ndarray:
    wrong = np.where(np.isfinite(found), found, np.inf) - rows
    return (np.square(wrong) / unit).sum(axis=1)


def parts(stream: str, each: np.ndarray) -> Iterator[float]:
    if stream == "ett":
        yield from (float(part.mean()) for part in np.array_split(each[ETT_FROM:], 4))
        return
    half = ROWS // 2
    for start, end in ((half - 1000, half), (half, half + 50), (half + 50, half + 500), (ROWS - 1000, ROWS)):
        yield float(each[start:end].mean())


def chosen() -> None:
    for name, (of, option, values) in CHOICES.items():
        for value in values:
            said = []
            for stream in STREAMS:
                if stream == "ett" and name == "river Bayes":
                    continue  # it takes hours
                means = []
                for seed in (0, 1, 2) if stream != "ett" else (0,):
                    rows = STREAMS[stream](seed)[: ETT_FROM if stream == "ett" else None]
                    found = errors(rows, of(rows, **{option: value}), rows[:EARLY].var(axis=0))
                    means.append(float(found[EARLY:].mean()))
                said.append(f"{stream} {np.median(means):9.3f}")
            print(f"{name:24} {option} {value!s:6} {'  '.join(said)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12, 13, 14])
    parser.add_argument("--streams", nargs="+", choices=list(STREAMS), default=list(STREAMS))
    parser.add_argument("--only", nargs="+", choices=[*WHO, *CHOICES], default=[*WHO, *CHOICES])
    parser.add_argument("--choose", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="statsmodels")
    if options.choose:
        chosen()
        return
    for stream in options.streams:
        print(f"\n{stream}: before, just after, soon after, well after (ett: four quarters); µs a row", flush=True)
        for name in options.only:
            if stream == "ett" and name == "river Bayes":
                continue
            found, paces = [], []
            for seed in options.seeds if stream != "ett" else options.seeds[:1]:
                rows = STREAMS[stream](seed)
                begun = time.perf_counter()
                predicted = predicts(name, stream)(rows)
                paces.append((time.perf_counter() - begun) / len(rows) * 1e6)
                unit = rows[: 8640 if stream == "ett" else EARLY].var(axis=0)
                found.append(list(parts(stream, errors(rows, predicted, unit))))
            said = "  ".join(f"{value:9.3f}" for value in np.median(found, axis=0))
            print(f"{name:24} {said}   {np.median(paces):9.0f}", flush=True)


if __name__ == "__main__":
    main()
