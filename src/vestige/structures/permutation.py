"""Orders of n items."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.structures.contract import AbstractSequential, LogRates, checked_rates, indicator, kept, vector
from vestige.structures.subset import FirstArrivals, first_arrivals
from vestige.structures.traces import Nested


class Permutation(AbstractSequential[Nested]):
    """The order in which n items arrive: the Plackett-Luce distribution. Trace and value are the same thing.

    The value is a permutation matrix (n, n): row s is the one-hot item in place s. O(n log n) beside the value.

    **Arguments:**

    - `log_rates`: (n,).
    - `mask`: (n,), False for items that are not there; the order is then shorter and the last rows are zero.

    **Raises:** `ValueError` for a wrong shape; for NaN, +inf, and for an item inside the mask whose
    log-rate is -inf: it would never arrive.
    """

    rates: LogRates
    mask: Bool[Array, " items"] | None

    def __init__(self, log_rates: Float[Array, " items"], *, mask: Bool[Array, " items"] | None = None):
        vector(log_rates, "Permutation")
        self.rates = LogRates(checked_rates(log_rates if mask is None else kept(log_rates, mask), "Permutation"))
        self.mask = mask

    def run(self, log_times: Float[Array, " items"]) -> Nested:
        return first_arrivals(log_times, log_times.shape[0])

    def value(self, trace: Nested) -> Float[Array, "places items"]:
        n = self.log_rates.shape[0]
        place = jnp.where(trace.winners < 0, -1, jnp.arange(n, dtype=jnp.int32) * n + trace.winners)
        return indicator(place, (n, n), self.log_rates.dtype)

    def complete(self, trace: Nested) -> Bool[Array, ""]:
        items = self.log_rates.shape[0] if self.mask is None else jnp.sum(self.mask)
        return jnp.sum(trace.winners >= 0) == items

    def recursion(self) -> FirstArrivals:
        return FirstArrivals(self.log_rates.shape[0], self.log_rates.shape[0])

    @property
    def incomplete(self) -> str:
        return "Permutation: an item has log-rate -inf and never arrives. Leave it out by the mask."
