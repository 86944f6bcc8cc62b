"""Values whose traces are the orders of their parts: sums over all orders, by way of the sets of parts won so far."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics import log_exponential, logsumexp
from vestige.structures.contract import AbstractStructure
from vestige.structures.matching import Matching
from vestige.structures.reach import reachable
from vestige.structures.spanning_tree import SpanningTree
from vestige.typing import Key

MOST = 12  # parts: 4096 sets


class Parts(NamedTuple):
    """A value as the keys that win when it is drawn, in whatever order."""

    keys: Int[Array, " parts"]
    """Flattened; -1 for none."""
    alive: Bool[Array, "sets keys"]
    """Which keys are still in play once the parts of a set have won; the sets in the order of their binary numbers."""


class Orders(NamedTuple):
    """The sums over orders."""

    log_prob: Float[Array, ""]
    """Of the value: -inf where it is none of this structure's, which its caller has to check."""
    last: Float[Array, "sets parts"]
    """Logarithms, not normalised, of how likely each part of a set is to have been won last."""
    keys: Int[Array, " parts"]
    """As given."""


@functools.singledispatch
def parts_of(structure: AbstractStructure, value: Float[Array, "..."]) -> Parts | None:
    """The parts of a `value` of a `structure`; None where its traces are not the orders of its parts, or too many."""
    return None


@parts_of.register
def _(structure: SpanningTree, value: Array) -> Parts | None:
    """An edge is in play as long as the path between its ends is not complete."""
    n = value.shape[0]
    if n - 1 > MOST:
        return None
    keys = jnp.nonzero(jnp.triu(value, 1).reshape(-1) > 0, size=n - 1, fill_value=-1)[0].astype(jnp.int32)
    sets = jnp.asarray(_sets(n - 1))
    ends = jnp.where(keys >= 0, keys, 0)
    place = jnp.arange(n, dtype=jnp.int32)[None, :]
    edge = ((ends[:, None] // n == place) | (ends[:, None] % n == place)) & (keys >= 0)[:, None]
    joined = edge[:, :, None] & edge[:, None, :]

    def connected(won: Array) -> Array:
        return reachable(jnp.any(joined & won[:, None, None], axis=0) | jnp.eye(n, dtype=bool))

    return Parts(keys, ~jax.vmap(connected)(sets).reshape(sets.shape[0], -1))


@parts_of.register
def _(structure: Matching, value: Array) -> Parts | None:
    """An entry is in play as long as neither its row nor its column is matched."""
    n = value.shape[0]
    if n > MOST:
        return None
    there = jnp.any(value > 0, axis=1)
    place = jnp.arange(n, dtype=jnp.int32)
    keys = jnp.where(there, place * n + jnp.argmax(value, axis=1).astype(jnp.int32), -1)
    sets = jnp.asarray(_sets(n))
    row_taken, column_taken = sets & there[None, :], jnp.einsum("sr,rc->sc", sets.astype(value.dtype), value) > 0
    return Parts(keys, ~(row_taken[:, :, None] | column_taken[:, None, :]).reshape(sets.shape[0], -1))


def sum_over_orders(structure: AbstractStructure, parts: Parts) -> Orders:
    """log Σ over the orders of the `parts` of Π_s λ / Λ_s: the parts' total Λ_s depends on the set won before alone.
    O(2^parts · (keys + parts²)).

    **Arguments:**

    - `structure`: gives the rates.
    """
    count = parts.keys.shape[0]
    sets, numbers = _sets(count), np.arange(2**count)
    before = numbers[:, None] & ~(1 << np.arange(count))[None, :]  # the set without each part
    rates = structure.log_rates.reshape(-1)
    totals = logsumexp(jnp.broadcast_to(rates, parts.alive.shape), 1, parts.alive)
    own = jnp.where(parts.keys >= 0, rates[jnp.where(parts.keys >= 0, parts.keys, 0)], -jnp.inf)
    there = jnp.asarray(sets) & (own > -jnp.inf)[None, :]
    share = jnp.where(there, own[None, :] - jnp.where(there, totals[before], 0.0), -jnp.inf)
    size = jnp.asarray(sets.sum(axis=1))

    def grow(sums: Array, level: Array) -> tuple[Array, None]:
        return jnp.where(size == level, logsumexp(sums[before] + share, 1), sums), None

    start = jnp.full(2**count, -jnp.inf, rates.dtype).at[0].set(0.0)
    sums, _ = jax.lax.scan(grow, start, jnp.arange(1, count + 1, dtype=size.dtype))
    return Orders(sums[_number(parts.keys)], sums[before] + share, parts.keys)


def draw_order(orders: Orders, *, key: Key) -> Int[Array, " parts"]:
    """The keys in an order drawn in proportion to its probability; -1 at the end where there are fewer.

    **Arguments:**

    - `orders`: what `sum_over_orders` returned.
    """
    count = orders.keys.shape[0]
    here = jnp.sum(orders.keys >= 0, dtype=jnp.int32)

    def take(won: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        place, key = step
        noise = log_exponential((count,), orders.last.dtype, key=key)
        last = jnp.argmax(orders.last[won] - noise).astype(won.dtype)
        taken = place < here
        left = won & ~(jnp.ones((), won.dtype) << last)
        return jnp.where(taken, left, won), jnp.where(taken, orders.keys[last], -1)

    steps = jnp.arange(count, dtype=jnp.int32), jax.random.split(key, count)
    return jax.lax.scan(take, _number(orders.keys), steps, reverse=True)[1]


def _number(keys: Int[Array, " parts"]) -> Int[Array, ""]:
    """Of the set of all parts that are there."""
    return jnp.sum(jnp.where(keys >= 0, 1 << jnp.arange(keys.shape[0], dtype=jnp.int32), 0), dtype=jnp.int32)


def _sets(count: int) -> np.ndarray:
    """All sets of so many parts, (sets, parts)."""
    return (np.arange(2**count)[:, None] >> np.arange(count)[None, :]) % 2 > 0
