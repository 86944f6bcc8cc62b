"""`vestige predict RUN DATA --out FILE`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from vestige.cli.environment import set_up_compilation
from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import simple
from vestige.cli.run_on_table import RunOnTable
from vestige.errors import UsageError

if TYPE_CHECKING:
    from vestige.tasks.predictions import AbstractPredictionSummary

MOST_ROWS = 20


@dataclasses.dataclass(frozen=True)
class PredictSettings(RunOnTable):
    """Which run, which table, and where the predictions go."""

    interval: float = 0.9
    """The share of values that the intervals are to cover."""


DESCRIPTION = (
    "Every row of a table, predicted: of recordings mean and interval of each channel in its own units, before the "
    "step is seen, and the step's surprise; of streams the outcome of each step: probabilities of its classes, or mean."
)


def main(arguments: list[str]) -> int:
    """Write predictions of a table and print how good they are; the run folder is only read."""
    settings = simple("predict", DESCRIPTION, PredictSettings, arguments)
    settings.listen()
    if settings.folder == Path() or settings.table == Path() or settings.out is None:
        raise UsageError("which run, which table, and where to? vestige predict RUN DATA --out FILE.csv")
    if not 0 < settings.interval < 1:
        raise UsageError(f"--interval must be in (0, 1), such as 0.9, got {settings.interval:g}")
    from vestige.runs.predicting import check_out, write_predictions

    check_out(settings.out, str(settings.table), force=settings.force)
    set_up_compilation()
    from vestige.runs.restoring import load

    run = load(settings.folder, without_data=True)
    predictions = run.predict(settings.table, interval=settings.interval, options=settings.read_options())
    summary = write_predictions(predictions, settings.out, run=run, force=settings.force)
    for notice in [*run.notices, *predictions.notices]:
        settings.warn(notice)
    if settings.json:
        settings.print_json({"update": run.step, **summary.as_plain()})
        return 0
    _show(settings.out, summary)
    return 0


def _show(out: Path, summary: "AbstractPredictionSummary") -> None:
    console = Console(highlight=False)
    first, *others = summary.lines()
    console.print(f"{out}: {first}", soft_wrap=True, markup=False)
    for line in others:
        console.print(line, soft_wrap=True, markup=False)
    headings, rows = summary.rows()
    if not rows:
        return
    print_grid(Grid(headings, rows[:MOST_ROWS]), console)
    if len(rows) > MOST_ROWS:
        console.print(f"… and {len(rows) - MOST_ROWS:,} more; --json lists all.")
