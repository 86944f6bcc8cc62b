"""A structure: which two of n items arrive first."""

import dataclasses
import math
from typing import ClassVar

import vestige
from vestige.structures.contract import AbstractSequential, LogRates, checked_rates, indicator, vector
from vestige.structures.specs import AbstractItemsSpec
from vestige.structures.subset import FirstArrivals, first_arrivals
from vestige.structures.traces import Nested


class FirstTwo(AbstractSequential[Nested]):
    """The first two arrivals of n, as an indicator of shape (n,)."""

    rates: LogRates
    mask: None = None

    def __init__(self, log_rates):
        vector(log_rates, "FirstTwo")
        self.rates = LogRates(checked_rates(log_rates, "FirstTwo"))

    def run(self, log_times):
        return first_arrivals(log_times, 2)

    def value(self, trace):
        return indicator(trace.winners, self.log_rates.shape, self.log_rates.dtype)

    def complete(self, trace):
        return trace.winners[1] >= 0

    def recursion(self):
        return FirstArrivals(self.log_rates.shape[0], 2)

    @property
    def incomplete(self):
        return "FirstTwo: fewer than two items are possible."


@dataclasses.dataclass(frozen=True)
class FirstTwoSpec(AbstractItemsSpec):
    """The first two of n items."""

    part: ClassVar[str] = "vestige_extra.first_two:FirstTwo"
    provides: ClassVar[frozenset[str]] = frozenset({"distinct traces"})
    summary: ClassVar[str] = "the first two of n items"

    @property
    def least_traces(self):
        return math.perm(self.n, 2)


vestige.register("structure", "first-two", FirstTwoSpec)
