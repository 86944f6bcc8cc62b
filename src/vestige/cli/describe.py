"""`vestige data describe FILE`."""

import dataclasses
import json
from pathlib import Path

import tyro
from rich.console import Console
from rich.text import Text

from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import simple
from vestige.cli.table_options import ColumnSettings
from vestige.data.tables import AbstractTable, Schema, infer, open_table
from vestige.data.tables.describing import summary, values_in
from vestige.errors import UsageError, escaped

NARROW = 64
"""Below this width the columns of a file stand in lines, not in a table."""
WIDE = 110
"""From this width on the table says why a column has its role."""
MOST_COLUMNS = 60


@dataclasses.dataclass(frozen=True)
class DescribeSettings(ColumnSettings):
    """Which file, how it is read, and what is known of its columns."""

    file: tyro.conf.Positional[Path] = Path()
    """CSV or TSV (also .gz), Parquet (a file or a folder), Arrow, .npy, .npz, Zarr, array records."""
    rows: int | None = None
    """Look at the first rows alone; by default at all."""
    json: bool = False
    """Print the schema as JSON."""


def main(arguments: list[str]) -> int:
    """Print what a file is, which roles its columns could have, and what is suspicious."""
    description = "What a file of data is: rows, columns, kinds, roles, gaps in time, and what is suspicious."
    settings = simple("data describe", description, DescribeSettings, arguments)
    if settings.file == Path():
        raise UsageError("which file? vestige data describe FILE")
    table = open_table(settings.file, settings.read_options())
    schema = infer(table, settings.schema_options(table), rows=settings.rows)
    if settings.json:
        plain = {"source": table.name, "notes": list(table.notes), **schema.as_plain()}
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return 0
    show(table, schema)
    return 0


def show(table: AbstractTable, schema: Schema) -> None:
    """Print a schema: first what the file is, then what is suspicious, then a line for each column.

    **Arguments:**

    - `table`: that was looked at.
    - `schema`: that was inferred from it.
    """
    console = Console(soft_wrap=False, highlight=False)
    say = lambda text, indent=0: console.print(Text(" " * indent + escaped(text)), overflow="fold")
    say(f"{Path(table.name).name}. {summary(table, schema)}")
    for note in table.notes:
        say(note)
    if schema.suspicions:
        say("")
        say("Look at this:")
        for sentence in schema.suspicions[:20]:
            say(f"- {sentence}.")
        if len(schema.suspicions) > 20:
            say(f"- and {len(schema.suspicions) - 20} more; --json lists all.")
    else:
        say("Nothing is suspicious.")
    _columns(console, schema)
    say("Set what is wrong: --time COL --document COL --outcomes A,B --known A,B --ignore A,B --kind COL=class")


def _columns(console: Console, schema: Schema) -> None:
    shown_columns = schema.columns[:MOST_COLUMNS]
    if console.width < NARROW:
        for column in shown_columns:
            console.print(Text(escaped(f"{column.name}: {column.kind}, {column.role}")), overflow="fold")
            missing = f"; {column.missing:,} missing" if column.missing else ""
            console.print(Text(escaped(f"  {values_in(column)}{missing}")), overflow="fold")
    else:
        why = console.width >= WIDE
        headings = ["column", "kind", "role", "unit", "missing", "values", *(["why"] if why else [])]
        rows = []
        for column in shown_columns:
            missing = f"{column.missing:,}" if column.missing else ""
            row = [column.name, column.kind, column.role, column.unit or "", missing, values_in(column)]
            rows.append([escaped(cell) for cell in [*row, *([column.reason] if why else [])]])
        print_grid(Grid(headings, rows, prose=frozenset({0, 1, 2, 3, 5, 6})), console)
    if len(schema.columns) > MOST_COLUMNS:
        console.print(f"… and {len(schema.columns) - MOST_COLUMNS:,} more columns; --json lists all.")
