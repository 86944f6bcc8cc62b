"""An ordinary text as a table: a row for each character, and the one after it."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vestige import gate
from vestige.data.tables import AbstractTable, Cells, Field
from vestige.errors import UsageError

CHARACTER, NEXT = "character", "next"
ENDINGS = (".txt", ".text", ".md")
SAMPLE_LINES = 400
WORDS = 0.8
"""From this share of words in letters on, lines of different numbers of words are prose."""


class TextTable(AbstractTable):
    """The characters of a text in UTF-8, gzipped or not, each beside the next; the last character has no next one.

    Line ends are as they are in the file. Memory in proportion to a piece.

    **Arguments:**

    - `path`: the file.
    - `encoding`: of the text.

    **Raises:** `UsageError` where it holds no character; as it is read, where it is no text, with the line.
    """

    def __init__(self, path: str | Path, encoding: str = "utf-8"):
        self._path, self._encoding = Path(path), encoding
        self.name, self.rows = str(path), None
        self.fields = (Field(CHARACTER, "text"), Field(NEXT, "text"))
        if not any(gate.text_lines(self._path, encoding=encoding)):
            raise UsageError(f"{path}: it is empty; a text needs at least two characters")

    def pieces(self, names: tuple[str, ...], size: int) -> Iterator[dict[str, Cells]]:
        rest = ""
        for line in gate.text_lines(self._path, encoding=self._encoding):
            rest += line
            while len(rest) > size:
                yield self._piece(names, rest[: size + 1], size)
                rest = rest[size:]
        if rest:
            yield self._piece(names, rest, len(rest))

    def _piece(self, names: tuple[str, ...], text: str, rows: int) -> dict[str, Cells]:
        letters = np.array([*text, ""][: rows + 1], object)
        found = {
            CHARACTER: Cells(letters[:-1], np.zeros(rows, bool)),
            NEXT: Cells(letters[1:], np.array([not letter for letter in letters[1:]], bool)),
        }
        return {name: found[name] for name in names}

    def place(self, row: int) -> str:
        seen = 0
        for number, line in enumerate(gate.text_lines(self._path, encoding=self._encoding), 1):
            if row < seen + len(line):
                return f"line {number:,}, character {row - seen + 1:,}"
            seen += len(line)
        return f"character {row + 1:,}"


def is_prose(path: Path, encoding: str = "utf-8") -> bool:
    """Whether a file is an ordinary text and no table.

    By its ending (`.txt`, `.text`, `.md`, also `.gz`) and its first 400 lines that are not empty: most words are of
    letters, and lines differ in their numbers of words, commas and tabs.

    **Arguments:**

    - `path`: of the file.
    - `encoding`: of the text.
    """
    ending = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    if not path.is_file() or ending.lower() not in ENDINGS:
        return False
    lines: list[str] = []
    for line in gate.text_lines(path, encoding=encoding):
        lines += [line] if line.strip() else []
        if len(lines) == SAMPLE_LINES:
            break
    words = [word for line in lines for word in line.split()]
    letters = sum(bool(re.search(r"[^\W\d_]", word)) for word in words)
    if not words or letters < WORDS * len(words):
        return False
    counts = ([len(line.split(mark)) for line in lines] for mark in (None, ",", "\t", ";"))
    return len(lines) == 1 or not any(len(set(count)) == 1 < count[0] for count in counts)
