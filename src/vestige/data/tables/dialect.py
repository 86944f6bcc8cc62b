"""The delimiter and the header of a text file, as its first lines suggest them."""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vestige.data.tables.contract import Cells
from vestige.data.tables.dates import dates
from vestige.data.tables.options import ReadOptions
from vestige.data.tables.text_numbers import number
from vestige.errors import UsageError, shown

SAMPLE_LINES = 100
LONGEST_CELL = 2**20
COMMA = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}([. \u00a0\u202f][0-9]{3})+),[0-9]+")
POINT = re.compile(r"[+-]?[0-9]*\.([0-9]{1,2}|[0-9]{4,})([eE][+-]?[0-9]+)?")
EITHER = re.compile(r"[+-]?[0-9]{1,3}\.[0-9]{3}")
"""1.500 is a number and a half, or groups of digits."""
GROUPS = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[+-]?[0-9]{1,3}(\.[0-9]{3}){2,}")
NAMES = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class Dialect:
    """How a text file is cut into cells.

    **Arguments:**

    - `delimiter`: one character; None where a line is one cell.
    - `comments`: how many lines before the table begin with `#`.
    - `header`: whether the first line of the table names the columns.
    - `names`: of the columns.
    - `decimal`: the decimal mark.
    """

    delimiter: str | None
    comments: int
    header: bool
    names: tuple[str, ...]
    decimal: str
    title: int = 0
    """How many cells the line after the comments has that is passed over, too; 0: none is."""

    @property
    def skipped(self) -> int:
        """Lines before the table."""
        return self.comments + bool(self.title)

    def rows(self, lines: Iterator[str]) -> Any:
        """A reader of the rows of the `lines` of a file."""
        rest = itertools.islice(lines, self.skipped, None)
        return reader(rest, self.delimiter)


def reader(lines: Iterator[str], delimiter: str | None) -> Any:
    """The rows of some lines.

    **Arguments:**

    - `lines`: of a text file.
    - `delimiter`: one character; a space stands for any number of them. None: a line is one cell.
    """
    csv.field_size_limit(LONGEST_CELL)
    if delimiter is None:
        return csv.reader((f'"{line.rstrip().replace(chr(34), chr(34) * 2)}"' for line in lines), strict=True)
    if delimiter == " ":
        lines = (line.strip(" \r\n") + "\n" for line in lines)
        return csv.reader(lines, delimiter=" ", skipinitialspace=True, strict=True)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)


def dialect(name: str, lines: Iterator[str], options: ReadOptions) -> Dialect:
    """How a text file is cut into cells.

    **Arguments:**

    - `name`: of the file, for messages.
    - `lines`: of the file; the first `SAMPLE_LINES` are looked at.
    - `options`: what the user has said.

    **Raises:** `UsageError` where there is no line, a column is named twice, and as `gate.text_lines`.
    """
    sample = list(itertools.islice(lines, SAMPLE_LINES))
    comments = sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#"), sample))
    sample = [line for line in sample[comments:] if line.strip()]
    if not sample:
        raise UsageError(f"{name}: it holds no row; a table needs at least one")
    mark = options.mark or _delimiter(sample)
    rows = _parsed(sample, mark)
    if not rows:
        raise UsageError(f"{name}: line {comments + 1:,} has a quotation mark without an end")
    decimal = _decimal(rows, mark) if options.decimal == "auto" else options.decimal
    title = _title(rows, decimal) if options.header == "auto" else 0
    rows = rows[1:] if title else rows
    header = _has_header(rows, decimal) if options.header == "auto" else options.header == "yes"
    names = [cell.strip() for cell in rows[0]] if header else [""] * len(rows[0])
    names = [cell or f"column_{place}" for place, cell in enumerate(names, 1)]
    check_names(name, names)
    return Dialect(mark, comments, header, tuple(names), decimal, title)


