"""Binary trees over a sequence of positions."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.structures.contract import AbstractSequential, LogRates, checked_rates, kept, vector
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import Segments


class DivideAndConquer(AbstractRecursion):
    """The first position to arrive is the root; the positions left of it and right of it are trees of their own.

    The intervals could race at once; they are taken one by one here, in preorder.
    """

    def __init__(self, items: int):
        self.items = items

    def start(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        return 0, ((0, self.items),)

    def split(self, state: tuple[int, tuple[tuple[int, int], ...]]) -> Mapping[int, frozenset[int]]:
        step, intervals = state
        return {step: frozenset(range(*intervals[0]))} if intervals else {}

    def advance(self, state: tuple[int, tuple[tuple[int, int], ...]], winners: Mapping[int, int]):
        step, ((start, stop), *later) = state
        halves = (start, winners[step]), (winners[step] + 1, stop)
        return step + 1, (*(half for half in halves if half[0] < half[1]), *later)


class BinaryTree(AbstractSequential[Segments]):
    """The Cartesian tree of the arrival times: the first to arrive is the root, what lies left and right of it are
    its subtrees. Trace and value are the same thing.

    The value is the matrix (n, n) of children: 1 at (i, j) if j is a child of i, a left one if j < i, a right one if
    j > i. The trace lists the positions in preorder. O(n²) time and memory, without a loop.

    **Arguments:**

    - `log_rates`: (n,).
    - `mask`: (n,), False for positions that are not there; the others close ranks.

    **Raises:** `ValueError` for a wrong shape; for NaN, +inf, and for a position inside the mask whose
    log-rate is -inf: it would never arrive.
    """

    rates: LogRates
    mask: Bool[Array, " items"] | None

    def __init__(self, log_rates: Float[Array, " items"], *, mask: Bool[Array, " items"] | None = None):
        vector(log_rates, "BinaryTree")
        self.rates = LogRates(checked_rates(log_rates if mask is None else kept(log_rates, mask), "BinaryTree"))
        self.mask = mask

    def run(self, log_times: Float[Array, " items"]) -> Segments:
        n = log_times.shape[0]
        place = jnp.arange(n, dtype=jnp.int32)
        mine, other = log_times[:, None], log_times[None, :]
        before = place[None, :] < place[:, None]
        earlier = (other < mine) | ((other == mine) & before)  # (i, k): k arrives before i
        left = jnp.max(jnp.where(earlier & before, place[None, :], -1), axis=1)
        right = jnp.min(jnp.where(earlier & ~before, place[None, :], n), axis=1)
        here = log_times < jnp.inf
        # Preorder: after all ancestors, and after everything to the left that is not below.
        inside = (left[:, None] < place[None, :]) & (place[None, :] < right[:, None])  # (i, k): k at or below i
        above = inside & here[:, None] & (place[:, None] != place[None, :])
        first = above | (~above & ~above.T & before.T)
        rank = jnp.sum(first & here[:, None], axis=0, dtype=jnp.int32)
        rank = jnp.where(here, rank, n)
        order = jnp.zeros(n, jnp.int32).at[rank].set(place, mode="drop")
        won = place < jnp.sum(here, dtype=jnp.int32)
        return Segments(jnp.where(won, order, -1), jnp.where(won, left[order], n), jnp.where(won, right[order], -1))

    def value(self, trace: Segments) -> Float[Array, "parents children"]:
        part = trace.takes_part()  # (step, position)
        n = part.shape[0]
        place = jnp.arange(n, dtype=jnp.int32)
        proper = part & (trace.winners[:, None] != place[None, :]) & jnp.isin(place, trace.winners)[None, :]
        # In preorder the last proper ancestor is the parent.
        last = jnp.max(jnp.where(proper, place[:, None], -1), axis=0)
        parent = jnp.where(last >= 0, trace.winners[last], -1)
        return (parent[None, :] == place[:, None]).astype(self.log_rates.dtype)

    def complete(self, trace: Segments) -> Bool[Array, ""]:
        items = self.log_rates.shape[0] if self.mask is None else jnp.sum(self.mask)
        return jnp.sum(trace.winners >= 0) == items

    def recursion(self) -> DivideAndConquer:
        return DivideAndConquer(self.log_rates.shape[0])

    @property
    def incomplete(self) -> str:
        return "BinaryTree: a position has log-rate -inf and never arrives. Leave it out by the mask."
