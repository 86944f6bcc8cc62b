"""Text files with cells between delimiters, gzipped or not, of any size."""

import collections
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vestige import gate
from vestige.data.tables.contract import AbstractTable, Cells, Field
from vestige.data.tables.dialect import NAMES, dialect
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError, shown

SPACES = " \t\r\n"


class CsvTable(AbstractTable):
    """A CSV or TSV file, read from its beginning each time, in memory for one batch.

    Every cell is a text; a schema says what it means. Lines that are empty do not count. The reader is that of Python,
    so that it is the same with and without pyarrow, and every row has a line.

    **Arguments:**

    - `path`: the file.
    - `options`: delimiter, header, encoding, and the words that stand for a missing value.

    **Raises:** `UsageError` where it has no row or two columns of one name, and, as it is read, where a line has more
    or fewer cells than the first, with the line.
    """

    def __init__(self, path: str | Path, options: ReadOptions = ReadOptions()):
        self._path, self._options = Path(path), options
        self.name, self.rows = str(path), None
        self._dialect = dialect(self.name, self._lines(), options)
        self.fields = tuple(Field(name, "text") for name in self._dialect.names)
        self.decimal = self._dialect.decimal
        self.missing_numbers = options.missing_numbers
        self.notes = self._notes()

    def pieces(self, names: tuple[str, ...], size: int) -> Iterator[dict[str, Cells]]:
        places = [self.names.index(name) for name in names]
        words = self._options.missing_words
        rows = self._dialect.rows(self._lines())
        width = {len(self.fields)}
        while self._dialect.header and (header := self._piece(rows, 1)) and not header[0]:
            continue  # an empty line before the header
        while piece := self._piece(rows, size):
            piece = [row for row in piece if row]
            if not piece:
                continue
            if set(map(len, piece)) != width:
                collections.deque(self._numbered(), maxlen=0)  # raises, with the line
            columns = list(zip(*piece, strict=True))
            found = {}
            for name, place in zip(names, places, strict=True):
                found[name] = _cells(columns[place], words)
            yield found

    def _piece(self, rows: Any, size: int) -> list[list[str]]:
        try:
            return list(itertools.islice(rows, size))
        except csv.Error as error:
            collections.deque(self._numbered(), maxlen=0)  # a ragged line before it is the better message
            raise self._uncut(rows.line_num, error) from None

    def place(self, row: int) -> str:
        for number, (line, _) in enumerate(self._numbered()):
            if number == row:
                return f"row {row + 1:,} (line {line:,})"
        return f"row {row + 1:,}"

    def _lines(self) -> Iterator[str]:
        return gate.text_lines(self._path, encoding=self._options.encoding)

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Rows of the table, each with the line on which it ends."""
        width, skipped = len(self.fields), self._dialect.skipped
        rows = self._dialect.rows(self._lines())
        first, begin, count = self._dialect.header, 1, 0
        try:
            for row in rows:
                begin = rows.line_num + 1
                if not row:
                    continue
                if first:
                    first = False
                    continue
                if len(row) != width:
                    raise UsageError(self._ragged(rows.line_num + skipped, row, not count))
                count += 1
                yield rows.line_num + skipped, row
        except csv.Error as error:
            raise self._uncut(begin, error) from None

    def _uncut(self, line: int, error: csv.Error) -> UsageError:
        return UsageError(
            f"{self.name}: the row that begins in line {line + self._dialect.skipped:,} cannot be cut into cells "
            f"({shown(error, 100)}); is a quotation mark left open in it?"
        )

    def _ragged(self, line: int, row: list[str], first: bool) -> str:
        width = len(self.fields)
        said = "names" if self._dialect.header else "has"
        which = (
            f"its last is '{shown(row[-1])}'" if len(row) > width else f"column '{self.names[len(row)]}' has none there"
        )
        if self._dialect.header and first and len(row) == width + 1:
            which += ", or has each row a name that the first line has not, as R writes them?"
        return (
            f"{self.name}: line {line:,} has {len(row):,} cells, and the first line {said} {width:,} ({which}); is a "
            f"delimiter missing, left over, or not quoted? Cells are taken to be separated by {self._separated()}."
        )

    def _separated(self) -> str:
        mark = self._dialect.delimiter
        return "nothing" if mark is None else NAMES.get(mark, f"'{mark}'")

    def _notes(self) -> tuple[str, ...]:
        found = []
        if self._options.delimiter is None:
            found.append(f"Cells are separated by {self._separated()}.")
        if self._options.header == "auto":
            found.append("The first line names the columns." if self._dialect.header else "No line names the columns.")
        if self._options.decimal == "auto" and self.decimal == ",":
            found.append("Numbers have decimal commas (--decimal . if not).")
        if self._dialect.comments:
            found.append(f"Lines of comments (#) that are passed over: {self._dialect.comments}.")
        if self._dialect.title:
            line = self._dialect.skipped
            cells, width = self._dialect.title, len(self.fields)
            found.append(f"Line {line:,} has {cells:,} cells, the rows below have {width:,}: it is passed over.")
        return tuple(found)


def _cells(texts: tuple[str, ...], words: frozenset[str]) -> Cells:
    """The cells of a column, without the spaces around them."""
    joined = "".join(texts)
    if any(space in joined for space in SPACES):
        texts = tuple(text.strip(SPACES) for text in texts)
    none = words.isdisjoint(texts)
    missing = np.zeros(len(texts), bool) if none else np.array([text in words for text in texts], bool)
    return Cells(np.array(texts, object), missing)
