"""A function of one row over many, in batches of rows."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def batched_map(f: Callable[[Any], Any], rows: Any, *, at_most: int) -> Any:
    """`f` of every row, stacked: vectorised over `at_most` rows at a time, one such round after the other.

    As `jax.lax.map` with a batch size, but all rounds are of one size, so that `f` is compiled once and not a second
    time for what is left over. The last round repeats the last row where the number of rows does not divide.

    **Arguments:** `f`: of a row, to a pytree of arrays; `rows`: a pytree of arrays with a leading axis that all leaves
    share, at least 1 long.

    **Raises:** `ValueError` where leaves have different numbers of rows, or none.
    """
    counts = {leaf.shape[0] for leaf in jax.tree.leaves(rows)}
    if len(counts) != 1 or min(counts) < 1:
        raise ValueError(f"batched_map: all leaves of rows must have as many rows, at least 1, got {sorted(counts)}")
    (count,) = counts
    rounds = -(-count // at_most)
    together = -(-count // rounds)
    if rounds * together != count:
        chosen = jnp.minimum(jnp.arange(rounds * together), count - 1)
        rows = jax.tree.map(lambda leaf: leaf[chosen], rows)
    found = jax.lax.map(f, rows, batch_size=together)
    return jax.tree.map(lambda leaf: leaf[:count], found)
