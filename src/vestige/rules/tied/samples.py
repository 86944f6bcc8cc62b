"""Means over the samples of a row."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.numerics import logsumexp


def log_mean(log_weights: Float[Array, "rows samples"]) -> Float[Array, " rows"]:
    """log 1/K Σ w."""
    return logsumexp(log_weights, 1) - jnp.log(jnp.asarray(log_weights.shape[1], log_weights.dtype))


def at_least_one(rule: str, samples: int, lowest: int = 1) -> None:
    """**Raises:** `ValueError` where K is less than the rule needs."""
    if samples < lowest:
        raise ValueError(f"{rule}: samples (K) must be at least {lowest}, got {samples}")
