"""The most probable values."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.numerics import logsumexp
from vestige.structures.binary_tree import BinaryTree
from vestige.structures.categorical import Categorical
from vestige.structures.choices import Choices
from vestige.structures.contract import AbstractStructure
from vestige.structures.enumerated_values import Values, on_values
from vestige.structures.permutation import Permutation
from vestige.structures.subset import Subset
from vestige.structures.subset_probability import subset_log_prob


def best_values(structure: AbstractStructure, count: int) -> Values:
    """The `count` most probable values, in falling order of their probability, all traces summed.

    `Categorical`, `Choices`, `Subset` and `Permutation` of any size: the first by sorting, the second row by row, the
    others by search along exchanges of neighbours in the order of their rates, each of which lowers the probability:
    O(count² n²) comparisons and count · n log-probabilities. The best `BinaryTree`, a count of 1, of any size by its
    segments, O(n³). Others by enumeration: about five nodes. For spanning trees and arborescences of any size there is
    the most probable one of a Gibbs distribution, its `mode`.

    **Arguments:**

    - `structure`: as said.
    - `count`: static.

    **Returns:** a table of `count` rows; where there are fewer values, the others have log-probability -inf. The
    log-probabilities are held fixed: `structure_log_prob` of the values is differentiable.

    **Raises:** `ValueError` for a `count` below 1; beyond 200,000 traces; for a `Permutation` with a mask.
    """
    if count < 1:
        raise ValueError(f"best_values: count must be at least 1, got {count}")
    return Values(*_best(jax.lax.stop_gradient(structure), count))


@functools.singledispatch
def _best(structure: AbstractStructure, count: int) -> tuple[Array, Array]:
    values, (log_probs,) = on_values(structure)
    return _top(values, log_probs, count)


def _top(values: Array, log_probs: Array, count: int) -> tuple[Array, Array]:
    """The best of the rows, filled up where there are fewer."""
    lacking = max(0, count - values.shape[0])
    values = jnp.pad(values, ((0, lacking),) + ((0, 0),) * (values.ndim - 1))
    best, rows = jax.lax.top_k(jnp.pad(log_probs, (0, lacking), constant_values=-jnp.inf), count)
    return values[rows], best


@_best.register
def _(structure: Categorical, count: int) -> tuple[Array, Array]:
    rates = structure.log_rates
    some = jnp.any(rates > -jnp.inf)
    log_probs = jnp.where(some, jax.nn.log_softmax(jnp.where(some, rates, 0.0)), -jnp.inf)
    found, best = _top(jnp.eye(rates.shape[0], dtype=rates.dtype), log_probs, count)
    first = jnp.arange(count, dtype=jnp.int32) == 0
    return jnp.where(some, found, 0.0), jnp.where(some, best, jnp.where(first, 0.0, -jnp.inf))


@_best.register
def _(structure: Choices, count: int) -> tuple[Array, Array]:
    rates = structure.log_rates
    rows, options = rates.shape
    some = jnp.any(rates > -jnp.inf, axis=1, keepdims=True)
    nothing = jnp.where(jnp.arange(options, dtype=jnp.int32) == 0, 0.0, -jnp.inf).astype(rates.dtype)
    shares = jnp.where(some, jax.nn.log_softmax(jnp.where(some, rates, 0.0), axis=1), nothing[None, :])

    def add(state: tuple[Array, Array], here: tuple[Array, Array]) -> tuple[tuple[Array, Array], None]:
        chosen, scores = state
        row, share = here
        best, place = jax.lax.top_k((scores[:, None] + share[None, :]).reshape(-1), count)
        return (chosen[place // options].at[:, row].set((place % options).astype(jnp.int32)), best), None

    start = jnp.zeros((count, rows), jnp.int32), jnp.full(count, -jnp.inf, rates.dtype).at[0].set(0.0)
    (chosen, scores), _ = jax.lax.scan(add, start, (jnp.arange(rows, dtype=jnp.int32), shares))
    return jnp.where(some[None], jax.nn.one_hot(chosen, options, dtype=rates.dtype), 0.0), scores


@_best.register
def _(structure: Subset, count: int) -> tuple[Array, Array]:
    """A set is given by the ranks of its members; each may give way to the one that follows it in rank."""
    places, n = structure.max_k, structure.log_rates.shape[0]
    order = jnp.argsort(-structure.log_rates, stable=True)

    def value(ranks: Array) -> Array:
        there = ranks < n
        members = jnp.where(there, order[jnp.where(there, ranks, 0)], n)
        return jnp.zeros(n, structure.log_rates.dtype).at[members].set(1.0, mode="drop")

    def worse(ranks: Array) -> tuple[Array, Array]:
        after = jnp.concatenate([ranks[1:], jnp.full(1, n, ranks.dtype)])
        return ranks[None, :] + jnp.eye(places, dtype=ranks.dtype), ranks + 1 < after

    score = lambda ranks: subset_log_prob(structure, value(ranks))
    place = jnp.arange(places, dtype=jnp.int32)
    found, scores = _search(jnp.where(place < structure.k, place, n), score, worse, places, count)
    nobody = jnp.all(structure.log_rates == -jnp.inf) & (structure.mask is not None)
    first = jnp.arange(count, dtype=jnp.int32) == 0
    values = jnp.where(nobody, 0.0, jax.vmap(value)(found))
    return values, jnp.where(nobody, jnp.where(first, 0.0, -jnp.inf), scores)


@_best.register
def _(structure: Permutation, count: int) -> tuple[Array, Array]:
    """Two neighbours in the order may change places, if the likelier one is first."""
    if structure.mask is not None:
        raise ValueError("best_values: a Permutation with a mask is not supported; leave the mask out")
    rates = structure.log_rates
    n = rates.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    swaps = jnp.stack([place.at[s].set(s + 1).at[s + 1].set(s) for s in range(n - 1)]) if n > 1 else place[None]

    def worse(order: Array) -> tuple[Array, Array]:
        ranks = jnp.zeros(n, jnp.int32).at[best_first].set(place)[order]
        return order[swaps], ranks[:-1] < ranks[1:] if n > 1 else jnp.zeros(1, bool)

    best_first = jnp.argsort(-rates, stable=True).astype(jnp.int32)
    found, scores = _search(
        best_first, lambda order: structure.log_prob(structure.replay(order)), worse, max(1, n - 1), count
    )
    return jax.nn.one_hot(found, n, dtype=rates.dtype), scores


@_best.register
def _(structure: BinaryTree, count: int) -> tuple[Array, Array]:
    """The best one by its segments: the root's share, and the best of what is left and right of it."""
    if count > 1:
        values, (log_probs,) = on_values(structure)
        return _top(values, log_probs, count)
    n = structure.log_rates.shape[0]
    # Whose derivative says which position wins a segment of which width: ancestors win wider ones.
    widths = jnp.argmax(jax.grad(lambda x: _best_segments(structure.log_rates, x))(jnp.zeros((n, n))), axis=1)
    there = structure.log_rates > -jnp.inf
    trace = structure.run(jnp.where(there, -widths.astype(structure.log_rates.dtype), jnp.inf))
    log_prob = jnp.where(structure.complete(trace), structure.log_prob(trace), -jnp.inf)
    return structure.value(trace)[None], log_prob[None]


