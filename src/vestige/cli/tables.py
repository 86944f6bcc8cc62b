"""Results as tables on the terminal."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from vestige.report import comparison_table, format_number, format_seconds, results_table
from vestige.report.comparison_table import Spread
from vestige.report.metrics import shared_unit

ACROSS = 8  # metrics that stand side by side; more of them stand below each other


def plain_table(title: str, caption: str | None = None) -> Table:
    """A table without frames, so that eighty columns hold it."""
    return Table(title=title, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD)


def print_results(folder: Path) -> None:
    """The results of one run; below them the best possible, chance, and the published models."""
    rows = results_table(folder)
    models = list(dict.fromkeys(model for row in rows for model in row.published))
    unit = shared_unit(row.name for row in rows)
    table = plain_table(f"{folder} ({unit})" if unit else str(folder))
    table.add_column("", no_wrap=True)
    if len(rows) > ACROSS:
        for name in ("this run", "best possible", "chance", *(f"{model}, paper" for model in models)):
            table.add_column(name, justify="right", overflow="fold")
        for row in rows:
            values = (row.ours, row.best, row.chance, *(row.published.get(model) for model in models))
            table.add_row(row.name, *(format_number(value) for value in values))
        Console().print(table)
        return
    for row in rows:
        table.add_column(row.name, justify="right", overflow="fold")
    table.add_row("this run", *(format_number(row.ours) for row in rows), style="bold")
    table.add_row("best possible", *(format_number(row.best) for row in rows))
    table.add_row("chance", *(format_number(row.chance) for row in rows), end_section=True)
    for model in models:
        table.add_row(f"{model}, paper", *(format_number(row.published.get(model)) for row in rows))
    Console().print(table)


def print_comparison(folder: Path) -> None:
    """The members of a comparison: median and range over seeds."""
    rows = comparison_table(folder)
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    unit = shared_unit(names)
    table = plain_table(str(folder), "median (lowest-highest) over seeds" + (f", in {unit}" if unit else ""))
    if len(names) > ACROSS:
        table.add_column("", no_wrap=True)
        for row in rows:
            table.add_column(row.name, justify="right", overflow="fold")
        for name in names:
            table.add_row(name, *(_spread(row.metrics.get(name)) for row in rows))
        table.add_row("parameters", *(f"{row.parameters:,.0f}" if row.parameters else "" for row in rows))
        table.add_row("time", *(format_seconds(row.seconds.median) for row in rows))
        Console().print(table)
        return
    table.add_column("member", no_wrap=True)
    for name in (*names, "parameters", "time"):
        table.add_column(name, justify="right", overflow="fold")
    for row in rows:
        cells = [_spread(row.metrics.get(name)) for name in names]
        table.add_row(
            row.name,
            *cells,
            f"{row.parameters:,.0f}" if row.parameters else "",
            format_seconds(row.seconds.median),
        )
    Console().print(table)


def _spread(spread: Spread | None) -> str:
    return "" if spread is None else _cell(spread.median, spread.low, spread.high)


def _cell(median: float | None, low: float | None, high: float | None) -> str:
    if low == high:
        return format_number(median)
    return f"{format_number(median)} ({format_number(low)}-{format_number(high)})"
