"""Points that cross a box at constant velocities and bounce off its walls, as unordered detections."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.typing import Key

SLOWEST, FASTEST = 0.05, 0.15
"""Speeds, in sides of the box a frame."""


class Detections(NamedTuple):
    """A sequence of frames."""

    places: Float[Array, "time objects 2"]
    """Detected places in sides of the box, in a random order in every frame but the first."""
    objects: Int[Array, "time objects"]
    """Which object each detection is of, int32; 0, 1, 2, … in the first frame."""


def drawn_detections(objects: int, time: int, noise: float, *, key: Key) -> Detections:
    """Objects start anywhere in the unit square, in any direction, with a speed uniform in `SLOWEST` to `FASTEST`. They
    pass through one another. Walls reflect them. Detectors add Gaussian noise; every object is detected once a frame.

    **Arguments:**

    - `objects`: how many.
    - `time`: frames.
    - `noise`: standard deviation of a detected coordinate, in sides of the box.

    **Returns:** the detections. O(time · objects).
    """
    key_place, key_way, key_speed, key_noise, key_order = jax.random.split(key, 5)
    start = jax.random.uniform(key_place, (objects, 2))
    angle = jax.random.uniform(key_way, (objects,), maxval=2 * jnp.pi)
    speed = jax.random.uniform(key_speed, (objects,), minval=SLOWEST, maxval=FASTEST)
    velocity = speed[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    frame = jnp.arange(time, dtype=start.dtype)[:, None, None]
    places = reflected(start[None] + frame * velocity[None]) + noise * jax.random.normal(key_noise, (time, objects, 2))
    in_order = jnp.arange(objects, dtype=jnp.int32)
    shuffled = jax.vmap(lambda key: jax.random.permutation(key, in_order))(jax.random.split(key_order, time - 1))
    order = jnp.concatenate([in_order[None], shuffled])
    return Detections(jnp.take_along_axis(places, order[:, :, None], axis=1), order)


def reflected(places: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Where a point between walls at 0 and 1 is, whose way without walls ends at `places`."""
    return jnp.abs((places + 1.0) % 2.0 - 1.0)
