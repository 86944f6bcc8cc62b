"""Texts with an opinion as arrays, and what can be said of their words without a model."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vestige.data.opinions import Opinion

PAD, UNKNOWN = 0, 1
"""Numbers of what is no word, and of a rare one."""


class OpinionRows(NamedTuple):
    """Texts as arrays, one a row."""

    words: np.ndarray
    """(rows, longest), int32; `PAD` where there is none."""
    labels: np.ndarray
    """(rows,), int32: 1 for a positive text."""
    marked: np.ndarray
    """(rows, longest), bool: what people marked."""
    weighty: np.ndarray
    """(rows, longest), bool: the k words of the highest tf-idf."""


def vocabulary(
    texts: Sequence[Opinion], *, least: int, spread: tuple[Sequence[Opinion], int] | None = None
) -> dict[str, int]:
    """A number for every word, in lower case, that occurs at least so often.

    **Arguments:**

    - `texts`: to train on.
    - `least`: how often.
    - `spread`: other texts, and in how many of them it occurs as well; None: that does not matter.
    """
    counts = Counter(word.lower() for text in texts for word in text.words)
    often = sorted((word for word, count in counts.items() if count >= least), key=lambda w: (-counts[w], w))
    if spread is not None:
        within = Counter(word for text in spread[0] for word in {word.lower() for word in text.words})
        often = [word for word in often if within[word] >= spread[1]]
    return {word: number for number, word in enumerate(often, UNKNOWN + 1)}


def rows_of(
    texts: Sequence[Opinion], numbers: Mapping[str, int], rarity: Mapping[str, float], *, longest: int, k: int
) -> OpinionRows:
    """Texts as arrays.

    **Arguments:**

    - `texts`: none longer than `longest` or shorter than `k`.
    - `numbers`: of words.
    - `rarity`: inverse document frequencies of words, see `rarities`.
    - `longest`: words a row.
    - `k`: how many words are read of a text.

    **Raises:** `ValueError` for a text that is longer than a row or has fewer than k words, with its number.
    """
    rarest = max(rarity.values(), default=0.0)  # that of a word that was never met
    words = np.full((len(texts), longest), PAD, np.int32)
    marked, weighty = np.zeros(words.shape, bool), np.zeros(words.shape, bool)
    for row, text in enumerate(texts):
        size = len(text.words)
        if size > longest:
            raise ValueError(f"explain: text {row + 1} has {size} words, and a row has room for longest = {longest}")
        if size < k:
            raise ValueError(f"explain: text {row + 1} has {size} words, and k = {k} of them are to be read; lower k")
        low = [word.lower() for word in text.words]
        words[row, :size] = [numbers.get(word, UNKNOWN) for word in low]
        marked[row, :size] = text.marked
        counts = Counter(low)
        scores = [counts[word] * rarity.get(word, rarest) for word in low]
        weighty[row, np.argsort(-np.array(scores), kind="stable")[:k]] = True
    labels = np.array([text.positive for text in texts], np.int32)
    return OpinionRows(words, labels, marked, weighty)


def rarities(texts: Sequence[Opinion]) -> dict[str, float]:
    """log(texts / texts with the word), of every word in lower case.

    **Arguments:**

    - `texts`: at least one.
    """
    found = Counter(word for text in texts for word in {word.lower() for word in text.words})
    return {word: math.log(len(texts) / count) for word, count in found.items()}


def shortened(texts: Sequence[Opinion], *, longest: int, k: int) -> tuple[list[Opinion], int]:
    """Texts cut to their first words.

    **Arguments:**

    - `texts`: of any length.
    - `longest`: words that are kept.
    - `k`: texts of fewer words are left out.

    **Returns:** the texts, and how many were left out.
    """
    kept = [text for text in texts if len(text.words) >= k]
    cut = [Opinion(text.words[:longest], text.positive, text.marked[:longest]) for text in kept]
    return cut, len(texts) - len(cut)


def passages_of(texts: Sequence[Opinion], size: int) -> list[Opinion]:
    """Texts cut into consecutive passages, as few as have at most `size` words, and alike in length to a word. Each has
    the opinion of its text.

    **Arguments:**

    - `texts`: of any length.
    - `size`: words of a passage, at most.
    """
    found = []
    for text in texts:
        words = len(text.words)
        parts = -(-words // size)
        ends = [part * words // parts for part in range(parts + 1)]
        found += [
            Opinion(text.words[start:end], text.positive, text.marked[start:end])
            for start, end in itertools.pairwise(ends)
        ]
    return found


def planted(count: int, longest: int, seed: int) -> list[Opinion]:
    """Texts of words that say nothing, among them a few, which are marked, that do: two or three of the text's opinion
    and one of the other.

    **Arguments:**

    - `count`: how many texts.
    - `longest`: words of a text, at most; at least 8.
    - `seed`: the texts are a function of it.
    """
    rng = random.Random(f"planted/{seed}")
    found = []
    for _ in range(count):
        size = rng.randint(8, longest)
        positive = rng.random() < 0.5
        words = [f"word{rng.randrange(60)}" for _ in range(size)]
        marked = [False] * size
        places = rng.sample(range(size), rng.randint(3, 4))
        for at, place in enumerate(places):
            says = positive if at else not positive
            words[place] = f"{'good' if says else 'bad'}{rng.randrange(5)}"
            marked[place] = at > 0
        found.append(Opinion(tuple(words), positive, tuple(marked)))
    return found
