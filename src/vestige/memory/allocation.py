"""Which slots are free: usage, and write weights that prefer what is used least."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def order_of_use(usage: Float[Array, " slots"]) -> Int[Array, " slots"]:
    """Slots from least to most used; of equals the first comes first, so that runs can be repeated."""
    return jnp.argsort(jax.lax.stop_gradient(usage), stable=True)


def update_usage(
    usage: Float[Array, " slots"],
    write_weights: Float[Array, " slots"],
    free_gates: Float[Array, " heads"],
    read_weights: Float[Array, "heads slots"],
) -> Float[Array, " slots"]:
    """Usage after the last write and read: `(u + w - u w) prod_r (1 - f^r w^r)`.

    What was written is in use, what was read through an open free gate is free again. No gradient through
    the write weights, as in the authors' code.

    **Arguments:**

    - `usage`: u, (slots,), in [0, 1].
    - `write_weights`: w of the last write, (slots,).
    - `free_gates`: f^r in [0, 1], (heads,).
    - `read_weights`: w^r of the last read, (heads, slots).

    **Returns:** (slots,), in [0, 1].
    """
    write_weights = jax.lax.stop_gradient(write_weights)
    retention = jnp.prod(1.0 - free_gates[:, None] * read_weights, axis=0)
    return (usage + write_weights - usage * write_weights) * retention


def allocation(usage: Float[Array, " slots"]) -> Float[Array, " slots"]:
    """Weights for the free slots: `a[i] = (1 - u[i]) prod u[j]` over all j that come before i in order of use.

    Sums to at most 1, and to 0 where all is in use. The order is a constant: gradients flow through the
    values only. Usage is lifted to at least 1e-6, so that the product has a gradient. Slots are compared pair by
    pair, `slots²` operations as for the links: on a CPU a sort takes several times as long.
    """
    usage = 1e-6 + (1.0 - 1e-6) * usage
    seen = jax.lax.stop_gradient(usage)
    index = jnp.arange(len(usage))
    tied = (seen[None, :] == seen[:, None]) & (index[None, :] < index[:, None])
    before = (seen[None, :] < seen[:, None]) | tied  # [i, j]: j comes before i in order of use
    return (1.0 - usage) * jnp.exp(jnp.matmul(before.astype(usage.dtype), jnp.log(usage), precision="highest"))


def least_used(usage: Float[Array, " slots"], heads: int) -> Float[Array, "heads slots"]:
    """One-hot rows, (`heads`, slots): head r gets the slot with the r-th least `usage`. No gradient."""
    chosen = order_of_use(usage)[:heads]
    return jax.nn.one_hot(chosen, len(usage), dtype=usage.dtype)
