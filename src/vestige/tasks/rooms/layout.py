"""Rooms drawn at random."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.tasks.rooms.raycast import Room
from vestige.typing import Key

BUILDINGS = 24
NUMBERS = 2 + 2 + 12 + 1 + 4 + 4 + 6 + 2 + 4 + 4 + 3 * BUILDINGS


def draw_room(*, key: Key) -> Room:
    """A room with half lengths in [2, 5] and the eye within 0.6 of them from the middle.

    The walls share a hue, with small variations; each bears a framed painting with probability 0.6, and each of 24
    parts of the horizon a building with probability 0.35.
    """
    numbers = jax.random.uniform(key, (NUMBERS,))  # at once: one generator compiles far sooner than twelve
    used = 0

    def uniform(low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
        nonlocal used
        used += math.prod(shape)
        return low + (high - low) * numbers[used - math.prod(shape) : used].reshape(shape)

    half = uniform(2.0, 5.0, (2,))
    agent = uniform(-0.6, 0.6, (2,)) * half
    shade = uniform(-1.0, 1.0, (4, 3))
    hue = uniform(0.0, 1.0)
    walls = colour(hue + 0.05 * shade[:, 0], 0.55 + 0.15 * shade[:, 1], 0.75 + 0.15 * shade[:, 2])
    middle, width = uniform(-0.5, 0.5, (4,)), uniform(0.15, 0.45, (4,))
    hues = uniform(0.0, 1.0, (6,))
    ground = uniform(0.0, 1.0, (2,))
    painted = uniform(0.0, 1.0, (4,)) < 0.6
    second = uniform(0.3, 0.7, (4,))  # from the frame's hue to the canvas's
    heights = uniform(0.25, 0.8, (BUILDINGS,))
    town = uniform(0.0, 1.0, (BUILDINGS, 2))
    assert used == NUMBERS
    return Room(
        half=half,
        agent=agent,
        walls=walls,
        floor=colour(ground[0], jnp.array(0.4), 0.35 + 0.3 * ground[1]),
        zenith=colour(0.58 + 0.04 * hues[4], jnp.array(0.75), jnp.array(0.9)),
        horizon=colour(0.55 + 0.1 * hues[5], jnp.array(0.25), jnp.array(1.0)),
        painted=painted,
        painting_middle=middle,
        painting_half=width,
        frame=colour(hues[:4], jnp.array(0.8), jnp.array(0.5)),
        canvas=colour(hues[:4] + second, jnp.array(0.85), jnp.array(0.95)),
        skyline=jnp.where(town[:, 0] < 0.35, heights, 0.0),
        facades=colour(town[:, 1], jnp.array(0.15), 0.3 + 0.4 * town[:, 1]),
    )


def colour(
    hue: Float[Array, "*n"], saturation: Float[Array, "..."], value: Float[Array, "..."]
) -> Float[Array, "*n 3"]:
    """RGB of a `hue` (in turns, of any size), a `saturation` and a `value` in [0, 1]."""

    def channel(offset: int) -> Array:
        k = (offset + 6 * hue) % 6
        return value * (1 - saturation * jnp.clip(jnp.minimum(k, 4 - k), 0.0, 1.0))

    return jnp.stack([channel(5), channel(3), channel(1)], axis=-1)
