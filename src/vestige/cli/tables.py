"""Results as tables on the terminal."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vestige.report import comparison_table, format_number, format_seconds, results_table
from vestige.report.comparison_table import Spread
from vestige.report.metrics import shared_unit


def plain_table(title: str, caption: str | None = None) -> Table:
    """A table without frames, so that eighty columns hold it."""
    return Table(title=title, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD)


def print_results(folder: Path) -> None:
    """The results of one run; below them the best possible, chance, and the published models."""
    rows = results_table(folder)
    models = list(dict.fromkeys(model for row in rows for model in row.published))
    own = {
        "this run": [row.ours for row in rows],
        "best possible": [row.best for row in rows],
        "chance": [row.chance for row in rows],
        "baseline": [row.baseline for row in rows],
    }
    lines = own | {f"{model}, paper": [row.published.get(model) for row in rows] for model in models}
    told = {name: values for name, values in lines.items() if name == "this run" or any(v is not None for v in values)}
    unit = shared_unit(row.name for row in rows)
    table = plain_table(f"{folder} ({unit})" if unit else str(folder))
    table.add_column("", no_wrap=True)
    shown = lambda i, name, line: "undefined" if name == "this run" and rows[i].undefined else format_number(line[i])
    columns = [[row.name, *(shown(i, name, line) for name, line in told.items())] for i, row in enumerate(rows)]
    if not _side_by_side(told, columns):
        for name in told:
            table.add_column(name, justify="right", overflow="fold")
        for column in columns:
            table.add_row(*column)
        Console().print(table)
        return
    for row in rows:
        table.add_column(row.name, justify="right", overflow="fold")
    last = [name for name in told if name in own][-1]
    for i, name in enumerate(told, 1):
        style = "bold" if name == "this run" else None
        table.add_row(name, *(column[i] for column in columns), style=style, end_section=name == last)
    Console().print(table)


def print_comparison(folder: Path) -> None:
    """The members of a comparison: median and range over seeds."""
    rows = comparison_table(folder)
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    unit = shared_unit(names)
    table = plain_table(str(folder), "median (lowest-highest) over seeds" + (f", in {unit}" if unit else ""))
    columns = [[name, *(_spread(row.metrics.get(name)) for row in rows)] for name in names]
    columns += [["parameters", *(f"{row.parameters:,.0f}" if row.parameters else "" for row in rows)]]
    columns += [["time", *(format_seconds(row.seconds.median) for row in rows)]]
    members = [row.name for row in rows]
    if not _side_by_side(members, columns):
        table.add_column("", no_wrap=True)
        for member in members:
            table.add_column(member, justify="right", overflow="fold")
        for column in columns:
            table.add_row(*column)
        Console().print(table)
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
    return sum(width + 2 for width in widths) + 1 <= Console().width  # a column is padded on both sides


def _spread(spread: Spread | None) -> str:
    return "" if spread is None else _cell(spread.median, spread.low, spread.high)


def _cell(median: float | None, low: float | None, high: float | None) -> str:
    if low == high:
        return format_number(median)
    return f"{format_number(median)} ({format_number(low)}-{format_number(high)})"
