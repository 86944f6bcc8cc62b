"""The order of writing: which slot was written after which."""

import functools

import jax.numpy as jnp
from jaxtyping import Array, Float


def update_links(
    links: Float[Array, "slots slots"], precedence: Float[Array, " slots"], write_weights: Float[Array, " slots"]
) -> Float[Array, "slots slots"]:
    """`L[i, j] <- (1 - w[i] - w[j]) L[i, j] + w[i] p[j]`, diagonal 0.

    Rows and columns sum to at most 1 as long as the weights do.

    **Arguments:**

    - `links`: L, (slots, slots).
    - `precedence`: p, that *before* this write, (slots,).
    - `write_weights`: w of this write, (slots,).
    """
    to, since = write_weights[:, None], write_weights[None, :]
    updated = (1.0 - to - since) * links + to * precedence[None, :]
    return updated * (1.0 - jnp.eye(len(write_weights), dtype=links.dtype))


def update_precedence(
    precedence: Float[Array, " slots"], write_weights: Float[Array, " slots"]
) -> Float[Array, " slots"]:
    """How much each slot was the last one written: `p <- (1 - sum w) p + w`, with `precedence` p and `write_weights`
    w.
    """
    return (1.0 - jnp.sum(write_weights)) * precedence + write_weights


def directional_read_weights(
    links: Float[Array, "slots slots"], read_weights: Float[Array, "heads slots"]
) -> tuple[Float[Array, "heads slots"], Float[Array, "heads slots"]]:
    """From where each head looked, the `read_weights`, along the `links`: `(backward, forward)`, to what was written
    before and after it.
    """
    follow = functools.partial(jnp.matmul, read_weights, precision="highest")
    return follow(links), follow(links.T)
