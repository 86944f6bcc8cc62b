"""In which order the tokens of a text were generated: binary trees over them, drawn from the root down."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np

_COLUMN, _LEVEL, _MARGIN = 34.0, 26.0, 18.0
"""Of a drawing, in pixels: from token to token, from level to level, and around it."""
_MOST_TEXTS, _MOST_TOKENS = 20, 200


@dataclass(frozen=True)
class Node:
    """A token with its place in the tree."""

    text: str
    step: int
    """When it is generated, from 1."""
    x: float
    y: float
    above: tuple[float, float] | None
    """Where its parent is; None for the root."""


@dataclass(frozen=True)
class Order:
    """The drawing of one text."""

    nodes: tuple[Node, ...]
    width: float
    height: float
    label: str
    """What it shows, in words."""

    @property
    def base(self) -> float:
        """Where the tokens stand."""
        return self.height - 6


def orders(run: Run) -> list[Order]:
    """The orders that a run stored, one row a text: tokens, and the parent of each, -1 for the root and for padding;
    none where they are not there or do not fit each other."""
    words, parents = run.arrays.get("order_words"), run.arrays.get("order_parents")
    if words is None or parents is None or words.shape != parents.shape or words.ndim != 2:
        return []
    if words.dtype.kind != "U" or parents.dtype.kind not in "iu" or words.shape[1] > _MOST_TOKENS:
        return []
    found = []
    for row in range(min(len(words), _MOST_TEXTS)):
        size = sum(1 for word in words[row] if word)
        steps = _walk(parents[row, :size])
        if size and len(steps) == size:
            found.append(_order([str(word) for word in words[row, :size]], parents[row], steps))
    return found


def _walk(parents: "np.ndarray") -> dict[int, tuple[int, int]]:
    """When each position is generated, from 0, and at which level: from the root, left parts first. Positions that hang
    on no root are left out, all of them where there is not one root."""
    below: dict[int, list[int]] = {}
    for place, parent in enumerate(parents):
        below.setdefault(int(parent), []).append(place)
    waiting = [(root, 0) for root in below.get(-1, [])]
    found: dict[int, tuple[int, int]] = {}
    if len(waiting) != 1:
        return found
    while waiting:
        place, level = waiting.pop()
        found[place] = len(found), level
        waiting += [(child, level + 1) for child in reversed(below.get(place, []))]
    return found


def _order(words: list[str], parents: "np.ndarray", steps: dict[int, tuple[int, int]]) -> Order:
    def at(place: int) -> tuple[float, float]:
        return _MARGIN + _COLUMN * place, _MARGIN + _LEVEL * steps[place][1]

    nodes = tuple(
        Node(word, steps[place][0] + 1, *at(place), at(int(parents[place])) if parents[place] >= 0 else None)
        for place, word in enumerate(words)
    )
    levels = 1 + max(level for _, level in steps.values())
    sequence = ", ".join(str(place + 1) for place in sorted(steps, key=lambda place: steps[place][0]))
    label = f"{' '.join(words)}: positions in the order in which they are generated: {sequence}"
    width = 2 * _MARGIN + _COLUMN * (len(words) - 1)
    return Order(nodes, width, 2 * _MARGIN + _LEVEL * levels, label)
