"""`vestige evaluate RUN`."""

import dataclasses
from pathlib import Path

import tyro

from vestige.cli.environment import enable_compilation_cache
from vestige.cli.parse import simple


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """Which run."""

    folder: tyro.conf.Positional[Path]
    """The run folder; finished, interrupted or still running."""
    json: bool = False
    """Print the results as JSON instead of a table."""


def main(arguments: list[str]) -> int:
    """Print the final metrics of the newest checkpoint; the folder is only read."""
    settings = simple("evaluate", "Final metrics of a run, from its newest checkpoint.", EvaluateSettings, arguments)
    enable_compilation_cache()
    import json

    from rich.console import Console
    from rich.table import Table

    from vestige.experiments.execute import evaluate, restore
    from vestige.report import format_number

    run = restore(settings.folder)
    results, _ = evaluate(run.entry, run.options, run.built, run.model)
    if settings.json:
        print(json.dumps({"updates": run.step, **results}))
        return 0
    table = Table(title=f"{settings.folder} after {run.step:,} updates", title_justify="left")
    for heading in ("metric", "held-out", "training"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, value in results["metrics"].items():
        table.add_row(name, format_number(value), format_number(results["metrics_train"].get(name)))
    for notice in run.notices:
        print(notice)
    Console().print(table)
    return 0
