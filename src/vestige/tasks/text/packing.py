"""Sentences as arrays, several in a row behind one root, so that little of a row is padding."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vestige.data.treebank import Sentence

PAD, UNKNOWN, ROOT = 0, 1, 2
"""Numbers of what is no word; words follow."""
SUFFIX = 3
"""Characters at the end of a word that have a number of their own."""


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Words, endings and tags with their numbers."""

    words: dict[str, int]
    suffixes: dict[str, int]
    tags: dict[str, int]

    @classmethod
    def of(cls, sentences: Sequence[Sentence], *, least: int = 2) -> "Vocabulary":
        """Of the words (in lower case) and endings that occur at least so often, and all tags.

        **Arguments:**

        - `sentences`: to train on.
        - `least`: how often a word or an ending occurs that has a number of its own.
        """
        return cls(
            _numbered((word.lower() for s in sentences for word in s.words), least),
            _numbered((word[-SUFFIX:] for s in sentences for word in s.words), least),
            _numbered((tag for s in sentences for tag in s.tags), 1),
        )

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many numbers there are for words, endings and tags."""
        return len(self.words) + 3, len(self.suffixes) + 3, len(self.tags) + 3


def _numbered(items, least: int) -> dict[str, int]:
    counts = Counter(items)
    often = sorted((item for item, count in counts.items() if count >= least), key=lambda item: (-counts[item], item))
    return {item: number for number, item in enumerate(often, ROOT + 1)}


class Packed(NamedTuple):
    """Rows of sentences. Position 0 of a row is the root of all its sentences."""

    words: np.ndarray
    """(rows, longest), int32; so are all."""
    suffixes: np.ndarray
    tags: np.ndarray
    heads: np.ndarray
    """The place of the head in the row; 0 for the root; -1 for the root itself and for padding."""
    sentence: np.ndarray
    """Which sentence of the row a word belongs to, from 1; 0 for the root, -1 for padding."""
    origin: np.ndarray
    """Which sentence of those given, -1 for what is no word."""


@dataclasses.dataclass(frozen=True, eq=False)
class RowWords:
    """The words of rows as they are written, for pictures; compared by identity, so that a task stays quick to hash."""

    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, sentences: Sequence[Sentence], rows: Packed) -> "RowWords":
        """Of `rows` that were packed from `sentences`: a word for each position, empty where there is none."""
        found = []
        for origin in rows.origin:
            words, place = [], 0
            for at, number in enumerate(origin):
                place = place + 1 if at and number == origin[at - 1] else 0
                words.append(sentences[number].words[place] if number >= 0 else "")
            found.append(tuple(words))
        return cls(tuple(found))


def packed(sentences: Sequence[Sentence], vocabulary: Vocabulary, longest: int) -> Packed:
    """Fill rows of `longest` positions, the longest sentences first, each into the fullest row that has room.

    **Arguments:**

    - `sentences`: none of more than `longest - 1` words.
    - `vocabulary`: for the numbers.
    - `longest`: positions of a row.

    **Raises:** `ValueError` for a sentence that no row has room for, or none at all.
    """
    if not sentences:
        raise ValueError("parse: there must be at least one sentence")
    rows: list[list[int]] = []
    room: list[list[int]] = [[] for _ in range(longest)]  # rows by how many positions are free
    for number in sorted(range(len(sentences)), key=lambda i: -len(sentences[i].words)):
        size = len(sentences[number].words)
        if size > longest - 1:
            raise ValueError(
                f"parse: sentence {number + 1} has {size} words and a row has room for longest - 1 = {longest - 1}; "
                "leave it out or make rows longer"
            )
        free = next((free for free in range(size, longest) if room[free]), None)
        if free is None:
            rows.append([])
            room[longest - 1].append(len(rows) - 1)
            free = longest - 1
        row = room[free].pop()
        rows[row].append(number)
        room[free - size].append(row)
    shape = (len(rows), longest)
    words, suffixes, tags = (np.full(shape, PAD, np.int32) for _ in range(3))
    heads, sentence, origin = (np.full(shape, -1, np.int32) for _ in range(3))
    for array in (words, suffixes, tags):
        array[:, 0] = ROOT
    sentence[:, 0] = 0
    for row, members in enumerate(rows):
        start = 1
        for place, number in enumerate(members, 1):
            one = sentences[number]
            here = slice(start, start + len(one.words))
            words[row, here] = [vocabulary.words.get(word.lower(), UNKNOWN) for word in one.words]
            suffixes[row, here] = [vocabulary.suffixes.get(word[-SUFFIX:], UNKNOWN) for word in one.words]
            tags[row, here] = [vocabulary.tags.get(tag, UNKNOWN) for tag in one.tags]
            heads[row, here] = [head + start - 1 if head else 0 for head in one.heads]
            sentence[row, here] = place
            origin[row, here] = number
            start += len(one.words)
    return Packed(words, suffixes, tags, heads, sentence, origin)
