"""What is seen from inside a rectangular room without a ceiling."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

FIELD_OF_VIEW = math.pi / 2
FOCAL = 1 / math.tan(FIELD_OF_VIEW / 2)
EYE, ABOVE = 0.6, 0.8  # from the eyes down to the floor, and up to the top of a wall
DIMMING = 0.06  # light lost per unit of distance


class Room(NamedTuple):
    """All that is to be seen. Colours are RGB in [0, 1], lengths in units of about a metre.

    Walls are numbered east, west, north, south: at x = half[0], -half[0], y = half[1], -half[1].
    """

    half: Float[Array, "2"]
    """Half the lengths of the room along x and y."""
    agent: Float[Array, "2"]
    """Where the eye is."""
    walls: Float[Array, "4 3"]
    floor: Float[Array, "3"]
    zenith: Float[Array, "3"]
    horizon: Float[Array, "3"]
    """The sky's colours at its top and its bottom."""
    painted: Bool[Array, "4"]
    """Which walls bear a painting."""
    painting_middle: Float[Array, "4"]
    painting_half: Float[Array, "4"]
    """Where it hangs and half its width, as parts of half the wall: -1 and 1 are the corners."""
    frame: Float[Array, "4 3"]
    canvas: Float[Array, "4 3"]
    """Colours of a painting's frame and of what it frames."""
    skyline: Float[Array, " buildings"]
    """Heights, as tangents of the elevation, of buildings far away in equal parts of the horizon; 0 for none."""
    facades: Float[Array, "buildings 3"]


def column_angles(headings: Float[Array, " time"], width: int) -> Float[Array, "time width"]:
    """The azimuths at which the `width` columns of each frame look, in radians: the left ones look more to the left of
    the `headings`.
    """
    u = (2 * jnp.arange(width, dtype=headings.dtype) + 1) / width - 1
    return headings[:, None] - jnp.arctan(u / FOCAL)[None]


def render(
    room: Room, headings: Float[Array, " time"], *, height: int, width: int
) -> Float[Array, "time height width 3"]:
    """The views at these headings (radians; 0 is east, π/2 north, on its left), with a field of view of 90°.

    One ray per column meets the first wall; rows are then wall, floor, or sky with a skyline at infinity. Costs a few
    dozen operations per pixel and no loop; `vmap` over rooms and headings draws many sequences.

    **Arguments:**

    - `room`: what is seen.
    - `headings`: (time,).
    - `height`, `width`: pixels, static.

    **Returns:** frames in [0, 1], top row first.
    """
    angles = column_angles(headings, width)
    ahead = jnp.cos(angles - headings[:, None])
    away, side, along = _walls(room, angles)
    depth = away * ahead  # perpendicular to the picture, so that straight walls look straight

    v = (1 - (2 * jnp.arange(height, dtype=headings.dtype) + 1) / height)[None, :, None]  # 1 at the top
    depth, ahead, side, along, away, angles = (a[:, None, :] for a in (depth, ahead, side, along, away, angles))
    raised = (v * depth / FOCAL + EYE) / (EYE + ABOVE)  # 0 at the foot of the wall, 1 at its top

    wall = _surface(room, side, along, raised) * _light(away)[..., None]
    below = EYE * FOCAL / jnp.maximum(-v, 1e-3)  # depth at which a row meets the floor
    floor = room.floor[None, None, None] * _light(below / ahead)[..., None]
    sky = _sky(room, v, angles, ahead)
    return jnp.where(raised[..., None] < 0, floor, jnp.where(raised[..., None] > 1, sky, wall))


def _walls(room: Room, angles: Array) -> tuple[Array, Array, Array]:
    """Distance to the first wall in each direction, its number, and where it is met: -1 .. 1 from corner to corner."""
    direction = jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1)
    direction = jnp.where(jnp.abs(direction) < 1e-6, 1e-6, direction)
    reach = (jnp.where(direction > 0, 1.0, -1.0) * room.half[None, None] - room.agent[None, None]) / direction
    away = jnp.min(reach, axis=-1)
    axis = jnp.argmin(reach, axis=-1)
    back = jnp.take_along_axis(direction < 0, axis[..., None], axis=-1)[..., 0]
    met = (room.agent[None, None] + away[..., None] * direction) / room.half[None, None]
    along = jnp.take_along_axis(met, 1 - axis[..., None], axis=-1)[..., 0]
    return away, 2 * axis + back.astype(axis.dtype), along


def _surface(room: Room, side: Array, along: Array, raised: Array) -> Array:
    """The wall's colour before it is lit: plain, a painting's frame, or its canvas."""
    from_middle = jnp.abs(along - room.painting_middle[side]) / room.painting_half[side]
    from_centre = jnp.abs(raised - 0.55) / 0.3
    farthest = jnp.maximum(from_middle, from_centre)
    framed = room.painted[side] & (farthest < 1)
    painting = jnp.where((farthest < 0.7)[..., None], room.canvas[side], room.frame[side])
    return jnp.where(framed[..., None], painting, room.walls[side])


def _sky(room: Room, v: Array, angles: Array, ahead: Array) -> Array:
    """A gradient, and buildings in front of it, at infinity: they turn with the heading and hide behind walls."""
    parts = room.skyline.shape[0]
    part = jnp.floor(angles / (2 * math.pi) * parts).astype(jnp.int32) % parts
    built = v < FOCAL * room.skyline[part] / ahead
    up = jnp.clip(v, 0.0, 1.0)[..., None]
    zenith, horizon = room.zenith[None, None, None], room.horizon[None, None, None]
    return jnp.where(built[..., None], room.facades[part], horizon + up * (zenith - horizon))


def _light(distance: Array) -> Array:
    return 1 / (1 + DIMMING * distance)
