"""How far one distribution over structures is from another, at the level of arrival times and of traces."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.structures import AbstractStructure, AbstractTrace


def times_divergence(posterior: AbstractStructure, prior: AbstractStructure) -> Float[Array, ""]:
    """KL(E ‖ E₀) of independent exponential arrival times, in closed form (notes, section 3.5).

    Σ_k log(λ_k / λ₀_k) + λ₀_k / λ_k - 1. Never less than the divergence of traces, and that never less than the
    divergence of structures: KL(X) ≤ KL(T) ≤ KL(E). O(keys).

    **Arguments:**

    - `posterior`: whose times are E; differentiable in its log-rates.
    - `prior`: whose times are E₀; the same keys.

    **Returns:** one number, nats; +inf where a key is possible in the posterior alone.

    **Raises:** `ValueError` for log-rates of different shapes.
    """
    mine, theirs = posterior.log_rates, prior.log_rates
    if mine.shape != theirs.shape:
        raise ValueError(
            f"times_divergence: posterior and prior must have the same keys, got log-rates of shapes {mine.shape} and "
            f"{theirs.shape}"
        )
    here, there = mine > -jnp.inf, theirs > -jnp.inf
    both = here & there
    u = jnp.where(both, jnp.where(here, mine, 0.0) - jnp.where(there, theirs, 0.0), 0.0)
    # E₀ may have more keys: times that never come against times that do are infinitely far apart either way.
    return jnp.where(jnp.all(here == there), jnp.sum(u + jnp.expm1(-u)), jnp.inf)


def trace_log_ratio(posterior: AbstractStructure, prior: AbstractStructure, trace: AbstractTrace) -> Float[Array, ""]:
    """log q(T) - log p(T): its mean over traces T of `posterior` is the divergence of traces.

    **Arguments:**

    - `posterior`, `prior`: q and p, over the same keys; differentiable in both rates.
    - `trace`: T, held fixed.

    **Returns:** one number, nats.
    """
    return posterior.log_prob(trace) - prior.log_prob(trace)
