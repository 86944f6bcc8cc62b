"""Means whose number of terms differs from sequence to sequence."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class Tally(NamedTuple):
    """A sum and the number of its terms, to be added up over sequences before they are divided."""

    total: Float[Array, "..."]
    terms: Float[Array, "..."]

    @classmethod
    def over(cls, values: Float[Array, "*terms"], where: Bool[Array, "*terms"]) -> "Tally":
        """The values at the marked places; what stands elsewhere does not matter."""
        return cls(jnp.sum(jnp.where(where, values, 0.0)), jnp.sum(where).astype(values.dtype))

    @property
    def mean(self) -> Float[Array, "..."]:
        """NaN where nothing was counted."""
        return self.total / self.terms
