"""Forecasts of two standard series by `vestige fit`, beside a VAR and a GRU: a table of docs/results/own-data.md.

    python benchmarks/own_data_forecasts.py [ETTh1|exchange …] [--who fit,gru,var] [--seeds 3] [--origins 300]

ETTh1: the first 14,400 hours, of which the last 2,880 are held out; exchange rates: the last fifth. Everybody forecasts
96 steps from the same held-out rows and knows all rows up to each. The VAR (statsmodels) has the order of the lowest
AIC among 1 to 48 on the rows before the held-out ones. The GRU is trained by back-propagation on windows of 96 rows to
give the next 96 at once (squared error of the changes from the last value); width and number of updates are chosen on
the last fifth of the rows before. Needs statsmodels, and the folder `VESTIGE_DATA`.
"""

import argparse
import gzip
import importlib
import os
import tempfile
from pathlib import Path

from vestige.cli.environment import set_up_compilation

set_up_compilation()

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from vestige.runs import load  # noqa: E402
from vestige.runs.back_test import back_test_rows  # noqa: E402
from vestige.runs.fits.fitting import fit_table  # noqa: E402
from vestige.tasks.filtering.custom_data import CustomRecordings  # noqa: E402

DATA = Path(os.environ.get("VESTIGE_DATA", "data"))
HORIZON, SEEN = 96, 96
SHOWN = (1, 24, 96)
HELD_OUT = 0.2


def etth1(folder: Path) -> tuple[Path, np.ndarray]:
    """The first 14,400 hours."""
    with gzip.open(DATA / "ett/ETTh1.csv.gz", "rt") as file:
        lines = [line for line, _ in zip(file, range(14_401), strict=False)]
    (folder / "etth1.csv").write_text("".join(lines))
    return folder / "etth1.csv", np.array([line.strip().split(",")[1:] for line in lines[1:]], np.float64)


def exchange(folder: Path) -> tuple[Path, np.ndarray]:
    """Daily rates of eight countries."""
    source = DATA / "exchange_rate/exchange_rate.txt.gz"
    return source, np.loadtxt(source, delimiter=",")


SERIES = {"ETTh1": etth1, "exchange": exchange}


