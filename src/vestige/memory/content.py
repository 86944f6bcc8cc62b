"""Addressing by content: the cosine that has a gradient everywhere, and its softmax."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

EPSILON = 1e-6
BLANK = 1e-6
"""What every number of an empty memory is (Collier and Beel 2018)."""


def _norm(vectors: Float[Array, "rows word"]) -> Float[Array, " rows"]:
    return jnp.sqrt(jnp.sum(vectors**2, axis=-1) + EPSILON)


def cosine(keys: Float[Array, "heads word"], memory: Float[Array, "slots word"]) -> Float[Array, "heads slots"]:
    """Similarity of each of the `keys` with each word of `memory`: `<k, m> / (|k| |m| + 1e-6)` with
    `|x| = sqrt(sum x² + 1e-6)`.

    The 1e-6 *inside* the root keeps the gradient finite at zero, where the similarity is 0. Keys are clipped
    at ±1e9, so no finite or infinite key gives NaN in float32 while words stay below 1e18.
    """
    keys = jnp.clip(keys, -1e9, 1e9)
    return jnp.matmul(keys, memory.T, precision="highest") / (_norm(keys)[:, None] * _norm(memory)[None, :] + EPSILON)


def content_weights(
    keys: Float[Array, "heads word"], strengths: Float[Array, " heads"], memory: Float[Array, "slots word"]
) -> Float[Array, "heads slots"]:
    """Softmax over the slots of `memory` of `strengths` times similarity to `keys`: one distribution per head."""
    return jax.nn.softmax(strengths[:, None] * cosine(keys, memory), axis=-1)
