"""Where in a rollout the memory is queried."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int


def prediction_points(
    rollout: int, frequency: int, steps: Int[Array, ""]
) -> tuple[Int[Array, " points"], Bool[Array, " points"]]:
    """Every `frequency` steps, and always at the last: `f - 1, 2f - 1, …` and `n - 1` (MemUP section 3.4).

    **Arguments:**

    - `rollout`, `frequency`: r and f.
    - `steps`: n, how many of the r steps lie in the sequence.

    **Returns:** ceil(r / f) places counted from the rollout's first step, and which of them count: where the sequence
    ends early the rest repeats the last one.
    """
    regular = frequency * jnp.arange(1, -(-rollout // frequency) + 1, dtype=steps.dtype) - 1
    last = jnp.maximum(steps - 1, 0)
    points = jnp.minimum(regular, last)
    before = jnp.concatenate([jnp.array([-1], steps.dtype), points[:-1]])
    return points, (points > before) & (steps > 0)
