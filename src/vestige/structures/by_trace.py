"""A structure seen as its traces."""

from typing import Generic

from jaxtyping import Array, Bool, Float, Int

from vestige.structures.contract import AbstractStructure, LogRates, TraceKind
from vestige.structures.recursion import AbstractRecursion
from vestige.typing import Key


class ByTrace(AbstractStructure[TraceKind], Generic[TraceKind]):
    """`inner` with another value: the winners of the trace, as floats, from which `replay` makes the trace again.

    Everything that estimates an expectation over values estimates one over traces with it.
    """

    rates: LogRates
    mask: Bool[Array, "..."] | None
    inner: AbstractStructure[TraceKind]

    @classmethod
    def of(cls, inner: AbstractStructure[TraceKind]) -> "ByTrace[TraceKind]":
        """With the rates and the mask of `inner`."""
        return cls(inner.rates, inner.mask, inner)

    @property
    def incomplete(self) -> str:
        return self.inner.incomplete

    @property
    def listed_as_run(self) -> bool:
        return self.inner.listed_as_run

    def with_log_rates(self, log_rates: Float[Array, "*keys"]) -> "ByTrace[TraceKind]":
        return ByTrace.of(self.inner.with_log_rates(log_rates))

    def run(self, log_times: Float[Array, "*keys"]) -> TraceKind:
        return self.inner.run(log_times)

    def value(self, trace: TraceKind) -> Float[Array, " steps"]:
        return trace.winners.astype(self.log_rates.dtype)

    def complete(self, trace: TraceKind) -> Bool[Array, ""]:
        return self.inner.complete(trace)

    def replay(self, winners: Int[Array, " steps"]) -> TraceKind:
        return self.inner.replay(winners)

    def recursion(self) -> AbstractRecursion:
        return self.inner.recursion()

    def log_prob(self, trace: TraceKind) -> Float[Array, ""]:
        return self.inner.log_prob(trace)

    def posterior(self, trace: TraceKind, *, key: Key) -> Float[Array, "*keys"]:
        return self.inner.posterior(trace, key=key)
