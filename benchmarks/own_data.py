"""What `vestige fit` makes of files that nobody here wrote: the tables of docs/results/own-data.md.

    python benchmarks/own_data.py series [--seeds 3]    # ETTh1 and exchange rates, one step ahead
    python benchmarks/own_data.py files [NAME …]        # files inside installed packages, and the shared ones

The files are those of matplotlib, scikit-learn, statsmodels and vega_datasets, where these are installed (the first two
come with Vestige), and of the folder `VESTIGE_DATA`. Runs go to a temporary folder.
"""

import argparse
import contextlib
import gzip
import importlib.util
import io
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from vestige.cli.environment import set_up_compilation

set_up_compilation()

from vestige.data.tables.options import ReadOptions  # noqa: E402
from vestige.errors import UsageError  # noqa: E402
from vestige.runs.fits.fitting import Fitted, fit_table  # noqa: E402

DATA = Path(os.environ.get("VESTIGE_DATA", "data"))
FILES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("statsmodels", "datasets/co2/co2.csv", {}),
    ("statsmodels", "datasets/nile/nile.csv", {}),
    ("statsmodels", "datasets/sunspots/sunspots.csv", {}),
    ("statsmodels", "datasets/elnino/elnino.csv", {}),
    ("statsmodels", "datasets/elec_equip/elec_equip.csv", {}),
    ("statsmodels", "datasets/macrodata/macrodata.csv", {}),
    ("statsmodels", "datasets/interest_inflation/E6.csv", {}),
    ("statsmodels", "datasets/grunfeld/grunfeld.csv", {}),
    ("statsmodels", "datasets/copper/copper.csv", {}),
    ("statsmodels", "datasets/strikes/strikes.csv", {}),
    ("statsmodels", "datasets/stackloss/stackloss.csv", {}),
    ("statsmodels", "datasets/fertility/fertility.csv", {}),
    ("vega_datasets", "_data/seattle-temps.csv", {}),
    ("vega_datasets", "_data/seattle-weather.csv", {}),
    ("vega_datasets", "_data/sf-temps.csv", {}),
    ("vega_datasets", "_data/us-employment.csv", {}),
    ("vega_datasets", "_data/stocks.csv", {}),
    ("vega_datasets", "_data/iowa-electricity.csv", {}),
    ("vega_datasets", "_data/la-riots.csv", {}),
    ("matplotlib", "mpl-data/sample_data/Stocks.csv", {}),
    ("matplotlib", "mpl-data/sample_data/msft.csv", {}),
    ("matplotlib", "mpl-data/sample_data/eeg.dat", {}),
    ("matplotlib", "mpl-data/sample_data/goog.npz", {}),
    ("matplotlib", "mpl-data/sample_data/jacksboro_fault_dem.npz", {}),
    ("matplotlib", "mpl-data/sample_data/jacksboro_fault_dem.npz", {"arrays": "elevation"}),
    ("sklearn", "datasets/data/iris.csv", {}),
    ("sklearn", "datasets/data/wine_data.csv", {}),
    ("sklearn", "datasets/data/digits.csv.gz", {}),
    ("sklearn", "datasets/data/linnerud_exercise.csv", {}),
    ("", "mocap/cmu_mocap6_exercises.npz", {}),
    ("", "mocap/cmu_mocap6_exercises.npz", {"arrays": "x"}),
    ("", "music/jsb_chorales.npz", {}),
    ("", "music/jsb_chorales.npz", {"arrays": "train_rolls"}),
    ("", "hippocampus/linear_track.npz", {}),
    ("", "hippocampus/linear_track.npz", {"arrays": "spike_time,spike_unit", "bin_width": 0.1}),
    ("", "warandpeace/warandpeace.txt.gz", {}),
    ("", "ett/ETTh1.csv.gz", {}),
    ("", "exchange_rate/exchange_rate.txt.gz", {}),
)
"""Package (or the shared folder), path in it, and how it is read."""


def place(package: str, path: str) -> Path | None:
    """Where a file lies; None where its package is not installed."""
    if not package:
        return DATA / path
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / path


def fitted(source: Path, folder: Path, **options: Any) -> Fitted:
    """`fit_table`, without a word."""
    with contextlib.redirect_stdout(io.StringIO()):
        return fit_table(source, folder, command="benchmarks/own_data.py", **options)


def series(seeds: int) -> None:
    """The two standard series."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with gzip.open(DATA / "ett/ETTh1.csv.gz", "rt") as file:
            (folder / "etth1.csv").write_text("".join(line for line, _ in zip(file, range(14_401), strict=False)))
        for name, source in (
            ("ETTh1", folder / "etth1.csv"),
            ("exchange", DATA / "exchange_rate/exchange_rate.txt.gz"),
        ):
            for seed in range(seeds):
                found = fitted(source, folder / f"{name}-{seed}", seed=seed)
                for said in found.why:
                    print(f"<!-- {said} -->")
                for each in found.compared.values():
                    print(f"| {name}, seed {seed} | {each['said']} | {each['error']:.5g} |", flush=True)
                print(f"<!-- {found.sentence} -->", flush=True)


def files(names: list[str], steps: int | None) -> None:
    """A row for each file."""
    print("| file | taken for | last value | ridge AR | best other | model | in the end |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as made:
        for number, (package, path, options) in enumerate(FILES):
            if names and not any(name in path for name in names):
                continue
            said = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in options.items())
            title = f"{package or 'shared'}: {Path(path).name}{f' `{said}`' if said else ''}"
            source = place(package, path)
            if source is None or not source.exists():
                print(f"| {title} | not installed | | | | | |")
                continue
            began = time.monotonic()
            try:
                found = fitted(source, Path(made) / str(number), steps=steps, reading=ReadOptions(**options))
            except UsageError as error:
                print(f"| {title} | refused | | | | | {str(error).replace(str(source.parent) + '/', '')} |", flush=True)
                continue
            errors = {name: each["error"] for name, each in found.compared.items()}
            other = min((name for name in errors if name != "model"), key=errors.__getitem__)
            cells = [errors["last value"], errors.get("ridge autoregression"), errors[other], errors["model"]]
            shown = [f"{cell:.4g}" if cell is not None else "–" for cell in cells]
            shown[2] += f" ({other})"
            taken = found.why[0].removeprefix("Taken for recordings: ").removesuffix(".")
            print(f"| {title} | {taken} | {' | '.join(shown)} | {found.sentence} |", flush=True)
            print(f"<!-- {time.monotonic() - began:.0f} s: {' '.join(found.why[1:])} -->", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    one = commands.add_parser("series")
    one.add_argument("--seeds", type=int, default=3)
    other = commands.add_parser("files")
    other.add_argument("names", nargs="*")
    other.add_argument("--steps", type=int, default=None)
    given = parser.parse_args()
    if given.what == "series":
        series(given.seeds)
    else:
        files(given.names, given.steps)
