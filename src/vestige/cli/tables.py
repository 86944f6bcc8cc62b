"""Results as tables on the terminal."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from vestige.cli.grid import Grid, print_grid
from vestige.report import comparison_table, format_number, format_seconds, results_table
from vestige.report.comparison_table import Spread
from vestige.report.metrics import shared_unit
from vestige.report.study import read_study
from vestige.report.study_page import headings, trial_rows
from vestige.report.verdict import verdict_of


def print_verdict(folder: Path) -> None:
    """Whether the result in `folder` is good, against what, what weakens it, and what it can be used for now; of what
    was not evaluated nothing."""
    found, console = verdict_of(folder), Console()
    if found.sentence:
        console.print(found.sentence, style="bold", markup=False, highlight=False)
    for caveat in found.caveats:
        console.print(caveat, markup=False, highlight=False)
    print_uses(folder, found.commands)


def print_uses(folder: Path, commands: Sequence[str]) -> None:
    """What the run in `folder` can be used for now: `commands`, in which RUN stands for the folder."""
    if commands:
        print("Now:")
    for command in commands:
        print(f"  {command.replace('RUN', shlex.quote(str(folder)), 1)}")


def print_results(folder: Path) -> None:
    """The results of one run, below them the best possible, chance, and the published models; then the verdict."""
    rows = results_table(folder)
    models = list(dict.fromkeys(model for row in rows for model in row.published))
    own = {
        "this run": [row.ours for row in rows],
        "best possible": [row.best for row in rows],
        "chance": [row.chance for row in rows],
        "baseline": [row.baseline for row in rows],
    }
    lines = own | {f"{model}, paper": [row.published.get(model) for row in rows] for model in models}
    given = {name: values for name, values in lines.items() if name == "this run" or any(v is not None for v in values)}
    unit = shared_unit(row.name for row in rows)
    keys = {"this run": "ours", "best possible": "best"}
    texts = [row.texts for row in rows]
    shown = lambda i, name: texts[i].get(keys.get(name, name)) or format_number(given[name][i])
    print_grid(
        Grid(
            ["", *(row.name for row in rows)],
            [[name, *(shown(i, name) for i in range(len(rows)))] for name in given],
            f"{folder} ({unit})" if unit else str(folder),
            bold=frozenset({0}),
            section=sum(name in own for name in given) - 1,
        )
    )
    print_verdict(folder)


def print_comparison(folder: Path) -> None:
    """The members of a comparison, median and range over seeds; then the verdict."""
    rows = comparison_table(folder)
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    unit = shared_unit(names)
    lines = [
        [
            row.name,
            *(_spread(row.metrics.get(name)) for name in names),
            f"{row.parameters:,.0f}" if row.parameters else "",
            format_seconds(row.seconds.median),
        ]
        for row in rows
    ]
    caption = "median (lowest-highest) over seeds" + (f", in {unit}" if unit else "")
    print_grid(Grid(["member", *names, "parameters", "time"], lines, str(folder), caption))
    print_verdict(folder)


def print_study(folder: Path) -> None:
    """The trials of the study in `folder`, best first; then the verdict."""
    study = read_study(folder)
    lines = [[row.name, row.value, *row.options, row.updates, row.time, row.note] for row in trial_rows(study)]
    shown = headings(study)
    bold = frozenset(place for place, row in enumerate(trial_rows(study)) if row.best)
    print_grid(Grid(shown, lines, str(folder), bold=bold, prose=frozenset({len(shown) - 1})))
    print_verdict(folder)


def _spread(spread: Spread | None) -> str:
    return "" if spread is None else _cell(spread.median, spread.low, spread.high)


def _cell(median: float | None, low: float | None, high: float | None) -> str:
    if low == high:
        return format_number(median)
    return f"{format_number(median)} ({format_number(low)}-{format_number(high)})"
