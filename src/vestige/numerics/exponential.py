"""Logarithms of exponential variables, and of sums and differences of times, over any range of rates."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray


def log_exponential(shape: tuple[int, ...], dtype: jnp.dtype, *, key: PRNGKeyArray) -> Float[Array, "*shape"]:
    """The logarithm of standard exponential variables; its negative is a standard Gumbel variable.

    One word of random bits a draw. The smaller tail probability is formed first, so that both ends are finely
    resolved and neither 0 nor infinity can be drawn: float32 draws lie within exp(-23) and 23, float64 draws
    within exp(-45) and 45.

    **Arguments:**

    - `shape`, `dtype`: of the result; float32 or float64.
    """
    width = 64 if dtype == jnp.float64 else 32
    bits = jax.random.bits(key, shape, f"uint{width}")
    upper = bits >> (width - 1) == 1
    half = bits & jnp.asarray(2 ** (width - 1) - 1, bits.dtype)
    tail = (half.astype(dtype) + jnp.asarray(0.5, dtype)) * jnp.asarray(2.0**-width, dtype)
    return jnp.log(jnp.where(upper, -jnp.log(tail), -jnp.log1p(-tail)))


def log_difference(log_a: Float[Array, "*shape"], log_b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log(a - b) for a >= b, from `log_a` and `log_b`; -inf where they are equal, +inf where a is."""
    gap = jnp.where(log_a > log_b, log_b - log_a, 0.0)
    # log(1 - exp(gap)), each branch where it is accurate.
    near = gap > -0.6931472
    log_rest = jnp.log(jnp.where(near, -jnp.expm1(gap), 1.0)) + jnp.log1p(jnp.where(near, 0.0, -jnp.exp(gap)))
    return jnp.where(jnp.isinf(log_a), log_a, log_a + log_rest)


def logsumexp(x: Float[Array, "..."], axis: int, where: Bool[Array, "..."] | None = None) -> Float[Array, "..."]:
    """log of the sum of exp of `x` over `axis`, of entries `where` is True; -inf, with gradient zero, where nothing is
    left to sum.
    """
    x = x if where is None else jnp.where(where, x, -jnp.inf)
    top = jax.lax.stop_gradient(jnp.max(x, axis=axis, keepdims=True, initial=-jnp.inf))
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    total = jnp.sum(jnp.exp(x - top), axis=axis)
    return _safe_log(total) + jnp.squeeze(top, axis)


def segment_logsumexp(x: Float[Array, " keys"], segments: Int[Array, " keys"], count: int) -> Float[Array, " {count}"]:
    """log of the sum of exp of `x` within each of `count` segments, whose numbers `segments` holds, one for each entry
    of `x`; negative numbers are left out.

    -inf, with gradient zero, for an empty segment. O(keys); each segment is scaled by its own maximum.
    """
    x = jnp.where(segments < 0, -jnp.inf, x)
    place = jnp.where(segments < 0, count, segments)
    top = jnp.full(count, -jnp.inf, x.dtype).at[place].max(jax.lax.stop_gradient(x), mode="drop")
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    total = jnp.zeros(count, x.dtype).at[place].add(jnp.exp(x - top.at[place].get(mode="clip")), mode="drop")
    return _safe_log(total) + top


def log_add(a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """log(exp(a) + exp(b)) of `a` and `b`; two -inf give -inf with gradient zero."""
    top = jax.lax.stop_gradient(jnp.maximum(a, b))
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    return _safe_log(jnp.exp(a - top) + jnp.exp(b - top)) + top


def _safe_log(total: Float[Array, "..."]) -> Float[Array, "..."]:
    """The logarithm of a sum of exponentials: -inf, with gradient zero, for zero; NaN stays NaN."""
    there = total != 0
    return jnp.where(there, jnp.log(jnp.where(there, total, 1.0)), -jnp.inf)
