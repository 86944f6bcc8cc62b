"""Clamps and masked reductions whose value and gradient are finite for every input."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree


def soft_clamp(x: Float[Array, "*shape"], low: float, high: float) -> Float[Array, "*shape"]:
    """Squash `x` smoothly into `(low, high)`; within the interval it is close to the identity.

    `low + softplus(x - low) - softplus(x - high)`: strictly increasing, so the gradient never vanishes
    inside, and exact to 1e-3 further than 7 from both ends.
    """
    return low + jax.nn.softplus(x - low) - jax.nn.softplus(x - high)


def masked_mean(x: Float[Array, "*shape"], mask: Bool[Array, "*shape"] | None) -> Float[Array, ""]:
    """The mean of the entries of `x` where `mask` is True; 0 when there is none, with gradient 0. No mask: of all."""
    if mask is None:
        return jnp.mean(x)
    total = jnp.sum(jnp.where(mask, x, 0.0))
    return total / jnp.maximum(jnp.sum(mask), 1).astype(x.dtype)


def masked_where(mask: Bool[Array, " time"] | None, tree: PyTree[Array]) -> PyTree[Array]:
    """Replace the padded steps of every leaf of `tree`, time first, by zeros, *before* anything reads them; `mask` is
    False for padding.

    Replacing afterwards would let a NaN in the padding reach the gradient. Random keys stay as they are.
    """
    if mask is None:
        return tree

    def clean(leaf: Array) -> Array:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return leaf
        return jnp.where(mask.reshape(mask.shape + (1,) * (leaf.ndim - 1)), leaf, jnp.zeros((), leaf.dtype))

    return jax.tree.map(clean, tree)


def full_precision(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """`x` in at least 32 bits, for what 16 bits cannot hold: differences of costs, sums over time, factorisations."""
    return x.astype(jnp.float32) if x.dtype.itemsize < 4 else x
