"""How far the arcs that were found agree with the true ones."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


class Agreement(NamedTuple):
    """Of one text."""

    precision: Float[Array, ""]
    """Part of the arcs found that are true."""
    recall: Float[Array, ""]
    """Part of the true arcs that are found."""
    exact: Float[Array, ""]
    """1 where the arcs found are the true ones and no others."""


def agreement(
    found: Float[Array, "n n"], true: Float[Array, "n n"], counted: Bool[Array, " n"] | None = None
) -> Agreement:
    """Compare two matrices of arcs, zeros and ones.

    **Arguments:**

    - `found`, `true`: (n, n), entry (u, v) for the head u of v.
    - `counted`: (n,), False for tokens whose arcs, in and out, do not count; None: all do.

    **Returns:** precision, recall and whether all is right. Where nothing was found, precision is 0, unless nothing is
    true either, where both are 1.
    """
    if counted is not None:
        both = counted[:, None] & counted[None, :]
        found, true = jnp.where(both, found, 0.0), jnp.where(both, true, 0.0)
    right, given, wanted = jnp.sum(found * true), jnp.sum(found), jnp.sum(true)
    nothing = (given == 0) & (wanted == 0)
    return Agreement(
        jnp.where(nothing, 1.0, right / jnp.maximum(given, 1.0)),
        jnp.where(nothing, 1.0, right / jnp.maximum(wanted, 1.0)),
        ((right == given) & (right == wanted)).astype(found.dtype),
    )