def vector_autoregression(rows: np.ndarray, train: int, origins: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Forecasts (origins, horizon, p), nats a held-out step one step ahead, and the order."""
    api = importlib.import_module("statsmodels.tsa.api")
    found = api.VAR(rows[:train]).fit(maxlags=48, ic="aic")
    order = found.k_ar
    ahead = np.stack([found.forecast(rows[row - order + 1 : row + 1], HORIZON) for row in origins])
    lags = np.concatenate([rows[train - k : len(rows) - k] for k in range(1, order + 1)], axis=1)
    errors = rows[train:] - (found.intercept + lags @ np.concatenate([w.T for w in found.coefs]))
    covariance = np.asarray(found.sigma_u_mle)
    squares = np.einsum("ni,ij,nj->n", errors, np.linalg.inv(covariance), errors)
    _, logs = np.linalg.slogdet(2 * np.pi * covariance)
    return ahead, float(np.mean((squares + logs) / 2)), order


class Recurrent(eqx.Module):
    """A GRU over a window, and a linear map from its last state to all steps ahead."""

    cell: eqx.nn.GRUCell
    out: eqx.nn.Linear

    def __init__(self, p: int, width: int, *, key: jax.Array):
        one, two = jax.random.split(key)
        self.cell, self.out = eqx.nn.GRUCell(p, width, key=one), eqx.nn.Linear(width, HORIZON * p, key=two)

    def __call__(self, window: jax.Array) -> jax.Array:
        state, _ = jax.lax.scan(
            lambda h, x: (self.cell(x, h), None), jnp.zeros(self.cell.hidden_size), window - window[-1]
        )
        return window[-1] + self.out(state).reshape(HORIZON, -1)


def trained_gru(rows: np.ndarray, width: int, rate: float, updates: int, seed: int, every: int, test: np.ndarray):
    """The network after each `every` updates, and its squared error on windows that end at `test`."""
    scaled = jnp.asarray(rows, jnp.float32)
    model = Recurrent(rows.shape[1], width, key=jax.random.key(seed))
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))
    state = optimiser.init(eqx.filter(model, eqx.is_array))
    last = int(test.min()) - HORIZON if len(test) else len(rows) - HORIZON
    cut = lambda row, steps: jax.lax.dynamic_slice_in_dim(scaled, row, steps)

    def error(model: Recurrent, row: jax.Array) -> jax.Array:
        return jnp.mean(jnp.square(model(cut(row - SEEN + 1, SEEN)) - cut(row + 1, HORIZON)))

    @eqx.filter_jit
    def train(model, state, key):
        def update(carry, key):
            arrays, state = carry
            rows = jax.random.randint(key, (32,), SEEN - 1, last)
            loss = lambda arrays: jnp.mean(jax.vmap(lambda r: error(eqx.combine(arrays, static), r))(rows))
            change, state = optimiser.update(jax.grad(loss)(arrays), state)
            return (eqx.apply_updates(arrays, change), state), None

        arrays, static = eqx.partition(model, eqx.is_array)
        (arrays, state), _ = jax.lax.scan(update, (arrays, state), jax.random.split(key, every))
        return eqx.combine(arrays, static), state

    found, kept = [], []
    errors = eqx.filter_jit(lambda model: jnp.mean(jax.vmap(lambda r: error(model, r))(jnp.asarray(test))))
    for step in range(0, updates, every):
        model, state = train(model, state, jax.random.fold_in(jax.random.key(seed), step))
        found.append(float(errors(model)) if len(test) else np.nan)
        kept.append(model)
    return kept, np.array(found)


def recurrent(rows: np.ndarray, train: int, origins: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    """Forecasts (origins, horizon, p), and what was chosen."""
    centre, scale = rows[:train].mean(axis=0), rows[:train].std(axis=0)
    scaled = (rows - centre) / scale
    early = round((1 - HELD_OUT) * train)
    test = np.arange(early, train - HORIZON, 24)
    best = (np.inf, 0, 0.0, 0)
    for width in (32, 96):
        _, errors = trained_gru(scaled[:train], width, 1e-3, 2000, seed, 250, test)
        best = min(best, (float(errors.min()), width, 1e-3, 250 * (1 + int(errors.argmin()))))
    _, width, rate, updates = best
    kept, _ = trained_gru(scaled[:train], width, rate, updates, seed, 250, np.zeros(0, np.int64))
    windows = jnp.asarray(np.stack([scaled[row - SEEN + 1 : row + 1] for row in origins]), jnp.float32)
    ahead = np.asarray(jax.vmap(kept[-1])(windows), np.float64) * scale + centre
    return ahead, f"width {width}, rate {rate:g}, {updates:,} updates"


def main(names: list[str], who: set[str], seeds: int, origins: int) -> None:
    """The rows of the table: squared error of a value at single steps ahead, in training variances."""
    print("| series | who | " + " | ".join(f"step {step}" for step in SHOWN) + " | mean of 96 |")
    print("|---" * (3 + len(SHOWN)) + "|")
    with tempfile.TemporaryDirectory() as made:
        for name in names:
            source, rows = SERIES[name](Path(made))
            train = len(rows) - round(HELD_OUT * len(rows))
            scale = rows[:train].std(axis=0)

            def tell(who: str, errors: np.ndarray, name: str = name) -> None:
                steps = " | ".join(f"{errors[step - 1]:.4g}" for step in SHOWN)
                print(f"| {name} | {who} | {steps} | {errors.mean():.4g} |", flush=True)

            chosen = back_test_rows(
                ((0, len(rows)),), name, horizon=HORIZON, lead=1, origins=origins, every=None, held_out=HELD_OUT
            )
            came = np.stack([rows[row + 1 : row + 1 + HORIZON] for row in chosen])
            wrong = lambda ahead, came=came, scale=scale: np.square((ahead - came) / scale).mean(axis=(0, 2))
            for seed in range(seeds) if "fit" in who else ():
                folder = Path(made) / f"{name}-{seed}"
                found = fit_table(source, folder, seed=seed, held_out=HELD_OUT, command="benchmarks")
                for said in found.why:
                    print(f"<!-- {said} -->")
                run = load(folder)
                test = run.forecast(source, horizon=HORIZON, origins=origins, season=None).back_test
                assert test is not None and (test.first, test.last) == (chosen[0] + 1, chosen[-1] + 1)
                tell(f"vestige fit, seed {seed}", test.errors["model"])
                print(
                    f"<!-- coverage {test.coverage.mean():.3f}, later {test.later_coverage.mean():.3f}, calibrated "
                    f"{test.calibrated_coverage.mean():.3f} -->"
                )
                for other in ("last", "seasonal", "linear"):
                    if not seed and other in test.errors:
                        tell(f"{other} (season {test.season})", test.errors[other])
                surprise = np.concatenate([chunk.surprise for chunk in run.predict(source)])
                assert isinstance(run.components.task, CustomRecordings)
                unit = np.log(run.components.task.scaling.scale).sum()
                nats = float(surprise[train:].mean() + unit)
                print(f"<!-- {name}, seed {seed}: {nats:.4f} nats a held-out step; {found.sentence} -->", flush=True)
            for seed in range(seeds) if "gru" in who else ():
                ahead, said = recurrent(rows, train, chosen, seed)
                tell(f"GRU, seed {seed} ({said})", wrong(ahead))
            if "var" in who:
                ahead, nats, order = vector_autoregression(rows, train, chosen)
                tell(f"VAR({order})", wrong(ahead))
                print(f"<!-- {name}: VAR {nats:.4f} nats a held-out step -->", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SERIES)}; by default all")
    parser.add_argument("--who", default="fit,gru,var")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--origins", type=int, default=300)
    given = parser.parse_args()
    main(given.names or list(SERIES), set(given.who.split(",")), given.seeds, given.origins)
