"""Texts with what was made of them: arcs over the words, right and wrong ones apart, and the words that were read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np

_LETTER, _GAP, _STEP, _LEVEL = 8.0, 16.0, 10.0, 17.0
"""Of a drawing, in pixels: width of a letter, space between words, height of an arc for each word under it."""
_HIGHEST = 12
_MOST_TEXTS = 20
_MOST_WORDS = 2000


@dataclass(frozen=True)
class Word:
    """A word at its place in a drawing."""

    text: str
    x: float


@dataclass(frozen=True)
class Arc:
    """From a head to its dependent, as the path of an SVG."""

    kind: str
    """right, wrong, or missed: true and not found."""
    path: str
    tip: str
    """The points of the arrow's head."""


@dataclass(frozen=True)
class Parse:
    """The drawing of one text."""

    words: tuple[Word, ...]
    arcs: tuple[Arc, ...]
    width: float
    height: float
    label: str
    """What it shows, in words."""


@dataclass(frozen=True)
class ReadWord:
    """A word of a text of which some are read."""

    text: str
    kind: str
    """read, marked (by people), both, or empty."""


def parses(run: Run) -> list[Parse]:
    """The parses that a run stored: words, heads found and true heads, one row a text; none where they are not there or
    do not fit each other."""
    arrays = [run.arrays.get(name) for name in ("parse_words", "parse_heads", "parse_true")]
    words, found, true = arrays
    if words is None or found is None or true is None or not _fitting(arrays) or words.dtype.kind != "U":
        return []
    if found.dtype.kind not in "iu" or true.dtype.kind not in "iu":
        return []
    drawn = []
    for row in range(min(len(words), _MOST_TEXTS)):
        size = _length(words[row])
        if size > 1:
            drawn.append(_parse([str(w) for w in words[row, :size]], found[row, :size], true[row, :size]))
    return drawn


def explained_texts(run: Run) -> list[list[ReadWord]]:
    """The texts of which a run stored which words are read and which people marked; none as `parses`."""
    arrays = [run.arrays.get(name) for name in ("explained_words", "explained_read", "explained_marked")]
    words, read, marked = arrays
    if words is None or read is None or marked is None or not _fitting(arrays) or words.dtype.kind != "U":
        return []
    if read.dtype.kind != "b" or marked.dtype.kind != "b":
        return []
    kinds = {(True, True): "both", (True, False): "read", (False, True): "marked", (False, False): ""}
    return [
        [
            ReadWord(str(words[row, at]), kinds[bool(read[row, at]), bool(marked[row, at])])
            for at in range(_length(words[row]))
        ]
        for row in range(min(len(words), _MOST_TEXTS))
    ]


def _fitting(arrays: "list[Any]") -> bool:
    shape = arrays[0].shape
    return len(shape) == 2 and 0 < shape[1] <= _MOST_WORDS and all(array.shape == shape for array in arrays)


def _length(words: "np.ndarray") -> int:
    """How many words stand before the padding."""
    there = [place for place, word in enumerate(words) if word]
    return there[-1] + 1 if there else 0


def _parse(words: list[str], found: "np.ndarray", true: "np.ndarray") -> Parse:
    centres, x = [], _GAP / 2
    for word in words:
        centres.append(x + _LETTER * len(word) / 2)
        x += _LETTER * len(word) + _GAP
    wanted = []
    for at in range(len(words)):
        head, right = int(found[at]), int(true[at])
        if 0 <= head < len(words) and head != at:
            wanted.append(("right" if head == right else "wrong", head, at))
        if 0 <= right < len(words) and right != at and head != right:
            wanted.append(("missed", right, at))
    height = _LEVEL + _STEP * min(_HIGHEST, max((abs(u - v) for _, u, v in wanted), default=1)) + 8
    arcs = tuple(_arc(kind, centres[u], centres[v], abs(u - v), height) for kind, u, v in wanted)
    counts = {kind: sum(arc.kind == kind for arc in arcs) for kind in ("right", "wrong")}
    label = f"{' '.join(words)}: {counts['right']} arcs right, {counts['wrong']} wrong"
    placed = tuple(Word(word, round(centre, 1)) for word, centre in zip(words, centres, strict=True))
    return Parse(placed, arcs, round(x, 1), round(height + 22, 1), label)


def _arc(kind: str, start: float, end: float, words: int, base: float) -> Arc:
    top = base - _LEVEL - _STEP * min(words, _HIGHEST) * 0.95
    side = 4.0 if start < end else -4.0
    begin, stop = start + side, end - side / 2
    bend = min(abs(stop - begin) / 2, 18.0) * (1 if stop > begin else -1)
    path = (
        f"M{begin:.1f} {base:.1f}C{begin:.1f} {top:.1f} {begin:.1f} {top:.1f} {begin + bend:.1f} {top:.1f}"
        f"L{stop - bend:.1f} {top:.1f}C{stop:.1f} {top:.1f} {stop:.1f} {top:.1f} {stop:.1f} {base:.1f}"
    )
    return Arc(kind, path, f"{stop - 3:.1f},{base - 6:.1f} {stop + 3:.1f},{base - 6:.1f} {stop:.1f},{base:.1f}")
