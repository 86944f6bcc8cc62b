"""Pictures of orders of generation."""

import numpy as np
import pytest

from vestige.report.orders import orders
from vestige.report.run import Run
from vestige.report.sections import SECTIONS

WORDS = np.array([["(", "<", ")", "]"], ["(", ")", "", ""]])
PARENTS = np.array([[1, -1, 3, 1], [-1, 0, -1, -1]], np.int16)


def run(**arrays):
    return Run({}, (), {}, arrays)


def test_trees_are_drawn_from_the_root_down():
    first, second = orders(run(order_words=WORDS, order_parents=PARENTS))
    assert [node.step for node in first.nodes] == [2, 1, 4, 3]  # the root, its left part, its right part
    assert [node.text for node in second.nodes] == ["(", ")"] and [node.step for node in second.nodes] == [1, 2]
    root, leaf = first.nodes[1], first.nodes[2]
    assert root.above is None and leaf.above == (first.nodes[3].x, first.nodes[3].y) and root.y < leaf.above[1] < leaf.y
    assert first.nodes[0].y == first.nodes[3].y < leaf.y < first.base < first.height
    assert first.label.endswith("in the order in which they are generated: 2, 1, 4, 3")
    html = SECTIONS["orders"].content(run(order_words=WORDS, order_parents=PARENTS))
    assert isinstance(html, str) and "&lt;" in html and html.count("<circle") == 6


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"order_words": WORDS},
        {"order_words": WORDS, "order_parents": PARENTS[:1]},
        {"order_words": WORDS, "order_parents": PARENTS.astype(float)},
        {"order_words": PARENTS, "order_parents": PARENTS},
        {"order_words": WORDS[0], "order_parents": PARENTS[0]},
        {"order_words": WORDS[:1], "order_parents": np.array([[1, 0, -1, 2]], np.int16)},  # a circle
        {"order_words": WORDS[:1], "order_parents": np.array([[-1, -1, 1, 2]], np.int16)},  # two roots
        {"order_words": WORDS[:1], "order_parents": np.array([[99, -1, 1, -7]], np.int16)},
    ],
)
def test_what_does_not_fit_is_left_out(arrays):
    assert not orders(run(**arrays)) and not SECTIONS["orders"].content(run(**arrays))
