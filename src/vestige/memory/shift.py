"""Addressing by location: weights moved round the ring of slots, then sharpened."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def shift(weights: Float[Array, "heads slots"], shifts: Float[Array, "heads shifts"]) -> Float[Array, "heads slots"]:
    """Circular convolution of `weights`: `shifts[r]` is a distribution over the moves -S ... S of head r's weights.

    Move +1 brings what was on slot j to slot j + 1, and the last slot's to slot 0.
    """
    max_shift = shifts.shape[-1] // 2
    moved = [jnp.roll(weights, move, axis=-1) for move in range(-max_shift, max_shift + 1)]
    return sum((shifts[:, i, None] * part for i, part in enumerate(moved[1:], 1)), shifts[:, 0, None] * moved[0])


def sharpen(weights: Float[Array, "heads slots"], exponents: Float[Array, " heads"]) -> Float[Array, "heads slots"]:
    """`w^gamma`, normalised, of `weights` w and `exponents` gamma: `softmax(gamma log(w + 1e-12))`."""
    return jax.nn.softmax(exponents[:, None] * jnp.log(weights + 1e-12), axis=-1)
