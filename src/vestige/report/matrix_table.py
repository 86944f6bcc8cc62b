"""Several experiments by several memories as a table on the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vestige.report.matrix import Cell, columns, matrix_rows, speeds
from vestige.report.numbers import MISSING, format_count, format_number, format_times

if TYPE_CHECKING:
    from rich.table import Table


def matrix_table(results: Mapping[str, Any]) -> "Table":
    """Tasks by memories: median, range over seeds, and what was published; the best of a row is bold."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    rows, costs = matrix_rows(results), speeds(results)
    caption = "median over seeds, lowest-highest below it; p: published"
    title = escape(str(results.get("title") or ""))
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD)
    table.add_column("task", no_wrap=True)
    for name in columns(results):
        table.add_column(escape(name), justify="right", overflow="fold")
    for place, row in enumerate(rows):
        cells = [_text(cell) for cell in row.cells]
        name = f"{escape(row.name)}\n[dim]{escape(row.metric.name)}[/dim]"
        table.add_row(name, *cells, end_section=place == len(rows) - 1 and bool(costs))
    if costs:
        table.add_row("ms an update", *(format_number(cost.milliseconds) for cost in costs))
        table.add_row(f"times {escape(columns(results)[0])}", *(format_times(cost.ratio) for cost in costs))
        table.add_row("parameters", *(format_count(cost.parameters) for cost in costs))
    return table


def _text(cell: Cell | None) -> str:
    if cell is None:
        return MISSING
    value = format_number(cell.median)
    lines = [f"[bold]{value}[/bold]" if cell.best else value]
    if cell.low != cell.high:
        lines.append(f"[dim]{format_number(cell.low)}-{format_number(cell.high)}[/dim]")
    if cell.published is not None:
        lines.append(f"[dim]p {format_number(cell.published)}[/dim]")
    return "\n".join(lines)
