"""`vestige list`."""

import dataclasses

from rich.console import Console
from rich.table import Table

from vestige.cli.parse import simple
from vestige.experiments import CATALOGUE


@dataclasses.dataclass(frozen=True)
class ListSettings:
    """No options."""


def main(arguments: list[str]) -> int:
    """Print the catalogue."""
    simple("list", "What can be run.", ListSettings, arguments)
    console = Console()
    for entry in CATALOGUE.values():
        table = Table(title=f"{entry.name}: {entry.summary}", title_justify="left", caption=entry.paper)
        for heading in ("preset", "images", "l, k", "updates", "about", "published last-frame KL"):
            table.add_column(heading)
        for name, options in entry.presets.items():
            task = options.task
            numbers = entry.published(options).get("metrics", {})
            published = ", ".join(f"{model} {values['kl_last']}" for model, values in numbers.items())
            table.add_row(
                name,
                task.images.source,
                f"{task.l}, {task.k}",
                f"{options.steps:,}",
                entry.durations[name],
                published or "none for this l",
            )
        console.print(table)
        memories = ", ".join(next(iter(entry.presets.values())).choices["memory"])
        console.print(f"  memories: {memories}\n")
    return 0
