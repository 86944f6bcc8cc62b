"""`vestige predict RUN DATA --out FILE`."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from vestige.cli.environment import enable_compilation_cache
from vestige.cli.parse import simple
from vestige.cli.run_on_table import RunOnTable
from vestige.cli.tables import plain_table
from vestige.errors import UsageError

if TYPE_CHECKING:
    from vestige.runs.prediction_tally import PredictionSummary

MOST_CHANNELS = 20


@dataclasses.dataclass(frozen=True)
class PredictSettings(RunOnTable):
    """Which run, which table, and where the predictions go."""

    interval: float = 0.9
    """The share of values that the intervals are to cover."""


DESCRIPTION = (
    "Every step of a table, predicted before it is seen: mean and interval of each channel in its own units, and the "
    "step's surprise. For runs of the experiment recordings."
)


def main(arguments: list[str]) -> int:
    """Write predictions of a table and print how good they are; the run folder is only read."""
    settings = simple("predict", DESCRIPTION, PredictSettings, arguments)
    if settings.folder == Path() or settings.table == Path() or settings.out is None:
        raise UsageError("which run, which table, and where to? vestige predict RUN DATA --out FILE.csv")
    if not 0 < settings.interval < 1:
        raise UsageError(f"--interval must be in (0, 1), such as 0.9, got {settings.interval:g}")
    from vestige.runs.predicting import check_out, write_predictions

    check_out(settings.out, str(settings.table), force=settings.force)
    enable_compilation_cache()
    from vestige.runs.restoring import load

    run = load(settings.folder, without_data=True)
    predictions = run.predict(settings.table, interval=settings.interval, options=settings.read_options())
    summary = write_predictions(predictions, settings.out, run=run, force=settings.force)
    for notice in [*run.notices, *predictions.notices]:
        print(notice, file=sys.stderr)
    if settings.json:
        from vestige.storage.results import finite

        print(json.dumps({"update": run.step, **finite(summary.as_plain())}))
        return 0
    _show(settings.out, summary)
    return 0


def _show(out: Path, summary: "PredictionSummary") -> None:
    from vestige.report import format_number

    console = Console(highlight=False)
    missing = f", {summary.missing:,} of them missing" if summary.missing else ""
    console.print(f"{out}: {summary.steps:,} steps{missing}.", soft_wrap=True, markup=False)
    console.print(summary.sentence(), soft_wrap=True, markup=False)
    console.print(
        f"Mean surprise {format_number(summary.mean_surprise)} nats a step; intervals of {summary.interval:.6g} cover "
        f"{summary.coverage:.1%} of the values.",
        soft_wrap=True,
    )
    table = plain_table("")
    table.add_column("root mean squared error")
    for heading in ("model", "last value", "linear", "covered"):
        table.add_column(heading, justify="right")
    for name, each in list(summary.channels.items())[:MOST_CHANNELS]:
        errors = [f"{each[key]:.4g}" if key in each else "–" for key in ("rmse", "last_rmse", "linear_rmse")]
        table.add_row(name, *errors, f"{each['coverage']:.1%}")
    console.print(table)
    if len(summary.channels) > MOST_CHANNELS:
        console.print(f"… and {len(summary.channels) - MOST_CHANNELS:,} more channels; --json lists all.")
