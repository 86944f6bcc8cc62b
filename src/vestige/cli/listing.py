"""`vestige list`."""

import dataclasses

from rich.console import Console
from rich.table import Table

from vestige.cli.parse import simple
from vestige.experiments import CATALOGUE
from vestige.experiments.suites import SUITES
from vestige.report.metrics import metric


@dataclasses.dataclass(frozen=True)
class ListSettings:
    """No options."""


def main(arguments: list[str]) -> int:
    """Print the catalogue."""
    simple("list", "What can be run.", ListSettings, arguments)
    console = Console()
    for entry in CATALOGUE.values():
        table = Table(title=f"{entry.name}: {entry.summary}", title_justify="left", caption=entry.paper)
        small = entry.preset("small")
        headline, outline = small.headline, small.outline()
        for heading in ("preset", *outline, "updates", "about", f"published {metric(headline).label}"):
            table.add_column(heading)
        for name, options in entry.presets.items():
            told = entry.published(options).get("metrics", {})
            published = ", ".join(f"{model} {values[headline]}" for model, values in told.items() if headline in values)
            table.add_row(
                name,
                *options.outline().values(),
                f"{options.steps:,}",
                entry.durations[name],
                published or "none for these options",
            )
        console.print(table)
        for name, choices in entry.kind.choices.items():
            console.print(f"  --{name}: {', '.join(choices)}")
        console.print()
    for suite in SUITES.values():
        rows = ", ".join(entry.name for entry in suite.entries)
        console.print(f"vestige compare {suite.name}: {suite.summary}\n  {rows}\n  {', '.join(suite.members)}")
    return 0
