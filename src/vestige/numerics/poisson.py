"""Poisson counts of small rates, many at a time."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

LARGEST_RATE = 64.0  # exp(-rate) is far from underflow, and the loop below stays short


def poisson(rate: Float[Array, "*shape"], *, key: PRNGKeyArray) -> Float[Array, "*shape"]:
    """Independent counts, as numbers, by inverting the distribution function: one uniform number a count.

    Rates above 64 count as 64. Exact to the resolution of the uniform numbers (2^-23 in float32). The loop takes as
    many passes as the largest count, about 30 at rates of order 10: there some ten times as fast as
    `jax.random.poisson`, whose rejection sampler compiles and runs for any rate.
    """
    rate = jnp.clip(rate, 0.0, LARGEST_RATE)
    uniform = jax.random.uniform(key, rate.shape, rate.dtype)
    start = jnp.exp(-rate)

    def unfinished(loop: tuple[Array, Array, Array, Array]) -> Array:
        _, _, total, term = loop
        return jnp.any((uniform >= total) & (term > 0))

    def proceed(loop: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        count, step, total, term = loop
        further = uniform >= total
        term = term * rate / step
        # A term that no longer changes the total is the end of what this precision can tell apart.
        term = jnp.where((total + term > total) | (step < rate), term, 0.0)
        return jnp.where(further & (term > 0), step, count), step + 1, total + term, term

    one = jnp.ones((), rate.dtype)
    count, *_ = jax.lax.while_loop(unfinished, proceed, (jnp.zeros_like(rate), one, start, start))
    return count