def _best_segments(rates: Float[Array, " n"], added: Float[Array, "n widths"]) -> Float[Array, ""]:
    """The log-probability of the most probable binary tree, with a number `added` for each position and the width of
    the segment that it wins, less one. O(n³)."""
    n = rates.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)
    start, root = place[:, None], place[None, :]
    corners = jnp.arange(n + 1, dtype=jnp.int32)
    table = jnp.where(corners[:, None] == corners[None, :], 0.0, -jnp.inf).astype(rates.dtype)  # of [i, j)

    def widen(table: Array, width: Array) -> tuple[Array, None]:
        stop = place + width
        j = jnp.minimum(stop, n)
        inside = (root >= start) & (root < j[:, None]) & (rates > -jnp.inf)[None, :] & (stop <= n)[:, None]
        total = logsumexp(jnp.broadcast_to(rates[None, :], inside.shape), 1, inside)
        own = jnp.where(rates > -jnp.inf, rates, 0.0) + added[:, width - 1]
        some = total > -jnp.inf
        score = table[:n, :n] + table[1:, j].T + own[None, :] - jnp.where(some, total, 0.0)[:, None]
        score = jnp.where(inside, score, -jnp.inf)
        best = jnp.take_along_axis(score, jnp.argmax(score, axis=1)[:, None], axis=1)[:, 0]
        return table.at[place, stop].set(jnp.where(some, best, 0.0), mode="drop"), None

    return jax.lax.scan(widen, table, jnp.arange(1, n + 1, dtype=jnp.int32))[0][0, n]


def _search(
    best: Int[Array, " width"],
    score: Callable[[Array], Array],
    worse: Callable[[Array], tuple[Array, Array]],
    degree: int,
    count: int,
) -> tuple[Int[Array, "count width"], Float[Array, " count"]]:
    """The `count` rows of the highest `score`, where each but the `best` is among what is `worse` than a better one:
    rows, and which of the `degree` of them there are."""
    width, size = best.shape[0], 1 + count * degree
    first = score(best)

    def take(state: tuple[Array, Array, Array], step: Array) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
        pool, scores, taken = state
        place = jnp.argmax(scores)
        row, value = pool[place], scores[place]
        taken = taken.at[step].set(row)
        scores = jnp.where(jnp.all(pool == row[None, :], axis=1), -jnp.inf, scores)
        rows, there = worse(row)
        met = jnp.any(jnp.all(rows[:, None] == taken[None], axis=2), axis=1)
        new = jnp.where(there & ~met & (value > -jnp.inf), jax.vmap(score)(rows), -jnp.inf)
        pool = jax.lax.dynamic_update_slice_in_dim(pool, rows.astype(pool.dtype), 1 + step * degree, 0)
        scores = jax.lax.dynamic_update_slice_in_dim(scores, new.astype(scores.dtype), 1 + step * degree, 0)
        return (pool, scores, taken), (row, value)

    pool = jnp.zeros((size, width), best.dtype).at[0].set(best)
    start = pool, jnp.full(size, -jnp.inf, first.dtype).at[0].set(first), jnp.full((count, width), -1, best.dtype)
    return jax.lax.scan(take, start, jnp.arange(count, dtype=jnp.int32))[1]
