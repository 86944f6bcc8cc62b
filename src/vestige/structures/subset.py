"""k of n items."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.structures.contract import AbstractSequential, LogRates, absent, checked_rates, indicator, kept, vector
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

    **Arguments:**

    - `log_rates`: (n,).
    - `k`: how many, static.
    - `mask`: (n,), False for items that are not there.

    **Raises:** `ValueError` for a wrong shape or k outside 1 … n; for NaN, +inf, and where fewer than k
    items are possible.
    """

    rates: LogRates
    mask: Bool[Array, " items"] | None
    k: int = eqx.field(static=True)

    def __init__(self, log_rates: Float[Array, " items"], k: int, *, mask: Bool[Array, " items"] | None = None):
        items = vector(log_rates, "Subset")
        if not 1 <= k <= items:
            raise ValueError(f"Subset: k must lie between 1 and the number of items, {items}; got {k}")
        self.rates = LogRates(checked_rates(log_rates if mask is None else kept(log_rates, mask), "Subset"))
        self.mask = mask
        self.k = k

    def run(self, log_times: Float[Array, " items"]) -> Nested:
        return first_arrivals(log_times, self.k)

    def value(self, trace: Nested) -> Float[Array, " items"]:
        return indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace: Nested) -> Bool[Array, ""]:
        return jnp.all(trace.winners >= 0) | absent(self.mask)

    def recursion(self) -> FirstArrivals:
        return FirstArrivals(self.log_rates.shape[0], self.k)

    @property
    def incomplete(self) -> str:
        return f"Subset: fewer than k = {self.k} items are possible; the others are masked or have log-rate -inf."
