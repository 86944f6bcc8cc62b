"""A function of one row over many, some rows at a time."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array

from vestige.typing import PyTree


def in_rounds(f: Callable[[PyTree[Array]], PyTree[Array]], rows: PyTree[Array], *, at_most: int) -> PyTree[Array]:
    """`f` of every row, stacked: vectorised over `at_most` rows at a time, one such round after the other.

    As `jax.lax.map` with a batch size, but all rounds are of one size, so that `f` is compiled once and not a second
    time for what is left over. The last round repeats the last row where the number of rows does not divide.

    **Arguments:** `f`: of a row; `rows`: a pytree with a leading axis that all leaves share, at least 1 long.
    """
    count = jax.tree.leaves(rows)[0].shape[0]
    rounds = -(-count // at_most)
    together = -(-count // rounds)
    if rounds * together != count:
        chosen = jnp.minimum(jnp.arange(rounds * together), count - 1)
        rows = jax.tree.map(lambda leaf: leaf[chosen], rows)
    found = jax.lax.map(f, rows, batch_size=together)
    return jax.tree.map(lambda leaf: leaf[:count], found)
