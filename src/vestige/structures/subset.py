"""k of n items."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.debug import require
from vestige.structures.contract import (
    AbstractSequential,
    LogRates,
    absent,
    checked_rates,
    flagged,
    indicator,
    kept,
    vector,
)
from vestige.structures.recursion import AbstractRecursion
from vestige.structures.traces import Nested


class FirstArrivals(AbstractRecursion):
    """The first `k` of `items` to arrive: at step s everybody not yet taken is in the race."""

    def __init__(self, items: int, k: int):
        self.items, self.k = items, k

    def start(self) -> tuple[int, ...]:
        return ()

    def split(self, state: tuple[int, ...]) -> Mapping[int, frozenset[int]]:
        left = frozenset(range(self.items)) - frozenset(state)
        return {len(state): left} if len(state) < self.k else {}

    def advance(self, state: tuple[int, ...], winners: Mapping[int, int]) -> tuple[int, ...]:
        return (*state, *winners.values())


def first_arrivals(log_times: Float[Array, " items"], k: int) -> Nested:
    """The trace of the first `k` arrivals, by `log_times`, (n,). O(n log n)."""
    order = jnp.argsort(log_times, stable=True)[:k].astype(jnp.int32)
    winners = jnp.where(log_times[order] < jnp.inf, order, -1)
    exits = jnp.full(log_times.shape, k - 1, jnp.int32).at[order].set(jnp.arange(k, dtype=jnp.int32))
    return Nested(winners, exits)


class Subset(AbstractSequential[Nested]):
    """k of n items, as they arrive: the trace is the *ordered* selection, the value the set.

    A trace has the Plackett-Luce probability of its k places; k! traces lead to one set, whose own probability is
    `vestige.structures.subset_log_prob`. The value has k ones among n zeros, (n,). O(n log n).

    With an array for k every example of a batch has its own, in one program: traces have `max_k` places, of which those
    after the k-th are empty (-1). Such a k may be 0: the set is then empty and certain.

    **Arguments:**

    - `log_rates`: (n,).
    - `k`: how many: a Python integer from 1 to n, static; or an integer array of shape (), from 0 to `max_k`.
    - `max_k`: the largest k an array may hold, static: work and memory are those of a `k` of that size. By default n.
    - `mask`: (n,), False for items that are not there.

    **Raises:** `ValueError` for a wrong shape or a static k outside 1 … n; for NaN, +inf, an array k outside 0 … max_k,
    and, when drawing, where fewer than k items are possible. Compiled, the draw is not valid and log-probabilities are
    NaN. `TypeError` for a k that is no integer.
    """

    rates: LogRates
    mask: Bool[Array, " items"] | None
    max_k: int = eqx.field(static=True)
    """Places of a trace; `k` itself where that is static."""
    count: Int[Array, ""] | None
    """k where it is an array, None where it is static."""

    def __init__(
        self,
        log_rates: Float[Array, " items"],
        k: int | Int[Array, ""],
        *,
        max_k: int | None = None,
        mask: Bool[Array, " items"] | None = None,
    ):
        items = vector(log_rates, "Subset")
        log_rates = checked_rates(log_rates if mask is None else kept(log_rates, mask), "Subset")
        if isinstance(k, int):
            if not 1 <= k <= items:
                raise ValueError(f"Subset: k must lie between 1 and the number of items, {items}; got {k}")
            if max_k not in (None, k):
                raise ValueError(f"Subset: max_k is for a k that is an array; leave it out for k = {k}, got {max_k}")
            max_k, count = k, None
        else:
            max_k = items if max_k is None else max_k
            if not 1 <= max_k <= items:
                raise ValueError(f"Subset: max_k must lie between 1 and the number of items, {items}; got {max_k}")
            count = _count(k)
            fits = ((count >= 0) & (count <= max_k)) | absent(mask)
            message = f"Subset: k must lie between 0 and {max_k} (max_k, or the number of items)"
            log_rates = flagged(require(log_rates, fits, message), fits)
        self.rates = LogRates(log_rates)
        self.mask = mask
        self.max_k = max_k
        self.count = count

    @property
    def k(self) -> int | Int[Array, ""]:
        """How many items are chosen: as it was given, a Python integer or an array."""
        return self.max_k if self.count is None else self.count

    @property
    def listed_as_run(self) -> bool:
        return self.mask is None and self.count is None

    def run(self, log_times: Float[Array, " items"]) -> Nested:
        trace = first_arrivals(log_times, self.max_k)
        if self.count is None:
            return trace
        step = jnp.arange(self.max_k, dtype=jnp.int32)
        last = jnp.maximum(self.count - 1, 0)
        return Nested(jnp.where(step < self.count, trace.winners, -1), jnp.minimum(trace.exits, last))

    def value(self, trace: Nested) -> Float[Array, " items"]:
        return indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace: Nested) -> Bool[Array, ""]:
        return (jnp.sum(trace.winners >= 0) == self.k) | absent(self.mask)

    def recursion(self) -> FirstArrivals:
        return FirstArrivals(self.log_rates.shape[0], self.max_k)

    @property
    def incomplete(self) -> str:
        k = f"k = {self.max_k}" if self.count is None else "k"
        return f"Subset: fewer than {k} items are possible; the others are masked or have log-rate -inf."


def _count(k: Int[Array, ""]) -> Int[Array, ""]:
    """The number of items as an array.

    **Raises:** `TypeError` for what is no integer, `ValueError` for several of them.
    """
    if not jnp.issubdtype(jnp.result_type(k), jnp.integer):
        raise TypeError(f"Subset: k must be an integer or an integer array, got {jnp.result_type(k)}")
    count = jnp.asarray(k)
    if count.ndim:
        raise ValueError(f"Subset: k must be one number, an array of shape (), got {count.shape}; use jax.vmap")
    return count.astype(jnp.int32)