def _decimal(rows: list[list[str]], mark: str | None) -> str:
    """A comma where cells are separated by something else, some are numbers with a comma, and none is one with a point
    or may be one; a point otherwise."""
    if mark not in (";", "\t", "|"):
        return "."
    whole = (row for row in rows if len(row) == len(rows[0]))
    columns = [[cell.strip() for cell in column] for column in zip(*whole, strict=True)]
    among = lambda form, column: any(map(form.fullmatch, column))
    if not any(among(COMMA, column) for column in columns) or any(among(POINT, column) for column in columns):
        return "."
    unclear = any(among(EITHER, column) and not among(GROUPS, column) for column in columns)
    return "." if unclear else ","


def _title(rows: list[list[str]], decimal: str) -> int:
    """The cells of a first line that is no row and no names of columns: it has other cells than the rows below, which
    agree, and these are numbers. 0 where it is none. One cell less is the way of R to name columns, which is not."""
    first, rest = rows[0], rows[1:]
    width = len(rest[0]) if rest else 0
    if len(rest) < 3 or len(first) >= width - 1 or any(len(row) != width for row in rest):
        return 0
    numeric = sum(number(cell.strip(), decimal) is not None for cell in rest[0])
    return len(first) if numeric > width / 2 else 0


def check_names(name: str, names: list[str]) -> None:
    """Check that each column has a name of its own.

    **Arguments:**

    - `name`: of the file, for the message.
    - `names`: of its columns.

    **Raises:** `UsageError` with both places of a name that stands twice.
    """
    first: dict[str, int] = {}
    for place, column in enumerate(names, 1):
        if column in first:
            raise UsageError(
                f"{name}: column '{shown(column)}' stands twice, as columns {first[column]} and {place}; rename one of "
                "them, or read the file without its header (--header no)"
            )
        first[column] = place


def _parsed(sample: list[str], mark: str | None) -> list[list[str]]:
    """The rows of a sample, up to the first that is damaged or has no end."""
    rows: list[list[str]] = []
    try:
        for row in reader(iter(sample), mark):
            rows.append(row)
    except csv.Error:
        pass
    return rows


def _delimiter(sample: list[str]) -> str | None:
    """The one by which most lines have the same number of cells, more than one."""
    best, found = 0.6, None
    for mark in NAMES:
        rows = _parsed(sample, mark)
        if not rows or (mark == " " and found):
            continue
        width, times = Counter(map(len, rows)).most_common(1)[0]
        if width > 1 and times / len(rows) > best and (mark != " " or times == len(rows)):
            best, found = times / len(rows), mark
    return found


def _has_header(rows: list[list[str]], decimal: str) -> bool:
    """Whether the first row names the others: a column has a word on top of numbers or dates, or no number at all."""
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    numeric = [number(cell.strip(), decimal) is not None for cell in first]
    if all(numeric) or not rest:
        return not any(numeric)
    if _ladder([float(cell) for cell, is_value in zip(first, numeric, strict=True) if is_value and _whole(cell)]):
        return True
    if all(cell.strip() == "" or is_value for cell, is_value in zip(first, numeric, strict=True)):
        return False
    for place, cell in enumerate(first):
        below = [row[place].strip() for row in rest if row[place].strip()]
        if numeric[place] or not below or not cell.strip():
            continue
        if sum(number(text, decimal) is not None for text in below) > 0.8 * len(below):
            return True
        if not _dated([cell.strip()]) and _dated(below[:20]):
            return True
    if any(numeric) or any(_dated([cell.strip()]) for cell in first):
        return False
    columns = [{row[place] for row in rest} for place in range(len(first))]
    distinct = len(set(first)) == len(first)
    return distinct and all(cell not in below for cell, below in zip(first, columns, strict=True))


def _whole(cell: str) -> bool:
    return cell.strip().isascii() and cell.strip().isdigit()


def _ladder(values: list[float]) -> bool:
    """Whether numbers in a first line name columns, such as years: three or more at equal distances."""
    return len(values) >= 3 and values[1] > values[0] and len(set(np.diff(values).tolist())) == 1


def _dated(texts: list[str]) -> bool:
    values = np.array(texts, dtype=object)
    return bool((dates(Cells(values, np.zeros(len(texts), bool))).styles >= 0).all())
