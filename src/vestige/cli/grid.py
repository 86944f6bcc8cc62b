"""A table that suits the width of its terminal: it chooses direction and columns before it breaks a word."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vestige.report.numbers import MISSING

PADDING = 3
"""Characters between two columns; beside them one more a table."""
PROSE = 16
"""A column of words is not made narrower than this, where one of its cells is longer."""


class Grid(NamedTuple):
    """What a table shows, whichever way it is turned."""

    headings: Sequence[str]
    """Of the columns; the first is that of the names of the rows."""
    rows: Sequence[Sequence[str]]
    title: str = ""
    caption: str = ""
    bold: frozenset[int] = frozenset()
    """Numbers of rows that stand out."""
    section: int | None = None
    """The number of the row below which there is a line."""
    prose: frozenset[int] = frozenset()
    """Numbers of columns that hold words, which may be wrapped; the others hold numbers, which stay whole."""

    def turned(self) -> "Grid":
        """Rows as columns; a column of words then is a row like the others."""
        columns = [[row[i] for row in self.rows] for i in range(1, len(self.headings))]
        rows = [[name, *cells] for name, cells in zip(self.headings[1:], columns, strict=True)]
        names = frozenset(range(1, len(self.rows) + 1)) if self.prose - {0} else frozenset()
        return Grid(["", *(row[0] for row in self.rows)], rows, self.title, self.caption, prose=names)

    def only(self, columns: Sequence[int]) -> "Grid":
        """With the first column and these others."""
        shown = [0, *columns]
        return self._replace(
            headings=[self.headings[i] for i in shown],
            rows=[[row[i] for i in shown] for row in self.rows],
            prose=frozenset(place for place, i in enumerate(shown) if i in self.prose),
        )

    def filled(self) -> "Grid":
        """Without the rows that hold nothing but dashes."""
        kept = [i for i, row in enumerate(self.rows) if any(cell not in ("", MISSING) for cell in row[1:])]
        bold = frozenset(place for place, i in enumerate(kept) if i in self.bold)
        above = None if self.section is None else sum(i <= self.section for i in kept) - 1
        section = above if above is not None and 0 <= above < len(kept) - 1 else None
        return self._replace(rows=[self.rows[i] for i in kept], bold=bold, section=section)

    def cells(self, column: int) -> list[str]:
        """Of one column, line by line."""
        return [line for row in self.rows for line in row[column].split("\n")]


def print_grid(grid: Grid, console: Console | None = None) -> None:
    """Print a table so that no line exceeds the terminal and no word or number is broken that would fit into a line.

    The first that fits is taken: the table as it is; with headings and words wrapped; turned, so that rows are columns;
    several tables below each other, with some of the columns each; at last one line for every value.

    **Arguments:**

    - `grid`: what is shown.
    - `console`: where; by default standard output.
    """
    console = Console(highlight=False) if console is None else console
    width = console.width
    for candidate in (grid, grid.turned()) if len(grid.headings) > 2 else (grid,):
        if sum(_narrowest(candidate)) + 1 <= width:
            _print(candidate, console)
            return
    tables = min((_divided(each, width) for each in (grid, grid.turned())), key=len)
    if not tables:
        tables = max((_divided(each, width) for each in (grid, grid.turned())), key=len)
    if not tables:
        _print_lines(grid, console)
        return
    for place, each in enumerate(tables):
        title, caption = grid.title if place == 0 else "", grid.caption if place == len(tables) - 1 else ""
        _print(each.filled()._replace(title=title, caption=caption), console)


def _widest(grid: Grid) -> list[int]:
    """The characters that each column takes where nothing is wrapped, with what separates it from the next."""
    return [max(map(len, [heading, *grid.cells(i)])) + PADDING for i, heading in enumerate(grid.headings)]


def _narrowest(grid: Grid) -> list[int]:
    """The characters that each column takes at least."""
    found = []
    for i, heading in enumerate(grid.headings):
        longest = max(map(len, grid.cells(i)), default=0)
        if i in grid.prose:
            words = max((len(word) for cell in grid.cells(i) for word in cell.split()), default=0)
            longest = max(words, min(longest, PROSE))
        found.append(max([longest, *map(len, heading.split())]) + PADDING)
    return found


def _divided(grid: Grid, width: int) -> list[Grid]:
    """Tables with some of the columns each; none where a column does not fit beside the names."""
    names, *others = _narrowest(grid)
    tables: list[list[int]] = []
    room = 0
    for column, size in enumerate(others, 1):
        if names + size + 1 > width:
            return []
        if not tables or size > room:
            tables.append([])
            room = width - names - 1
        tables[-1].append(column)
        room -= size
    return [grid.only(columns) for columns in tables]


def _print(grid: Grid, console: Console) -> None:
    least, most = _narrowest(grid), _widest(grid)
    spare = console.width - 1 - sum(least)
    widths = []
    for low, high in zip(least, most, strict=True):
        more = max(0, min(high - low, spare))
        spare -= more
        widths.append(low + more - PADDING)
    _say(grid.title, console, style="italic")
    table = Table(box=SIMPLE_HEAD)
    for i, heading in enumerate(grid.headings):
        justify = "left" if i == 0 or i in grid.prose else "right"
        table.add_column(Text(heading, justify=justify), justify=justify, width=widths[i], overflow="fold")
    for i, row in enumerate(grid.rows):
        style = "bold" if i in grid.bold else None
        table.add_row(*map(Text, row), style=style, end_section=i == grid.section)
    console.print(table)
    _say(grid.caption, console, style="dim italic")


def _print_lines(grid: Grid, console: Console) -> None:
    """A paragraph for each row, a line for each value."""
    _say(grid.title, console, style="italic")
    for row in grid.rows:
        console.print(Text(row[0], style="bold"), overflow="fold")
        for heading, cell in zip(grid.headings[1:], row[1:], strict=True):
            console.print(Text(f"  {heading}: {' '.join(cell.split())}"), overflow="fold")
    _say(grid.caption, console, style="dim italic")


def _say(text: str, console: Console, *, style: str) -> None:
    if text:
        console.print(Text(text, style=style), overflow="fold")
