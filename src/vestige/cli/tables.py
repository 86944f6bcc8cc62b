"""Results as tables on the terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from vestige.report import comparison_table, format_number, format_seconds, results_table


def print_results(folder: Path) -> None:
    """The results of one run, published numbers and bounds beside them."""
    rows = results_table(folder)
    models = list(dict.fromkeys(model for row in rows for model in row.published))
    table = Table(title=str(folder), title_justify="left")
    table.add_column("metric")
    for heading in ("here", "best", "chance", *(f"{model} (paper)" for model in models)):
        table.add_column(heading, justify="right")
    for row in rows:
        published = [format_number(row.published.get(model)) for model in models]
        table.add_row(row.name, *(format_number(v) for v in (row.ours, row.best, row.chance)), *published)
    Console().print(table)


def print_comparison(folder: Path) -> None:
    """The members of a comparison: median and range over seeds."""
    rows = comparison_table(folder)
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    table = Table(title=str(folder), title_justify="left", caption="median (lowest-highest) over seeds")
    table.add_column("member")
    for name in (*names, "parameters", "time"):
        table.add_column(name, justify="right")
    for row in rows:
        cells = []
        for name in names:
            spread = row.metrics.get(name)
            cells.append("" if spread is None else _cell(spread.median, spread.low, spread.high))
        table.add_row(row.name, *cells, f"{row.parameters:,.0f}" if row.parameters else "", format_seconds(row.seconds.median))
    Console().print(table)


def _cell(median: float | None, low: float | None, high: float | None) -> str:
    if low == high:
        return format_number(median)
    return f"{format_number(median)} ({format_number(low)}-{format_number(high)})"
