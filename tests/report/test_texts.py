"""Pictures of texts."""

import numpy as np
import pytest

from vestige.report.run import Run
from vestige.report.sections import SECTIONS
from vestige.report.texts import explained_texts, parses

WORDS = np.array([["ROOT", "The", "cat<", "sat"], ["a", "", "", ""]])
TRUE = np.array([[-1, 2, 3, 0], [-1, -1, -1, -1]], np.int16)
FOUND = np.array([[-1, 2, 0, 0], [-1, -1, -1, -1]], np.int16)
READ = np.array([[False, False, True, True], [True, False, False, False]])
MARKED = np.array([[False, True, True, False], [False, False, False, False]])


def run(**arrays):
    return Run({}, (), {}, arrays)


def test_arcs_are_right_wrong_or_missed():
    (drawn,) = parses(run(parse_words=WORDS, parse_heads=FOUND, parse_true=TRUE))  # a text of one word has no arcs
    assert [arc.kind for arc in drawn.arcs] == ["right", "wrong", "missed", "right"]
    assert [word.text for word in drawn.words] == ["ROOT", "The", "cat<", "sat"]
    assert drawn.label == "ROOT The cat< sat: 2 arcs right, 1 wrong"
    assert 0 < drawn.words[0].x < drawn.words[-1].x < drawn.width
    html = SECTIONS["parses"].content(run(parse_words=WORDS, parse_heads=FOUND, parse_true=TRUE))
    assert isinstance(html, str) and "cat&lt;" in html and "cat<" not in html and html.count('class="wrong"') == 1


def test_words_are_read_marked_or_both():
    texts = explained_texts(run(explained_words=WORDS, explained_read=READ, explained_marked=MARKED))
    assert [word.kind for word in texts[0]] == ["", "marked", "both", "read"] and [w.kind for w in texts[1]] == ["read"]
    html = SECTIONS["words"].content(run(explained_words=WORDS, explained_read=READ, explained_marked=MARKED))
    assert isinstance(html, str) and '<mark class="both">cat&lt;</mark>' in html


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"parse_words": WORDS, "parse_heads": FOUND},
        {"parse_words": WORDS, "parse_heads": FOUND, "parse_true": TRUE[:1]},
        {"parse_words": WORDS, "parse_heads": FOUND.astype(float), "parse_true": TRUE},
        {"parse_words": FOUND, "parse_heads": FOUND, "parse_true": TRUE},
        {"parse_words": WORDS[0], "parse_heads": FOUND[0], "parse_true": TRUE[0]},
        {"parse_words": WORDS, "parse_heads": np.full((2, 4), 99), "parse_true": np.full((2, 4), -7)},
    ],
)
def test_what_does_not_fit_is_left_out(arrays):
    found = parses(run(**arrays))
    assert not found or not found[0].arcs
    assert not explained_texts(run(explained_words=WORDS, explained_read=READ.astype(float), explained_marked=MARKED))
