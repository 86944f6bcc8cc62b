"""The probability of a text, summed over all binary trees over its positions."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.structured.language_decoder import TreeDecoder
from vestige.numerics import logsumexp, segment_logsumexp

LONGEST = 10
"""Positions, at most: there are (3^n - 1) / 2 paths from a root down, 29,524 of 10 positions."""


class Level(NamedTuple):
    """All paths of so many steps down, each of which ends at a position; paths that share a state are one."""

    place: Int[np.ndarray, " paths"]
    """Where the path ends."""
    above: Int[np.ndarray, " paths"]
    """The path to the parent, a number of the level above; -1 for a root."""
    left: Int[np.ndarray, " paths"]
    right: Int[np.ndarray, " paths"]
    """The interval that the subtree covers, both ends included."""
    race: Int[np.ndarray, " paths"]
    """Which race of this level the position wins: one for each interval and way to it."""
    left_race: Int[np.ndarray, " paths"]
    right_race: Int[np.ndarray, " paths"]
    """The races of the level below that follow; -1 for an empty part."""
    races: int


@functools.cache
def levels(n: int) -> tuple[Level, ...]:
    """All paths through all binary trees over `n` positions, level by level."""
    found: list[Level] = []
    intervals = [(-1, 0, n - 1)]
    while intervals:
        rows: list[tuple[int, ...]] = []
        below: list[tuple[int, int, int]] = []
        for race, (above, left, right) in enumerate(intervals):
            for place in range(left, right + 1):
                follow = []
                for first, last in ((left, place - 1), (place + 1, right)):
                    follow.append(len(below) if first <= last else -1)
                    if first <= last:
                        below.append((len(rows), first, last))
                rows.append((place, above, left, right, race, *follow))
        columns = np.array(rows, np.int32).T
        found.append(Level(*columns, races=len(intervals)))
        intervals = below
    return tuple(found)


def log_sum_over_trees(
    decoder: TreeDecoder, log_rates: Float[Array, " n"], tokens: Int[Array, " n"]
) -> Float[Array, ""]:
    """log Σ_T p(T) p(tokens | T), nats: every state of the decoder is computed once, and what follows it is summed.

    O(3^n) states, hence for about ten positions.

    **Arguments:**

    - `decoder`: of the tokens along a tree.
    - `log_rates`: (n,), of p(T).
    - `tokens`: (n,), a text without padding.
    """
    n = tokens.shape[0]
    place = np.arange(n)
    inside = (place[:, None, None] <= place) & (place <= place[None, :, None])  # (left, right, position)
    totals = logsumexp(jnp.broadcast_to(log_rates, inside.shape), 2, jnp.asarray(inside))
    gains, state = [], None
    above: Level | None = None
    for level in levels(n):
        sizes = level.place - level.left, level.right - level.place, level.left, n - 1 - level.right
        drives = decoder.sized(*(jnp.asarray(size) for size in sizes))
        if state is None or above is None:
            start = jnp.zeros((n, decoder.cell.output_size))
            drives = drives + decoder.token[decoder.no_token][None, :]
        else:
            start, parent = state[level.above], above.place[level.above]
            drives = drives + decoder.sided(jnp.asarray(level.place > parent)) + decoder.token[tokens[parent]]
        state, above = jax.vmap(decoder.advance)(start, drives), level
        log_probs = jax.nn.log_softmax(jax.vmap(decoder.out)(state), axis=1)
        here = jnp.take_along_axis(log_probs, tokens[level.place][:, None], axis=1)[:, 0]
        gains.append(here + log_rates[level.place] - totals[level.left, level.right])
    below = jnp.zeros(1)
    for level, gain in zip(reversed(levels(n)), reversed(gains), strict=True):
        follows = (jnp.where(part < 0, 0.0, below[part]) for part in (level.left_race, level.right_race))
        below = segment_logsumexp(sum(follows, gain), jnp.asarray(level.race), level.races)
    return below[0]
