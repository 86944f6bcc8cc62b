"""`vestige evaluate RUN`."""

import dataclasses
import sys
from pathlib import Path

import tyro

from vestige.cli.environment import enable_compilation_cache
from vestige.cli.parse import simple


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """Which run."""

    folder: tyro.conf.Positional[Path]
    """The run folder; finished, interrupted or still running."""
    data: Path | None = None
    """Evaluate on this file, or folder, in place of the run's own (of two, of the held-out one). What was fitted in
    training is kept: numbers are in its units."""
    json: bool = False
    """Print the results as JSON instead of a table."""


def main(arguments: list[str]) -> int:
    """Print the final metrics of the newest checkpoint; the folder is only read."""
    settings = simple("evaluate", "Final metrics of a run, from its newest checkpoint.", EvaluateSettings, arguments)
    enable_compilation_cache()
    import json

    from rich.console import Console
    from rich.table import Table

    from vestige.report import format_number
    from vestige.runs.evaluate import evaluate
    from vestige.runs.restoring import load

    run = load(settings.folder, data=settings.data)
    for notice in run.notices:
        print(notice, file=sys.stderr)
    results, _ = evaluate(run.entry, run.experiment, run.components, run.model)
    if settings.json:
        print(json.dumps({"updates": run.step, **results}))
        return 0
    table = Table(title=f"{settings.folder} after {run.step:,} updates", title_justify="left")
    metrics, train = results["metrics"], results["metrics_train"]
    columns = {"held-out": metrics, "training": train} if train else {"value": metrics}
    table.add_column("metric")
    for heading in columns:
        table.add_column(heading, justify="right")
    for name in metrics:
        table.add_row(name, *(format_number(values.get(name)) for values in columns.values()))
    Console().print(table)
    return 0
