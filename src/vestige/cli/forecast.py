"""`vestige forecast RUN DATA --horizon H --out FILE`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from vestige.cli.environment import set_up_compilation
from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import simple
from vestige.cli.run_on_table import RunOnTable
from vestige.data.tables.options import words
from vestige.errors import UsageError, shown

if TYPE_CHECKING:
    from vestige.runs.back_test import BackTest
    from vestige.runs.forecasting import ForecastOptions

SHOWN = (1, 2, 3, 6, 12, 24, 48, 96, 192, 384, 768)
"""Steps ahead for which a back-test has a line, beside the last."""


@dataclasses.dataclass(frozen=True)
class ForecastSettings(RunOnTable):
    """Which run, which table, how far, and where the forecasts go."""

    horizon: int | None = None
    """How many steps after the last row."""
    quantiles: str = "0.05,0.5,0.95"
    """Levels of the quantiles, with commas between them."""
    paths: int = 200
    """Samples of what may come."""
    seed: int = 0
    """Of the samples."""
    origins: int | None = None
    """Back-test: forecast from so many rows too, evenly spaced, and compare with what came. Quantiles are then
    calibrated on the errors. On the file of the training it lies in the part that was held out."""
    every: int | None = None
    """Back-test from one in so many rows, instead of --origins."""
    season: int | None = None
    """Steps of a season, with which the back-test compares; 0: none. None: as the times suggest, a day of what is read
    several times a day, a week of days, a year of weeks, months and quarters."""
    columns: str | None = None
    """Columns whose forecasts are written, A,B; by default all that the run predicts."""

    def wanted(self) -> "ForecastOptions":
        """What is to be forecast. **Raises:** `UsageError` for what cannot be."""
        from vestige.runs.forecasting import ForecastOptions

        try:
            levels = tuple(float(word) for word in words(self.quantiles))
        except ValueError:
            raise UsageError(
                f"--quantiles must be numbers with commas, such as 0.05,0.5,0.95, got '{shown(self.quantiles, 40)}'"
            ) from None
        assert self.horizon is not None
        found = ForecastOptions(self.horizon, levels, self.paths, self.seed, self.origins, self.every, self.season)
        found.check()
        return found


DESCRIPTION = (
    "The steps after the end of a table, or of each of its documents: mean and quantiles of each channel in its own "
    "units, by sampled paths; with --origins, how good such forecasts were, step by step. For runs of the experiment "
    "recordings."
)


def main(arguments: list[str]) -> int:
    """Write forecasts of a table and print how good they would have been; the run folder is only read."""
    settings = simple("forecast", DESCRIPTION, ForecastSettings, arguments)
    settings.listen()
    if settings.folder == Path() or settings.table == Path() or settings.out is None or settings.horizon is None:
        raise UsageError(
            "which run, which table, how far, and where to? vestige forecast RUN DATA --horizon H --out FILE.csv"
        )
    wanted = settings.wanted()
    from vestige.runs.forecasting import write_forecasts
    from vestige.runs.predicting import check_out

    check_out(settings.out, str(settings.table), force=settings.force)
    set_up_compilation()
    from vestige.runs.restoring import load

    run = load(settings.folder, without_data=True)
    forecasts = run.forecast(settings.table, options=settings.read_options(), **wanted._asdict())
    documents = write_forecasts(forecasts, settings.out, run=run, columns=settings.columns, force=settings.force)
    for notice in [*run.notices, *forecasts.notices]:
        settings.warn(notice)
    back_test = forecasts.back_test
    if settings.json:
        found = {"update": run.step, "documents": documents, "calibrated": forecasts.calibrated}
        settings.print_json({**found, "back_test": back_test and back_test.as_plain()})
        return 0
    console = Console(highlight=False)
    of = f" of {documents:,} documents" if documents > 1 else ""
    console.print(f"{settings.out}: {wanted.horizon:,} steps ahead{of}.", soft_wrap=True, markup=False)
    if back_test is None:
        said = "Quantiles are the model's own, not calibrated; --origins 100 compares forecasts with what came."
        console.print(said, soft_wrap=True)
    else:
        _show(console, back_test, calibrated=forecasts.calibrated)
    return 0


def _show(console: Console, found: "BackTest", *, calibrated: bool) -> None:
    origins = f"{found.origins:,} rows, {found.first:,} to {found.last:,}"
    console.print(f"Back-test from {origins}. {found.sentence()}", soft_wrap=True, markup=False)
    names = {"model": "model", "last": "last value", "seasonal": f"{found.season} before", "linear": "linear"}
    share = lambda value: f"{value:.1%}" if np.isfinite(value) else "–"
    steps, rows = len(found.errors["model"]), []
    for step in sorted({step for step in SHOWN if step < steps} | {steps}):
        errors = [f"{each[step - 1]:.4g}" for each in found.errors.values()]
        shares = [share(each[step - 1]) for each in (found.later_coverage, found.calibrated_coverage)]
        rows.append([f"{step:,}", *errors, *shares])
    means = [f"{np.nanmean(each):.4g}" for each in found.errors.values()]
    shares = [share(float(np.mean(each))) for each in (found.later_coverage, found.calibrated_coverage)]
    headings = ["steps ahead", *(names[who] for who in found.errors), "covered", "calibrated"]
    print_grid(Grid(headings, [*rows, ["all", *means, *shares]]), console)
    whose = "calibrated" if calibrated else "the model's own"
    console.print(
        "Mean squared errors of a value, in units of the standard deviations in training. Covered: of values after the "
        f"later half of the rows, by the model's own interval of {found.interval:.6g}, and by one calibrated on the "
        f"earlier half. The quantiles in the file are {whose}.",
        soft_wrap=True,
    )
