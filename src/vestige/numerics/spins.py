"""Independent bits, written as -1 and 1, parametrised by their logits."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from vestige.numerics.support import require_support


class Spins(NamedTuple):
    """P(s = 1) = sigma(logit), else s = -1, independent over the last axis."""

    logits: Float[Array, "*batch spins"]

    @property
    def mean(self) -> Float[Array, "*batch spins"]:
        """E[s], in (-1, 1)."""
        return jnp.tanh(0.5 * self.logits)

    def draw(self, *, key: PRNGKeyArray) -> Float[Array, "*batch spins"]:
        """A draw, through which no gradient flows."""
        noise = jax.random.logistic(key, self.logits.shape, self.logits.dtype)
        return jnp.where(self.logits + noise > 0, 1.0, -1.0).astype(self.logits.dtype)

    def log_prob(self, value: Float[Array, "*batch spins"]) -> Float[Array, "*batch"]:
        """In nats, summed over the last axis. Of means, in [-1, 1], the mean log-probability of spins that have them:
        what a harmonium makes of real-valued bits. Beyond them -inf, and NaN of NaN.

        **Raises:** `ValueError` for concrete values beyond -1 to 1.
        """
        require_support(value, _possible, owner="Spins.log_prob", expected="values must be within -1 to 1")
        log = jnp.sum(0.5 * value * self.logits - self._half_log_sum(), axis=-1)
        return jnp.where(jnp.all(_possible(value) | jnp.isnan(value), axis=-1), log, -jnp.inf)

    def kl(self, other: "Spins") -> Float[Array, "*batch"]:
        """KL(self ‖ other) in nats, summed over the last axis."""
        apart = 0.5 * self.mean * (self.logits - other.logits)
        return jnp.sum(apart - self._half_log_sum() + other._half_log_sum(), axis=-1)

    def _half_log_sum(self) -> Float[Array, "*batch spins"]:
        """log(e^(logit/2) + e^(-logit/2))."""
        half = 0.5 * jnp.abs(self.logits)
        return half + jnp.log1p(jnp.exp(-2.0 * half))


def _possible(value: Any) -> Any:
    return (value >= -1) & (value <= 1)
