"""Expressions drawn at random, of given depths and bounded length (notes on Struminsky et al. 2021, addendum A.1)."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vestige.data.expressions import CLOSE, Expression, ExpressionSet, as_arrays, parsed

OPERATOR = 0.25
"""The probability of a list, where depth allows one."""
FEWEST, MOST = 2, 5
"""Values in a list."""
SHORTEST = 10
"""The fewest tokens of an expression of depth 2 or more; one of depth 1 has at least 2."""
PATIENCE = 20_000
"""Draws in a row that are all refused, after which there is nothing more to be found."""


class Split(NamedTuple):
    """Expressions of which none occurs in two parts."""

    train: ExpressionSet
    valid: ExpressionSet
    test: ExpressionSet


def drawn(depth: int, longest: int, operators: Sequence[str], rng: random.Random) -> list[str] | None:
    """One draw of the generator, nested at most `depth` deep: a list at the top, below it a list with probability 1/4,
    otherwise a digit; 2 to 5 values a list.

    **Arguments:**

    - `depth`: lists in each other, at most; at least 1.
    - `longest`: tokens, at most.
    - `operators`: each equally likely.
    - `rng`: of the draw.

    **Returns:** tokens; None where the expression is less deep or longer, which is drawn again: so the distribution is
    that of the generator given depth and length.
    """
    tokens: list[str] = []
    reached = 0

    def put(level: int) -> None:
        nonlocal reached
        if len(tokens) > longest:
            return
        if level and (level == depth or rng.random() >= OPERATOR):
            tokens.append(str(rng.randrange(10)))
            return
        reached = max(reached, level + 1)
        tokens.append(operators[rng.randrange(len(operators))])
        for _ in range(rng.randint(FEWEST, MOST)):
            put(level + 1)
        tokens.append(CLOSE)

    put(0)
    return tokens if reached == depth and len(tokens) <= longest else None


def expressions(depth: int, count: int, longest: int, operators: Sequence[str], rng: random.Random) -> list[Expression]:
    """`count` different expressions that are nested exactly `depth` deep.

    **Arguments:**

    - `depth`: at least 1.
    - `count`: how many.
    - `longest`: tokens, at most. The fewest are 2, or 10 from depth 2 on (fewer where `longest` is).
    - `operators`: names with their bracket.
    - `rng`: of the draws.

    **Raises:** `ValueError` where there are not so many, or none is as short.
    """
    shortest = min(SHORTEST if depth > 1 else 2, longest)
    found: dict[str, None] = {}
    refused = 0
    while len(found) < count:
        tokens = drawn(depth, longest, operators, rng)
        text = " ".join(tokens) if tokens is not None and len(tokens) >= shortest else ""
        if text and text not in found:
            found[text], refused = None, 0
            continue
        refused += 1
        if refused > PATIENCE:
            raise ValueError(
                f"listops: of {count:,} different expressions of depth {depth} with at most {longest} tokens only "
                f"{len(found):,} were found. Ask for fewer, or allow longer ones"
            )
    return [parsed(text) for text in found]


def generated(depths: int, counts: tuple[int, int, int], longest: int, operators: Sequence[str], seed: int) -> Split:
    """As many expressions of each depth from 1 to `depths`, none of them in two parts.

    **Arguments:**

    - `depths`: the deepest.
    - `counts`: expressions a depth to train on, to choose by and to evaluate on.
    - `longest`: tokens a row.
    - `operators`: names with their bracket.
    - `seed`: the data are a function of it and of the other arguments.

    **Raises:** `ValueError` as `expressions`.
    """
    parts: list[list[Expression]] = [[], [], []]
    for depth in range(1, depths + 1):
        made = expressions(depth, sum(counts), longest, operators, random.Random(f"{seed}/{depth}"))
        ends = np.cumsum((0, *counts))
        for part, start, end in zip(parts, ends[:-1], ends[1:], strict=True):
            part += made[start:end]
    return Split(*(as_arrays(part, longest) for part in parts))
