"""Which nodes can be reached from which."""

import jax.numpy as jnp
from jaxtyping import Array, Bool


def reachable(steps: Bool[Array, "nodes nodes"]) -> Bool[Array, "nodes nodes"]:
    """Which nodes can be reached from which by one step or more: the transitive closure, by products of ever longer
    paths. O(nodes³ log nodes).

    **Arguments:**

    - `steps`: True at (u, v) for a step from u to v; with a diagonal of True no step counts as well.

    **Returns:** True at (u, v) where v can be reached from u.
    """
    reached = steps
    for _ in range(max(1, (steps.shape[0] - 1).bit_length())):  # by up to 2, 4, 8, … steps
        reached = reached | ((reached.astype(jnp.float32) @ reached.astype(jnp.float32)) > 0)
    return reached
