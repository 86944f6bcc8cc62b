"""Perfect matchings of n rows with n columns."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.numerics.one_by_one import one_by_one
from vestige.structures.contract import ONE_BY_ONE, AbstractSequential, LogRates, checked_rates, indicator, kept, square
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import Nested


class Crossing(AbstractRecursion):
    """The first entry to arrive strikes out its row and its column. Keys: i * n + j."""

    def __init__(self, n: int):
        self.n = n

    def start(self) -> tuple[int, ...]:
        return ()

    def split(self, state: tuple[int, ...]) -> Mapping[int, frozenset[int]]:
        rows = set(range(self.n)) - {key // self.n for key in state}
        columns = set(range(self.n)) - {key % self.n for key in state}
        return {len(state): frozenset(i * self.n + j for i in rows for j in columns)} if rows else {}

    def advance(self, state: tuple[int, ...], winners: Mapping[int, int]) -> tuple[int, ...]:
        return (*state, *winners.values())


class Matching(AbstractSequential[Nested]):
    """Greedy matching: the first entry to arrive strikes out its row and column, and so on.

    This is *not* the optimal assignment of the arrival times: that has no races in it, hence no trace. n! traces
    lead to one matching. The value is a permutation matrix (n, n).

    Sampling takes O(n² log n) on average: entries that are the first both of their row and of their column are
    matched at once, since nothing can come between them; about half of what is left goes each round.

    **Arguments:**

    - `log_rates`: (n, n), rows to columns; -inf for impossible pairs.
    - `mask`: (n,), False for rows and columns that are not there.

    With impossible pairs the greedy algorithm may strike out the last partner of a row.

    **Raises:** `ValueError` for a shape that is not square; for NaN, +inf, and, when drawing, where a row
    is left without an admissible column.
    """

    rates: LogRates
    mask: Bool[Array, " rows"] | None

    def __init__(self, log_rates: Float[Array, "rows columns"], *, mask: Bool[Array, " rows"] | None = None):
        square(log_rates, "Matching")
        if mask is not None:
            log_rates = kept(log_rates, mask[:, None] & mask[None, :])
        self.rates = LogRates(checked_rates(log_rates, "Matching"))
        self.mask = mask

    def run(self, log_times: Float[Array, "rows columns"]) -> Nested:
        n = log_times.shape[0]
        pair = one_by_one(cross) if n >= ONE_BY_ONE else cross
        partner = pair(jax.lax.stop_gradient(log_times))
        times = jnp.where(partner < 0, jnp.inf, log_times[jnp.arange(n), partner])
        keys = jnp.arange(n, dtype=jnp.int32) * n + partner
        order = jnp.lexsort((keys, times)).astype(jnp.int32)
        steps = jnp.arange(n, dtype=jnp.int32)
        winners = jnp.where(times[order] < jnp.inf, keys[order], -1)
        row_step = jnp.zeros(n, jnp.int32).at[order].set(steps)
        free = jnp.where(partner < 0, n, partner)
        column_step = jnp.full(n, n - 1, jnp.int32).at[free].set(row_step, mode="drop")
        return Nested(winners, jnp.minimum(row_step[:, None], column_step[None, :]))

    def value(self, trace: Nested) -> Float[Array, "rows columns"]:
        return indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace: Nested) -> Bool[Array, ""]:
        rows = self.log_rates.shape[0] if self.mask is None else jnp.sum(self.mask)
        return jnp.sum(trace.winners >= 0) == rows

    def recursion(self) -> Crossing:
        return Crossing(self.log_rates.shape[0])

    @property
    def incomplete(self) -> str:
        return (
            "Matching: a row was left without an admissible column. The matching is greedy: with impossible pairs "
            "(-inf) it may run into a dead end. Give them small finite log-rates instead, or mask what is not there."
        )


def cross(log_times: Float[Array, "rows columns"]) -> Int[Array, " rows"]:
    """The column that each row is matched to by the greedy algorithm, -1 for none. Ties go to the smaller key."""
    n = log_times.shape[0]
    place = jnp.arange(n, dtype=jnp.int32)

    def first(left, axis):
        """Whether each entry is the first to arrive along the axis, the smaller place on ties."""
        where = jnp.expand_dims(place, 1 - axis)
        earliest = left == jnp.min(left, axis=axis, keepdims=True)
        return where == jnp.min(jnp.where(earliest, where, n), axis=axis, keepdims=True)

    def match(state):
        left, partner = state
        pairs = first(left, 0) & first(left, 1) & (left < jnp.inf)
        taken_row, taken_column = jnp.any(pairs, axis=1), jnp.any(pairs, axis=0)
        column = jnp.sum(jnp.where(pairs, place[None, :], 0), axis=1, dtype=jnp.int32)
        left = jnp.where(taken_row[:, None] | taken_column[None, :], jnp.inf, left)
        return left, jnp.where(taken_row, column, partner)

    start = log_times, jnp.full(n, -1, jnp.int32)
    return jax.lax.while_loop(lambda state: jnp.any(state[0] < jnp.inf), match, start)[1]
