"""Sinkhorn's scaling of a matrix to rows and columns that sum to one."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.numerics import logsumexp

ROUNDS = 30


def sinkhorn(log_weights: Float[Array, "rows columns"], rounds: int = ROUNDS) -> Float[Array, "rows columns"]:
    """The doubly stochastic matrix diag(a) exp(`log_weights`) diag(b), on logarithms (Sinkhorn 1964).

    Rows and columns in turn are divided by their sums, the columns last, so that these sum to one exactly and the rows
    up to convergence: slow where the weights span orders of magnitude. O(rounds · rows · columns); differentiable.

    **Arguments:**

    - `log_weights`: square; -inf for impossible pairs. Rows and columns that are all -inf are not there.
    - `rounds`: static.

    **Returns:** numbers from 0 to 1; zeros in rows and columns that are not there.
    """

    def scaled(x: Array, axis: int) -> Array:
        total = jnp.expand_dims(logsumexp(x, axis), axis)
        return x - jnp.where(total > -jnp.inf, total, 0.0)

    def turn(x: Array, _: None) -> tuple[Array, None]:
        return scaled(scaled(x, 1), 0), None

    found, _ = jax.lax.scan(turn, log_weights, length=rounds)
    there = found > -jnp.inf
    return jnp.where(there, jnp.exp(jnp.where(there, found, 0.0)), 0.0)
