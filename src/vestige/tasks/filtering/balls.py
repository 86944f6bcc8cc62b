"""Discs in a box that bounce off its walls and off each other (notes 5.3; physics after Sutskever)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Key

BOX = 10.0
RADIUS = 1.2
SPEED = 0.5
"""The norm of all velocities together, per frame."""
SUBSTEPS = 2


class Discs(NamedTuple):
    """Where the balls are and where they go, in units of the box and of the frame."""

    positions: Float[Array, "balls 2"]
    velocities: Float[Array, "balls 2"]


def released(balls: int, *, key: Key) -> Discs:
    """Positions uniform in the box, drawn anew until no two overlap; velocities N(0, 1) scaled to the common norm."""
    key_places, key_velocities = jax.random.split(key)
    draw = lambda k: jax.random.uniform(k, (balls, 2), minval=RADIUS, maxval=BOX - RADIUS)
    apart = ~jnp.eye(balls, dtype=bool)

    def overlaps(carry: tuple[Key, Array]) -> Array:
        away = carry[1][:, None] - carry[1][None]
        return jnp.any(apart & (jnp.sum(jnp.square(away), axis=-1) < (2 * RADIUS) ** 2))

    def again(carry: tuple[Key, Array]) -> tuple[Key, Array]:
        now, following = jax.random.split(carry[0])
        return following, draw(now)

    first = jax.random.split(key_places)
    places = jax.lax.while_loop(overlaps, again, (first[0], draw(first[1])))[1]
    velocities = jax.random.normal(key_velocities, (balls, 2))
    return Discs(places, velocities * (SPEED / jnp.sqrt(jnp.sum(jnp.square(velocities)))))


def advance(discs: Discs) -> Discs:
    """One frame: two substeps in each of which the balls move, turn at walls, and exchange impulses.

    A ball beyond a wall has the sign of its velocity set inwards; it may thus reach over the wall by what it moves in
    one substep, SPEED / 2 at most, and moves back in the next. Pairs closer than two radii exchange the components
    of their velocities along the line of centres, one pair after the other, which conserves energy.
    """
    for _ in range(SUBSTEPS):
        discs = _collided(_reflected(Discs(discs.positions + discs.velocities / SUBSTEPS, discs.velocities)))
    return discs


def _reflected(discs: Discs) -> Discs:
    speed = jnp.abs(discs.velocities)
    velocities = jnp.where(discs.positions - RADIUS < 0, speed, discs.velocities)
    return Discs(discs.positions, jnp.where(discs.positions + RADIUS > BOX, -speed, velocities))


def _collided(discs: Discs) -> Discs:
    positions, velocities = discs
    for i in range(positions.shape[0]):
        for j in range(i):
            away = positions[i] - positions[j]
            distance = jnp.sqrt(jnp.sum(jnp.square(away)))
            line = away / jnp.where(distance > 0, distance, 1.0)
            exchanged = jnp.sum((velocities[j] - velocities[i]) * line) * line
            change = jnp.where(distance < 2 * RADIUS, exchanged, jnp.zeros_like(exchanged))
            velocities = velocities.at[i].add(change).at[j].add(-change)
    return Discs(positions, velocities)


def render(positions: Float[Array, "balls 2"], resolution: int) -> Float[Array, " pixels"]:
    """Grey values 0..1 at the centres of resolution² cells: min(1, sum over balls of exp(-(d² / r²)⁴)).

    Divided by r², as in the original; the MATLAB port multiplies, which makes balls of radius 0.83 whose errors cannot
    be compared with the literature.

    **Arguments:**

    - `positions`: (balls, 2), in units of the box.
    - `resolution`: cells in each direction.
    """
    centres = (jnp.arange(resolution, dtype=positions.dtype) + 0.5) * (BOX / resolution)
    squared = jnp.square(centres[None, None] - positions.T[..., None])  # axis, ball, cell
    distance = squared[0][:, :, None] + squared[1][:, None, :]
    ink = jnp.sum(jnp.exp(-((distance / RADIUS**2) ** 4)), axis=0)
    return jnp.minimum(ink, 1.0).reshape(-1)
