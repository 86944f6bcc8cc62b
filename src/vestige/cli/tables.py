"""Results as tables on the terminal."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vestige.report import comparison_table, format_number, format_seconds, results_table
from vestige.report.comparison_table import Spread
from vestige.report.metrics import shared_unit
from vestige.report.verdict import verdict_of

PADDING = 3
"""Characters between two columns; beside them one more a table."""


def plain_table(title: str, caption: str | None = None) -> Table:
    """A table without frames, so that eighty columns hold it.

    **Arguments:**

    - `title`: above it.
    - `caption`: below it; None: nothing.
    """
    return Table(title=title, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD)


def print_verdict(folder: Path) -> None:
    """Whether the result in `folder` is good, against what, and what weakens it; of what was not evaluated nothing."""
    found = verdict_of(folder)
    if found.sentence:
        console = Console()
        console.print(found.sentence, style="bold", markup=False, highlight=False)
        for caveat in found.caveats:
            console.print(caveat, markup=False, highlight=False)


def print_results(folder: Path) -> None:
    """The verdict on one run; its results, below them the best possible, chance, and the published models."""
    print_verdict(folder)
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
    table = plain_table(f"{folder} ({unit})" if unit else str(folder))
    keys = {"this run": "ours", "best possible": "best"}
    texts = [row.texts for row in rows]
    shown = lambda i, name, line: texts[i].get(keys.get(name, name)) or format_number(line[i])
    columns = [[row.name, *(shown(i, name, line) for name, line in given.items())] for i, row in enumerate(rows)]
    if not _side_by_side(given, columns):
        _print_below(table, list(given), columns)
        return
    table.add_column("", no_wrap=True)
    for row in rows:
        table.add_column(row.name, justify="right", overflow="fold")
    last = [name for name in given if name in own][-1]
    for i, name in enumerate(given, 1):
        style = "bold" if name == "this run" else None
        table.add_row(name, *(column[i] for column in columns), style=style, end_section=name == last)
    Console().print(table)


def print_comparison(folder: Path) -> None:
    """The verdict on a comparison; its members: median and range over seeds."""
    print_verdict(folder)
    rows = comparison_table(folder)
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    unit = shared_unit(names)
    table = plain_table(str(folder), "median (lowest-highest) over seeds" + (f", in {unit}" if unit else ""))
    columns = [[name, *(_spread(row.metrics.get(name)) for row in rows)] for name in names]
    columns += [["parameters", *(f"{row.parameters:,.0f}" if row.parameters else "" for row in rows)]]
    columns += [["time", *(format_seconds(row.seconds.median) for row in rows)]]
    members = [row.name for row in rows]
    if not _side_by_side(members, columns):
        _print_below(table, members, columns)
        return
    table.add_column("member", no_wrap=True)
    for name, *_ in columns:
        table.add_column(name, justify="right", overflow="fold")
    for i, member in enumerate(members, 1):
        table.add_row(member, *(column[i] for column in columns))
    Console().print(table)


def _side_by_side(lines: Iterable[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the terminal is wide enough for all metrics side by side; otherwise they stand below each other."""
    widths = [max(map(len, column)) for column in (list(lines), *columns)]
    return sum(width + PADDING for width in widths) < Console().width


def _print_below(table: Table, lines: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    """Metrics below each other, lines side by side, in as many tables as are needed to break no word and no number."""
    values = [[column[i] for column in columns] for i in range(1, len(lines) + 1)]
    narrowest = [max(map(len, [*line.split(), *column])) for line, column in zip(lines, values, strict=True)]
    room = Console().width - max(len(column[0]) for column in columns) - PADDING - 1
    caption, table.caption = table.caption, None
    remaining = list(range(len(lines)))
    while remaining:
        widths = itertools.accumulate(narrowest[i] + PADDING for i in remaining)
        fitting = [i for i, width in zip(remaining, widths, strict=True) if width <= room]
        shown = fitting or remaining[:1]
        remaining = remaining[len(shown) :]
        spare = max(0, room - sum(narrowest[i] + PADDING for i in shown))
        table.add_column("", no_wrap=True)
        for i in shown:
            width = min(max(len(lines[i]), narrowest[i]), narrowest[i] + spare)
            spare -= width - narrowest[i]
            table.add_column(lines[i], justify="right", width=width if fitting else None, overflow="fold")
        for column in columns:
            table.add_row(column[0], *(column[i + 1] for i in shown))
        table.caption = None if remaining else caption
        Console().print(table)
        table = plain_table("")


def _spread(spread: Spread | None) -> str:
    return "" if spread is None else _cell(spread.median, spread.low, spread.high)


def _cell(median: float | None, low: float | None, high: float | None) -> str:
    if low == high:
        return format_number(median)
    return f"{format_number(median)} ({format_number(low)}-{format_number(high)})"
