"""Poisson counts of any rate, many at a time, and their log-probabilities."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

INVERTED = 64.0  # up to this rate by inversion: exp(-rate) is far from underflow, and the loop stays short
STIRLING = 16.0  # from this count on the series for log n! is exact to float32's resolution
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def poisson(rate: Float[Array, "*shape"], *, key: PRNGKeyArray) -> Float[Array, "*shape"]:
    """Independent counts, as numbers; NaN where the rate is negative or not a number, infinite where it is.

    Rates up to 64 by inverting the distribution function, one uniform number a count: exact to the resolution of the
    uniform numbers (2^-23 in float32), and some ten times as fast as `jax.random.poisson` at rates of order 10. Larger
    ones by transformed rejection (Hörmann 1993, PTRS), a few passes at any rate. A count beyond 2^24 is as fine as
    float32 can be.
    """
    sound = (rate >= 0) & jnp.isfinite(rate)
    large = sound & (rate > INVERTED)
    small = _by_inversion(jnp.where(sound & ~large, rate, 0.0), key=key)
    count = jnp.where(
        large, _by_rejection(jnp.where(large, rate, 2 * INVERTED), large, key=jax.random.fold_in(key, 1)), small
    )
    return jnp.where(sound, count, jnp.where(rate == jnp.inf, jnp.inf, jnp.nan))


def log_poisson(count: Float[Array, "*shape"], rate: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log of rate^count exp(-rate) / count!, nats, for `count` 0, 1, 2, … and positive `rate`, elementwise.

    By deviance (Loader 2000), so that nothing large cancels: accurate at counts of millions in float32.
    """
    some = jnp.where(count > 0, count, 1.0)
    log = -rate * _relative_entropy((some - rate) / rate) - HALF_LOG_TWO_PI - 0.5 * jnp.log(some) - _stirling(some)
    return jnp.where(count > 0, log, -rate)


def _relative_entropy(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """(1 + x) log(1 + x) - x, without cancellation near zero."""
    near = jnp.abs(x) < 0.1
    small, other = jnp.where(near, x, 0.0), jnp.where(near, 1.0, x)
    terms = [(-1) ** n / (n * (n - 1)) for n in range(2, 11)]
    series = jnp.zeros_like(small)
    for term in reversed(terms):
        series = series * small + term
    return jnp.where(near, series * jnp.square(small), (1 + other) * jnp.log1p(other) - other)


def _stirling(count: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log n! - (n log n - n + log √(2πn)), for n >= 1."""
    large = count >= STIRLING
    few = jnp.where(large, 1.0, count)
    direct = jax.scipy.special.gammaln(few + 1) - (few * jnp.log(few) - few + HALF_LOG_TWO_PI + 0.5 * jnp.log(few))
    inverse = 1 / jnp.where(large, count, STIRLING)
    square = jnp.square(inverse)
    return jnp.where(large, inverse * (1 / 12 - square * (1 / 360 - square / 1260)), direct)


def _by_inversion(rate: Float[Array, "*shape"], *, key: PRNGKeyArray) -> Float[Array, "*shape"]:
    """Rates up to 64. The loop takes as many passes as the largest count."""
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


def _by_rejection(
    rate: Float[Array, "*shape"], wanted: Bool[Array, "*shape"], *, key: PRNGKeyArray
) -> Float[Array, "*shape"]:
    """Rates above 10, where they are `wanted`; no pass is made where none is."""
    b = 0.931 + 2.53 * jnp.sqrt(rate)
    a = -0.059 + 0.02483 * b
    log_scale = jnp.log(1.1239 + 1.1328 / (b - 3.4))

    def unfinished(loop: tuple[Array, Array, PRNGKeyArray]) -> Array:
        return ~jnp.all(loop[1])

    def proceed(loop: tuple[Array, Array, PRNGKeyArray]) -> tuple[Array, Array, PRNGKeyArray]:
        found, done, key = loop
        key, key_u, key_v = jax.random.split(key, 3)
        u = jax.random.uniform(key_u, rate.shape, rate.dtype, minval=-0.5, maxval=0.5)
        v = jax.random.uniform(key_v, rate.shape, rate.dtype, minval=jnp.finfo(rate.dtype).tiny)
        us = 0.5 - jnp.abs(u)
        count = jnp.floor((2 * a / us + b) * u + rate + 0.43)
        possible = (us > 0) & (count >= 0) & jnp.isfinite(count)
        proposal = log_scale + jnp.log(v) - jnp.log(a / jnp.square(us) + b)
        accepted = possible & (proposal <= log_poisson(jnp.where(possible, count, 0.0), rate))
        return jnp.where(accepted & ~done, count, found), done | accepted, key

    found, *_ = jax.lax.while_loop(unfinished, proceed, (jnp.zeros_like(rate), ~wanted, key))
    return found
