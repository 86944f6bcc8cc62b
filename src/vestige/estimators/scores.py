"""Whose score it is: that of the trace, or that of all arrival times."""

import abc
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.structures import AbstractGibbs, AbstractStructure, Draw, GibbsDraw, Subset, racing, subset_log_prob


class AbstractScore(eqx.Module):
    """The log-probability whose gradient in the rates is the score."""

    @abc.abstractmethod
    def log_prob(self, structure: AbstractStructure | AbstractGibbs, draw: Draw | GibbsDraw) -> Float[Array, ""]:
        """The log-probability of a draw that is held fixed.

        **Arguments:**

        - `structure`: whose log-rates are differentiated.
        - `draw`: from that structure.

        **Returns:** one number, nats, differentiable in the rates.

        **Raises:** `TypeError` for a structure for which this score is not defined.
        """


class TraceScore(AbstractScore):
    """log p(T). Its score is the mean of that of the times given the trace: never more variance (Rao-Blackwell). Of a
    Gibbs distribution, which has no traces, log p(X)."""

    def log_prob(self, structure: AbstractStructure | AbstractGibbs, draw: Draw | GibbsDraw) -> Float[Array, ""]:
        distribution: Any = structure
        return distribution.log_prob(draw.trace)


class TimesScore(AbstractScore):
    """log p(E) = Σ_k log λ_k - λ_k E_k: needs no trace, hence serves any algorithm, at a higher variance."""

    def log_prob(self, structure: AbstractStructure | AbstractGibbs, draw: Draw | GibbsDraw) -> Float[Array, ""]:
        structure, draw = racing(structure, "TimesScore"), cast(Draw, draw)
        present = structure.log_rates > -jnp.inf
        rates = jnp.where(present, structure.log_rates, 0.0)
        times = jnp.where(present, jax.lax.stop_gradient(draw.log_times), 0.0)
        return jnp.sum(jnp.where(present, rates - jnp.exp(rates + times), 0.0))


class SetScore(AbstractScore):
    """log p(X) of the unordered set a `Subset` amounts to, its k! traces summed. Its score is the mean of that of the
    trace given the set: never more variance than `TraceScore`. O(250 n)."""

    def log_prob(self, structure: AbstractStructure | AbstractGibbs, draw: Draw | GibbsDraw) -> Float[Array, ""]:
        if not isinstance(structure, Subset):
            raise TypeError(f"SetScore is defined for Subset, not for {type(structure).__name__}. Use TraceScore.")
        return subset_log_prob(structure, jax.lax.stop_gradient(draw.value))
