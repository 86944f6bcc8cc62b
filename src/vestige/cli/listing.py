"""`vestige list`, `vestige list NAME`."""

import dataclasses
from typing import Any

import tyro
from rich.console import Console

from vestige.cli.grid import Grid, print_grid
from vestige.cli.hanging import hanging
from vestige.cli.parse import choices, simple
from vestige.cli.voice import Voice
from vestige.errors import UsageError, nearest
from vestige.experiments.entry import Entry
from vestige.plain import to_plain
from vestige.registries import CONTRACTS, registry
from vestige.report.metrics import metric
from vestige.runs.suites import SUITES


@dataclasses.dataclass(frozen=True)
class ListSettings(Voice):
    """What to list."""

    name: tyro.conf.Positional[str] = ""
    """An experiment, for its presets and published numbers; or a contract (memory, rule, task, …), for its parts."""
    system: str = ""
    """Only the experiments of this system; a word of its name is enough."""


def main(arguments: list[str]) -> int:
    """Print the catalogue, one line an experiment; or all of one experiment, or the parts of a contract."""
    settings = simple("list", "What can be run, and the parts it is made of.", ListSettings, arguments)
    settings.listen()
    if settings.name and settings.system:
        raise UsageError("vestige list takes a name or --system, not both")
    if settings.name in CONTRACTS and settings.name not in registry("experiment"):
        return _parts(settings)
    entries = list(registry("experiment").values())
    if settings.name:
        if settings.name not in registry("experiment"):
            hint = nearest(settings.name, [*registry("experiment"), *CONTRACTS])
            raise UsageError(f"unknown experiment or contract '{settings.name}'. {hint}")
        entries = [registry("experiment")[settings.name]]
    if settings.system:
        systems = list(dict.fromkeys(entry.system for entry in entries))
        entries = [entry for entry in entries if settings.system.lower() in entry.system.lower()]
        if not entries:
            raise UsageError(f"no system is called '{settings.system}'. {nearest(settings.system, systems)}")
    if settings.json:
        settings.print_json({entry.name: _facts(entry) for entry in entries})
    elif settings.name:
        _one(entries[0])
    else:
        _all(entries)
    return 0


def _all(entries: list[Entry]) -> None:
    width = max(len(entry.name) for entry in entries)
    console = Console(highlight=False)
    for system in dict.fromkeys(entry.system for entry in entries):
        console.print(system, style="bold")
        for entry in entries:
            if entry.system == system:
                _line(console, f"  {entry.name}", entry.summary, width + 2)
    suites = [
        suite
        for suite in SUITES.values()
        if {entry.name for entry in suite.entries} & {entry.name for entry in entries}
    ]
    for suite in suites:
        console.print(f"vestige compare {suite.name}: {suite.summary}", markup=False)
    console.print("vestige list NAME: presets, published numbers. vestige list memory: the memories.")


def _line(console: Console, name: str, text: str, names: int) -> None:
    said = hanging(name, text, names=names, width=console.width)
    console.print(said, soft_wrap=True, markup=False)


def _one(entry: Entry) -> None:
    console = Console(highlight=False)
    small = entry.preset("small")
    headline, summary = small.task.metric, small.summary()
    console.print(f"{entry.name}: {entry.summary}\n{entry.paper}\n")
    rows = [
        [
            name,
            *(str(value) for value in experiment.summary().values()),
            f"{experiment.steps:,}",
            entry.durations.get(name, "not measured"),
        ]
        for name, experiment in entry.presets.items()
    ]
    headings = ["preset", *summary, "updates", "about"]
    print_grid(Grid(headings, rows, "presets", prose=frozenset(range(1, len(headings)))), console)
    numbers = {name: entry.published(experiment) for name, experiment in entry.presets.items()}
    label = metric(headline).label
    shown = {
        name: ", ".join(
            f"{model} {values[headline]}"
            for model, values in published.get("metrics", {}).items()
            if headline in values
        )
        for name, published in numbers.items()
    }
    if not any(shown.values()):
        console.print(f"published {label}: none for these options")
    for name, values in shown.items():
        if any(shown.values()):
            console.print(f"published {label}, {name}: {values or 'none for these options'}")
    console.print(f"\n{choices(small)}")


def _parts(settings: ListSettings) -> int:
    known = registry(settings.name)
    rows = {name: (_said(part), known.origin(name)) for name, part in known.items()}
    if settings.json:
        settings.print_json({name: {"summary": said, "plugin": origin} for name, (said, origin) in rows.items()})
        return 0
    width = max(map(len, rows))
    console = Console(highlight=False)
    for name, (said, origin) in rows.items():
        of = f" [{origin}]" if origin else ""
        _line(console, f"  {name}", f"{said}{of}", width + 2)
    return 0


def _said(part: Any) -> str:
    for name in ("summary", "description", "explanation", "title"):
        text = getattr(part, name, None)
        if isinstance(text, str):
            return text
    return (type(part).__doc__ or "").strip().split("\n")[0]


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "title": entry.title,
        "summary": entry.summary,
        "system": entry.system,
        "paper": entry.paper,
        "presets": {
            name: {
                "options": to_plain(experiment),
                "duration": entry.durations.get(name, ""),
                "published": entry.published(experiment),
            }
            for name, experiment in entry.presets.items()
        },
    }
