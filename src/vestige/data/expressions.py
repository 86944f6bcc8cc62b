"""Nested list operations: what they are worth, and which operator each token belongs to."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vestige.errors import shown

CLOSE = "]"
PAD = 15
"""The number of the token that fills a row."""
VOCABULARY: tuple[str, ...] = (
    *(str(digit) for digit in range(10)),
    "[MAX",
    "[MED",
    "[MIN",
    "[SM",
    CLOSE,
    "",  # PAD
    "[FIRST",
    "[LAST",
    "[PM",
)
"""The tokens in the order of their numbers: those of Struminsky et al. 2021, then operators that they do not use."""
NUMBER: Mapping[str, int] = {token: number for number, token in enumerate(VOCABULARY) if token}
CLOSING = NUMBER[CLOSE]

OPERATORS: Mapping[str, Callable[[Sequence[int]], int]] = {
    "[MAX": max,
    "[MED": lambda values: int(np.median(values)),  # the mean of the middle two, its fraction cut off
    "[MIN": min,
    "[SM": lambda values: sum(values) % 10,
    "[FIRST": lambda values: values[0],
    "[LAST": lambda values: values[-1],
    "[PM": lambda values: int(np.prod(values)) % 10,
}
"""What each operator makes of the values of its list."""


class Malformed(ValueError):
    """An expression is none; the text is a clause about "it"."""


class Expression(NamedTuple):
    """A well-formed expression and all that is known about it."""

    tokens: tuple[str, ...]
    """Operators with their bracket, digits, closing brackets; at least one."""
    heads: tuple[int, ...]
    """For each token the place of its head, the operator of the innermost list around it: for an operator that of the
    list that contains its own, for a closing bracket its own operator; -1 for the first token."""
    value: int
    """0 to 9."""
    depth: int
    """How many lists lie in each other: 0 for a digit."""


def parsed(text: str) -> Expression:
    """Read an expression, whose brackets `(` and `)` of the published files are checked and dropped.

    **Arguments:**

    - `text`: tokens with a space between them, `[MAX 2 [MIN 3 4 ] ]`.

    **Returns:** the expression, evaluated.

    **Raises:** `Malformed` for unknown tokens, brackets that do not match, lists without values, and what follows after
    the end.
    """
    words = text.split()
    tokens = tuple(word for word in words if word not in ("(", ")"))
    _check_parentheses(words)
    heads: list[int] = []
    lists: list[tuple[int, list[int]]] = []  # open ones: the place of the operator, the values so far
    depth, result = 0, None
    for place, token in enumerate(tokens):
        if result is not None:
            raise Malformed(f"it goes on after its end, with {shown(token)!r} as token {place + 1}")
        heads.append(lists[-1][0] if lists else -1)
        if token in OPERATORS:
            lists.append((place, []))
            depth = max(depth, len(lists))
            continue
        if token == CLOSE:
            value = _closed(lists, tokens, place)
        elif token in NUMBER:
            value = int(token)
        else:
            raise Malformed(f"token {place + 1} is {shown(token)!r}; it should be a digit, ] or {', '.join(OPERATORS)}")
        if lists:
            lists[-1][1].append(value)
        else:
            result = value
    if result is None:
        raise Malformed(f"{len(lists)} of its lists are never closed" if tokens else "it is empty")
    return Expression(tokens, tuple(heads), result, depth)


def _closed(lists: list[tuple[int, list[int]]], tokens: Sequence[str], place: int) -> int:
    if not lists:
        raise Malformed(f"token {place + 1} closes a list and none is open")
    operator, values = lists.pop()
    if not values:
        raise Malformed(f"the list that {tokens[operator]} opens as token {operator + 1} holds no value")
    return OPERATORS[tokens[operator]](values)


def _check_parentheses(words: Sequence[str]) -> None:
    level = 0
    for word in words:
        level += (word == "(") - (word == ")")
        if level < 0:
            raise Malformed("it has a ) too many")
    if level:
        raise Malformed(f"{level} of its ( are never closed")


class ExpressionSet(NamedTuple):
    """Expressions as arrays, one a row, filled up with `PAD`."""

    tokens: np.ndarray
    """(rows, longest), uint8: numbers of `VOCABULARY`."""
    heads: np.ndarray
    """(rows, longest), int16; -1 for the first token and for padding."""
    values: np.ndarray
    """(rows,), uint8, 0 to 9."""
    depths: np.ndarray
    """(rows,), uint8."""


def as_arrays(expressions: Sequence[Expression], longest: int) -> ExpressionSet:
    """Expressions as arrays.

    **Arguments:**

    - `expressions`: some, none longer than `longest`.
    - `longest`: tokens a row.

    **Raises:** `ValueError` for an expression that is longer.
    """
    tokens = np.full((len(expressions), longest), PAD, np.uint8)
    heads = np.full((len(expressions), longest), -1, np.int16)
    for row, expression in enumerate(expressions):
        size = len(expression.tokens)
        if size > longest:
            raise ValueError(
                f"expression {row + 1} has {size} tokens and a row has room for longest = {longest}; leave it out or "
                "make rows longer"
            )
        tokens[row, :size] = [NUMBER[token] for token in expression.tokens]
        heads[row, :size] = expression.heads
    values = np.array([expression.value for expression in expressions], np.uint8)
    depths = np.array([expression.depth for expression in expressions], np.uint8)
    return ExpressionSet(tokens, heads, values, depths)
