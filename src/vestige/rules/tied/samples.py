"""Means over the samples of a row."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.numerics import logsumexp


def log_mean(log_weights: Float[Array, "rows samples"]) -> Float[Array, " rows"]:
    """log 1/K Σ w."""
    return logsumexp(log_weights, 1) - jnp.log(jnp.asarray(log_weights.shape[1], log_weights.dtype))


def check_shares(owner: str, real: float, reading: float) -> None:
    """Check options of the rule `owner`.

    **Raises:** `ValueError` where `real` is not in [0, 1] or `reading` is negative.
    """
    if not 0 <= real <= 1:
        raise ValueError(f"{owner}: real must be in [0, 1], got {real}")
    if reading < 0:
        raise ValueError(f"{owner}: reading must be at least 0, got {reading}")


def at_least_one(rule: str, samples: int, lowest: int = 1) -> None:
    """Check K, the `samples` of the rule named `rule`.

    **Raises:** `ValueError` where K is below `lowest`.
    """
    if samples < lowest:
        raise ValueError(f"{rule}: samples (K) must be at least {lowest}, got {samples}")
