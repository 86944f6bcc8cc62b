"""One of n items."""

from jaxtyping import Array, Bool, Float

from vestige.structures.contract import AbstractSequential, LogRates, absent, checked_rates, indicator, kept, vector
from vestige.structures.subset import FirstArrivals, first_arrivals
from vestige.structures.traces import Nested


class Categorical(AbstractSequential[Nested]):
    """One of n items, with probability λ_k / Σ λ: a race of one step (the Gumbel-max trick).

    The value is one-hot, (n,). O(n).

    **Arguments:**

    - `log_rates`: (n,), softmax logits up to a constant.
    - `mask`: (n,), False for items that are not there; whatever their log-rate says.

    **Raises:** `ValueError` for a wrong shape; for NaN, +inf, and where no item is possible.
    """

    rates: LogRates
    mask: Bool[Array, " items"] | None

    def __init__(self, log_rates: Float[Array, " items"], *, mask: Bool[Array, " items"] | None = None):
        vector(log_rates, "Categorical")
        log_rates = log_rates if mask is None else kept(log_rates, mask)
        self.rates = LogRates(checked_rates(log_rates, "Categorical"))
        self.mask = mask

    def run(self, log_times: Float[Array, " items"]) -> Nested:
        return first_arrivals(log_times, 1)

    def value(self, trace: Nested) -> Float[Array, " items"]:
        return indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace: Nested) -> Bool[Array, ""]:
        return (trace.winners[0] >= 0) | absent(self.mask)

    def recursion(self) -> FirstArrivals:
        return FirstArrivals(self.log_rates.shape[0], 1)

    @property
    def incomplete(self) -> str:
        return "Categorical: no item is possible: every log-rate is -inf or masked."
