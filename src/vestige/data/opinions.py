"""Texts with an opinion, and the words that people marked as its reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from vestige.data.stored import StoredData, StoredFile
from vestige.errors import UsageError, nearest, shown
from vestige.gate import Unreadable, parse_json

_MOVIES: Mapping[str, StoredFile] = {
    "train": StoredFile(
        "movies_train.jsonl.gz", 2_503_749, "02a8fa44b095b8a81f9d7b4bee1e15cd7bf219d300e33930d18375ab4ed1fe10"
    ),
    "valid": StoredFile(
        "movies_valid.jsonl.gz", 308_767, "4a775a640afd5591c772cf57be53a83380a1ed80c644ac4b5f34eeba08cd62ea"
    ),
    "test": StoredFile(
        "movies_test.jsonl.gz", 322_369, "6047d747abfb0c7e1b7dbec64bda76360a7f7a0112a52b31252862491a2dace2"
    ),
}
_SST: Mapping[str, StoredFile] = {
    "train": StoredFile("train.txt.gz", 567_819, "e2f3f41b0b1e6d4dddc0effe3bfc2d27ed8928079aa9a03d652311614fc5feb7"),
    "valid": StoredFile("dev.txt.gz", 74_641, "0e9336aed6e4730e19f58d00a77b3f0297efdb755f7b5e598c98a05e3f97ea40"),
    "test": StoredFile("test.txt.gz", 148_143, "6e54806dee95cf80cd918e7dfb3f6770f6df24bf826f289a4d1f709e1c8f6761"),
}
NEUTRAL = 2
"""The label, from 0 to 4, of a phrase that says nothing."""


class Opinion(NamedTuple):
    """A text, whether it is positive, and which of its words people marked."""

    words: tuple[str, ...]
    """At least one."""
    positive: bool
    marked: tuple[bool, ...]
    """For each word, whether it belongs to the reason."""


@dataclass(frozen=True)
class MovieRationales(StoredData):
    """Film reviews with the passages that people marked as the reason for the label (ERASER; DeYoung et al. 2020)."""

    name: ClassVar[str] = "movie_rationales"
    description: ClassVar[str] = "1,999 film reviews, positive or negative, with the passages that say so"
    licence: ClassVar[str] = "none stated; distributed for research"
    size: ClassVar[str] = "3.1 MB"

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return tuple(_MOVIES.values())

    @property
    def source(self) -> str:
        return (
            "https://github.com/marcodecandia/Tesi_ASDJ_de_Candia_Marcantonio at "
            "7609e8ea48a3b18769c9ec19668c100c4ac96e0e: one JSON object a line with id, label, text and spans, gzipped,"
        )

    def load(self, part: str) -> list[Opinion]:
        """The reviews of a part.

        **Arguments:**

        - `part`: train, valid or test.

        **Raises:** `UsageError` for another name; as `check`.
        """
        file = _part(self.name, _MOVIES, part)
        return read_rationales(self.text(file), str(self.path(file)))


@dataclass(frozen=True)
class SentimentTreebank(StoredData):
    """Sentences of film reviews as trees, each phrase labelled from 0, very negative, to 4 (Socher et al. 2013)."""

    name: ClassVar[str] = "sst"
    description: ClassVar[str] = "11,855 sentences of film reviews as trees with an opinion for every phrase"
    licence: ClassVar[str] = "none stated; distributed for research"
    size: ClassVar[str] = "0.8 MB"

    @property
    def files(self) -> tuple[StoredFile, ...]:
        return tuple(_SST.values())

    @property
    def source(self) -> str:
        return (
            "https://github.com/munikarmanish/RNTN at 12bb731ba9fbdcdf2368b8515a241773f2b97547, the first 8,544 lines "
            "of its training file, gzipped,"
        )

    def load(self, part: str, *, phrases: int | None = None) -> list[Opinion]:
        """The sentences of a part that are not neutral; marked are the words which alone are of the same opinion.

        **Arguments:**

        - `part`: train, valid or test.
        - `phrases`: also the phrases inside sentences that have at least so many words and are not neutral, each with
          its own opinion. None: sentences alone.

        **Raises:** `UsageError` for another name; as `check`.
        """
        file = _part(self.name, _SST, part)
        return read_sentiment(self.text(file), str(self.path(file)), phrases=phrases)


def _part(dataset: str, files: Mapping[str, StoredFile], part: str) -> StoredFile:
    if part not in files:
        raise UsageError(f"{dataset}: there is no '{part}'. {nearest(part, files)}")
    return files[part]


def read_rationales(text: str, path: str) -> list[Opinion]:
    """The reviews of a file of JSON objects, one a line, with `label` (NEG or POS), `text` and `spans` of words.

    **Arguments:**

    - `text`: its content.
    - `path`: its name, for messages.

    **Raises:** `Unreadable`, with the number of the line, where one is no such object, has another label, no words, or
    a span outside its words; where there is no line.
    """
    found = []
    for number, line in enumerate(lines_of(text), 1):
        try:
            review = parse_json(line)
        except ValueError as error:
            raise Unreadable(path, f"line {number} cannot be read as JSON: {error}") from None
        label, content, spans = (review.get(name) for name in ("label", "text", "spans"))
        if label not in ("NEG", "POS"):
            raise Unreadable(path, f"line {number}: label should be NEG or POS, got {shown(label)!r}")
        words = tuple(content.split()) if isinstance(content, str) else ()
        if not words:
            raise Unreadable(path, f"line {number}: text should hold words, got {shown(content)!r}")
        if not isinstance(spans, list):
            raise Unreadable(path, f"line {number}: spans should be a list, got {shown(spans)!r}")
        marked = [False] * len(words)
        for span in spans:
            whole = isinstance(span, list) and len(span) == 2 and all(type(end) is int for end in span)
            if not whole or not 0 <= span[0] <= span[1] <= len(words):
                raise Unreadable(
                    path, f"line {number}: a span should be [start, end) within {len(words)} words, got {shown(span)}"
                )
            marked[span[0] : span[1]] = [True] * (span[1] - span[0])
        found.append(Opinion(words, label == "POS", tuple(marked)))
    if not found:
        raise Unreadable(path, "it holds no review")
    return found


def read_sentiment(text: str, path: str, *, phrases: int | None = None) -> list[Opinion]:
    """The sentences of a file of labelled trees, `(3 (2 It) (4 works))`, one a line, that are not neutral as a whole.

    **Arguments:**

    - `text`: its content.
    - `path`: its name, for messages.
    - `phrases`: also the phrases inside sentences that have at least so many words and are not neutral, those of a
      sentence behind it in the order of their ends. None: sentences alone.

    **Raises:** `Unreadable`, with the number of the line, where one is no such tree or a label is not from 0 to 4;
    where there is no sentence.
    """
    found = []
    for number, line in enumerate(lines_of(text), 1):
        try:
            leaves, inner, whole = _tree(line)
        except ValueError as error:
            raise Unreadable(path, f"line {number} is no tree with labels: {error}") from None
        wanted = [] if phrases is None else [each for each in inner if each.stop - each.start >= phrases]
        found += [_opinion(leaves, each) for each in (whole, *wanted) if each.label != NEUTRAL]
    if not found:
        raise Unreadable(path, "it holds no sentence that is positive or negative")
    return found


def _opinion(leaves: list[tuple[int, str]], phrase: "_Phrase") -> Opinion:
    """A phrase that is not neutral."""
    here, positive = leaves[phrase.start : phrase.stop], phrase.label > NEUTRAL
    marked = tuple(label != NEUTRAL and (label > NEUTRAL) == positive for label, _ in here)
    return Opinion(tuple(word for _, word in here), positive, marked)


def lines_of(text: str) -> list[str]:
    """The lines of `text`, ended by newlines alone: a text may hold other characters that would end one."""
    return text.removesuffix("\n").replace("\r\n", "\n").split("\n") if text else []


class _Phrase(NamedTuple):
    """The words from `start` to `stop` - 1 of a sentence."""

    label: int
    start: int
    stop: int


def _tree(line: str) -> tuple[list[tuple[int, str]], list[_Phrase], _Phrase]:
    """The labels and words of the leaves of a tree, its phrases of more than a word, and the whole. **Raises:**
    `ValueError` with a clause."""
    pieces = re.findall(r"[()]|[^ ()]+", line)
    leaves: list[tuple[int, str]] = []
    open_: list[tuple[int, int, int]] = []  # of each phrase the label, how many parts it has so far, and its first word
    inner: list[_Phrase] = []
    root = None
    at = 0
    while at < len(pieces):
        if root is not None:
            raise ValueError(f"it goes on after its end, with {shown(pieces[at])!r}")
        if pieces[at] == "(":
            label = pieces[at + 1] if at + 1 < len(pieces) else ""
            if label not in ("0", "1", "2", "3", "4"):
                raise ValueError(f"a label should be from 0 to 4, got {shown(label)!r}")
            open_.append((int(label), 0, len(leaves)))
            at += 2
            continue
        if not open_:
            raise ValueError(f"it should begin with (, got {shown(pieces[at])!r}")
        label, parts, start = open_.pop()
        if pieces[at] == ")":
            if parts == 0:
                raise ValueError("a phrase holds nothing")
            phrase = _Phrase(label, start, len(leaves))
            if open_:
                outer, count, first = open_[-1]
                open_[-1] = (outer, count + 1, first)
                if phrase.stop - start > 1:
                    inner.append(phrase)
            else:
                root = phrase
        elif parts:
            raise ValueError(f"the word {shown(pieces[at])!r} stands beside other parts of its phrase")
        else:
            leaves.append((label, pieces[at]))
            open_.append((label, 1, start))
        at += 1
    if root is None:
        raise ValueError("a ) is missing" if open_ else "it is empty")
    return leaves, inner, root
