"""`vestige evaluate RUN`."""

import dataclasses
import sys
from pathlib import Path

import tyro

from vestige.cli.environment import set_up_compilation
from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import simple
from vestige.cli.voice import Voice


@dataclasses.dataclass(frozen=True)
class EvaluateSettings(Voice):
    """Which run."""

    folder: tyro.conf.Positional[Path]
    """The run folder; finished, interrupted or still running."""
    data: Path | None = None
    """Evaluate on this file, or folder, in place of the run's own (of two, of the held-out one). What was fitted in
    training is kept: numbers are in its units."""


def main(arguments: list[str]) -> int:
    """Print the final metrics of the newest checkpoint; the folder is only read."""
    settings = simple("evaluate", "Final metrics of a run, from its newest checkpoint.", EvaluateSettings, arguments)
    settings.listen()
    set_up_compilation()
    from vestige.report import format_number
    from vestige.runs.evaluate import evaluate
    from vestige.runs.restoring import load
    from vestige.training.progress import Silent, automatic, ending

    run = load(settings.folder, data=settings.data)
    for notice in run.notices:
        settings.warn(notice)
    progress = Silent() if settings.quiet else automatic(sys.stderr)
    with ending(progress):
        parts = lambda done, total: progress.phase("evaluating", done=done, total=total)
        results, _ = evaluate(run.entry, run.experiment, run.components, run.model, parts=parts)
    if settings.json:
        settings.print_json({"updates": run.step, **results})
        return 0
    metrics, train = results["metrics"], results["metrics_train"]
    columns = {"held-out": metrics, "training": train} if train else {"value": metrics}
    rows = [[name, *(format_number(values.get(name)) for values in columns.values())] for name in metrics]
    print_grid(Grid(["metric", *columns], rows, f"{settings.folder} after {run.step:,} updates"))
    return 0
