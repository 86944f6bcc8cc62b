"""Actions, as a model is given them."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def one_hot_actions(actions: Int[Array, " time"], count: int) -> Float[Array, "time action"]:
    """Actions 0 .. count - 1 as the rows that a model takes as `condition`.

    **Arguments:**

    - `actions`: (time,), integers.
    - `count`: how many there are, static.

    **Returns:** (time, count).

    **Raises:** at run time, where an action is not one of these.
    """
    wrong = jnp.any((actions < 0) | (actions >= count))
    return eqx.error_if(
        jax.nn.one_hot(actions, count),
        wrong,
        f"actions: each must be one of 0 .. {count - 1}; there is one outside.",
    )
