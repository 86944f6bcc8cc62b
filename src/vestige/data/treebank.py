"""Sentences with dependency trees, in the CoNLL-U format."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from vestige.data.stored import StoredData, StoredFile
from vestige.errors import UsageError, nearest, shown
from vestige.gate import Unreadable

COLUMNS = 10
_FILES: Mapping[str, StoredFile] = {
    "train": StoredFile(
        "en_ewt-ud-train.conllu.gz", 2_608_077, "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b"
    ),
    "dev": StoredFile(
        "en_ewt-ud-dev.conllu.gz", 334_223, "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6"
    ),
    "test": StoredFile(
        "en_ewt-ud-test.conllu.gz", 331_264, "e266e515a0a7547657ed3d90d9ba46487d6bd251f27ad4269d4e8a427c8555cd"
    ),
}


class Sentence(NamedTuple):
    """The words of a sentence and its dependency tree."""

    words: tuple[str, ...]
    """At least one."""
    tags: tuple[str, ...]
    """The universal part of speech of each."""
    heads: tuple[int, ...]
    """For each word the number of its head, counted from 1; 0 for the root. A tree with one root."""


@dataclass(frozen=True)
class EnglishEWT(StoredData):
    """The English Web Treebank of Universal Dependencies (Silveira et al. 2014)."""

    name: ClassVar[str] = "ud_english_ewt"
    description: ClassVar[str] = "16,622 English sentences with dependency trees checked by hand"
    licence: ClassVar[str] = "CC BY-SA 4.0 (annotations)"
    size: ClassVar[str] = "3.3 MB"

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return tuple(_FILES.values())

    @property
    def source(self) -> str:
        return (
            "https://github.com/UniversalDependencies/UD_English-EWT at 15d613d8447b3478787d4c278730a1e48a945efb, "
            "gzipped,"
        )

    def load(self, part: str) -> list[Sentence]:
        """The sentences of a part.

        **Arguments:**

        - `part`: train, dev or test.

        **Raises:** `UsageError` for another name; as `check`.
        """
        if part not in _FILES:
            raise UsageError(f"ud_english_ewt: there is no '{part}'. {nearest(part, _FILES)}")
        return read_conllu(self.text(_FILES[part]), str(self.path(_FILES[part])))


def read_conllu(text: str, path: str) -> list[Sentence]:
    """The sentences of a CoNLL-U file. Tokens of several words (`3-4`), whose words follow in lines of their own, and
    empty nodes (`5.1`) are left out: trees know only words.

    **Arguments:**

    - `text`: its content.
    - `path`: its name, for messages.

    **Raises:** `Unreadable`, with the number of the line, for a line that has not ten columns, numbers out of order, a
    head that is none, and heads that make no tree with one root; where there is no sentence.
    """
    found: list[Sentence] = []
    lines: list[tuple[int, list[str]]] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            lines.append((number, _columns(line, number, path, words=len(lines))))
            if not lines[-1][1]:
                lines.pop()
        elif lines:
            found.append(_sentence(lines, path))
            lines = []
    if not found:
        raise Unreadable(path, "it holds no sentence")
    return found


def _columns(line: str, number: int, path: str, *, words: int) -> list[str]:
    """The columns of a word's line; none for what is no word."""
    columns = line.split("\t")
    if len(columns) != COLUMNS:
        raise Unreadable(
            path, f"line {number} should have {COLUMNS} columns with a tab between them, got {len(columns)}"
        )
    place = columns[0]
    if match := re.fullmatch(r"(\d+)-(\d+)", place):
        if int(match[1]) != words + 1 or int(match[2]) <= int(match[1]):
            raise Unreadable(path, f"line {number}: the token {place} should begin with word {words + 1} and hold more")
        return []
    if match := re.fullmatch(r"(\d+)\.([1-9]\d*)", place):
        if int(match[1]) != words:
            raise Unreadable(path, f"line {number}: the empty node {place} should follow word {match[1]}")
        return []
    if place != str(words + 1):
        raise Unreadable(path, f"line {number}: the number should be {words + 1}, got {shown(place)!r}")
    if not columns[1].strip():
        raise Unreadable(path, f"line {number}: the word is empty")
    return columns


def _sentence(lines: Sequence[tuple[int, list[str]]], path: str) -> Sentence:
    heads = []
    for place, (number, columns) in enumerate(lines, 1):
        head = columns[6]
        if not re.fullmatch(r"\d{1,6}", head) or int(head) > len(lines) or int(head) == place:
            raise Unreadable(
                path, f"line {number}: the head should be another word from 1 to {len(lines)} or 0, got {shown(head)!r}"
            )
        heads.append(int(head))
    if (roots := heads.count(0)) != 1:
        raise Unreadable(path, f"line {lines[0][0]}: the sentence that begins here should have one root, got {roots}")
    for place in range(1, len(heads) + 1):
        at, steps = place, 0
        while at and steps <= len(heads):
            at, steps = heads[at - 1], steps + 1
        if at:
            raise Unreadable(
                path, f"line {lines[place - 1][0]}: its word does not hang on the root: heads go in a circle"
            )
    return Sentence(tuple(columns[1] for _, columns in lines), tuple(columns[3] for _, columns in lines), tuple(heads))
