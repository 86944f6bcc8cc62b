"""Places in files of more steps than 32 bits can count."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.typing import Key

PART = 2**30
LONGEST = 2**30
"""The most steps of one sequence, so that the steps of a window around its end still are 32-bit integers."""


def place(step: int) -> np.ndarray:
    """A step of a file as two int32: how many times 2^30, and the rest. Shape (2,)."""
    return np.array(divmod(step, PART), np.int32)


def step_of(high: int, low: int) -> int:
    """The step that `place` wrote as the two parts `high` and `low`."""
    return high * PART + low


def random_place(count: int, *, key: Key) -> Int[Array, "2"]:
    """The place of one of the steps 0 … `count - 1`, all equally likely."""
    key_part, key_rest = jax.random.split(key)
    sizes = np.array([min(PART, count - begin) for begin in range(0, count, PART)], np.int32)
    part = jax.random.choice(key_part, len(sizes), p=jnp.asarray(sizes / count, jnp.float32)).astype(jnp.int32)
    return jnp.stack([part, jax.random.randint(key_rest, (), 0, jnp.asarray(sizes)[part], jnp.int32)])
