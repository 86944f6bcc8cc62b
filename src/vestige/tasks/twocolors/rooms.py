"""What lies where in a room, drawn before the game starts."""

import dataclasses
from typing import NamedTuple

import numpy as np

COLORS = ("green", "red")
HALF = 288
"""Half of the room's side; a step forward of four tics is about 30."""
ORBS = 16
"""Of each colour."""
CLEAR = 110
"""Around the centre, where the player starts and the pillar stands, no orb lies."""
WALL = 72
"""From the walls an orb keeps that far away."""


class Orb(NamedTuple):
    """One to be picked up."""

    color: int
    """Its place in `COLORS`."""
    x: int
    y: int


@dataclasses.dataclass(frozen=True)
class TwoColorsRoom:
    """The colour of the pillar, and the orbs."""

    pillar: int
    """Its place in `COLORS`: orbs of this colour are good, the others bad."""
    orbs: tuple[Orb, ...]


def draw_room(pillar: int, *, rng: np.random.Generator) -> TwoColorsRoom:
    """A room whose pillar has the colour `pillar`, with orbs of both colours, as many of each, drawn by `rng` anywhere
    but near the centre.
    """
    orbs = []
    while len(orbs) < 2 * ORBS:
        x, y = rng.integers(WALL - HALF, HALF - WALL, 2, endpoint=True).tolist()
        if x * x + y * y >= CLEAR * CLEAR:
            orbs.append(Orb(len(orbs) % 2, x, y))
    return TwoColorsRoom(pillar, tuple(orbs))
