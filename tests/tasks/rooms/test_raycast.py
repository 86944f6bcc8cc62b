"""Pictures of a room that can be computed by hand."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks.rooms import Room, column_angles, draw_room, render
from vestige.tasks.rooms.layout import colour

RED, GREEN, BLUE, YELLOW = [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, 1.0, 0]
EAST, NORTH, WEST, SOUTH = (i * math.pi / 2 for i in range(4))


def square(**changes):
    """A bare room of 4 x 4: east red, west green, north blue, south yellow, black floor, white sky."""
    bare = Room(
        half=jnp.array([2.0, 2.0]),
        agent=jnp.zeros(2),
        walls=jnp.array([RED, GREEN, BLUE, YELLOW]),
        floor=jnp.zeros(3),
        zenith=jnp.ones(3),
        horizon=jnp.ones(3),
        painted=jnp.zeros(4, bool),
        painting_middle=jnp.zeros(4),
        painting_half=jnp.full(4, 0.5),
        frame=jnp.full((4, 3), 0.5),
        canvas=jnp.ones((4, 3)),
        skyline=jnp.zeros(8),
        facades=jnp.zeros((8, 3)),
    )
    return bare._replace(**changes)


@functools.partial(jax.jit, static_argnames=("height", "width"))
def rendered(room, headings, height, width):
    return render(room, headings, height=height, width=width)


def view(room, heading, size=20):
    return np.asarray(rendered(room, jnp.array([heading]), size, size))[0]


@pytest.mark.parametrize(
    ("heading", "wall"), [(EAST, RED), (NORTH, BLUE), (WEST, GREEN), (SOUTH, YELLOW), (EAST + 2 * math.pi, RED)]
)
def test_each_heading_shows_its_wall_between_floor_and_sky(heading, wall):
    seen = view(square(), heading)
    np.testing.assert_array_equal(seen[0], 1.0)
    np.testing.assert_array_equal(seen[-1], 0.0)
    middle = seen[10, 10]
    np.testing.assert_allclose(middle / middle.max(), wall, atol=1e-6)
    assert middle.max() == pytest.approx(1 / (1 + 0.06 * 2), rel=0.01)


def test_walls_meet_in_the_middle_of_a_view_into_the_corner_the_left_one_on_the_left():
    seen = view(square(), math.pi / 4)[10]
    assert (seen[:10, 2] > 0.5).all() and (seen[:10, 0] == 0).all()  # north
    assert (seen[10:, 0] > 0.5).all() and (seen[10:, 2] == 0).all()  # east


def test_a_wall_ahead_is_as_high_as_perspective_makes_it():
    # at depth 2 the top is at 0.8 / 2 and the foot at -0.6 / 2 of half the picture
    column = view(square(), EAST, size=200)[:, 100]
    wall = np.flatnonzero((column[:, 0] > 0.5) & (column[:, 1] == 0))
    assert (wall[0], wall[-1] + 1) == (60, 130)


def test_a_straight_wall_has_a_straight_edge():
    seen = view(square(half=jnp.array([2.0, 5.0])), EAST, size=40)
    tops = {int(np.argmax(seen[:, column, 1] == 0)) for column in range(40)}
    assert len(tops) == 1


def test_a_painting_hangs_in_its_frame():
    row = view(square(painted=jnp.array([True, False, False, False])), EAST, size=40)[19]
    lit = row / row[:, :1].max()
    kinds = ["red" if c[1] == 0 else "frame" if c[0] < 0.7 else "canvas" for c in lit]
    order = [kinds[0]] + [b for a, b in itertools.pairwise(kinds) if a != b]
    assert order == ["red", "frame", "canvas", "frame", "red"]
    assert kinds.count("red") == 20
    assert view(square(), EAST, size=40)[19, :, 1].max() == 0


def test_a_building_stands_over_the_wall_at_its_azimuth_and_nowhere_else():
    skyline = jnp.zeros(8).at[0].set(0.8)  # azimuths 0 .. 45 degrees
    seen = view(square(skyline=skyline), EAST, size=40)
    assert (seen[6, :20] == 0).all() and (seen[6, 20:] == 1).all()
    np.testing.assert_array_equal(view(square(skyline=skyline), WEST, size=40)[6], 1.0)


def test_the_left_column_looks_left_and_a_column_looks_where_its_neighbour_did():
    angles = np.asarray(column_angles(jnp.array([0.0, 1.0]), 6))
    assert (np.diff(angles[0]) < 0).all()
    np.testing.assert_allclose(np.tan(angles[0]), [5 / 6, 3 / 6, 1 / 6, -1 / 6, -3 / 6, -5 / 6], rtol=1e-5)
    np.testing.assert_allclose(angles[1] - angles[0], 1.0, rtol=1e-5)


def test_rooms_are_finite_colours_wherever_one_looks(key):
    rooms = jax.jit(jax.vmap(lambda k: draw_room(key=k)))(jax.random.split(key, 30))
    headings = jnp.concatenate([jnp.linspace(0.0, 4 * math.pi, 33), jnp.array([EAST, NORTH, WEST, SOUTH])])
    frames = jax.jit(jax.vmap(lambda room: render(room, headings, height=9, width=9)))(rooms)
    assert frames.shape == (30, 37, 9, 9, 3) and frames.dtype == jnp.float32
    assert bool(jnp.isfinite(frames).all()) and float(frames.min()) >= 0 and float(frames.max()) <= 1


def test_rooms_differ_and_keep_to_their_limits(key):
    rooms = jax.jit(jax.vmap(lambda k: draw_room(key=k)))(jax.random.split(key, 2000))
    assert 2 <= float(rooms.half.min()) < 2.1 and 4.9 < float(rooms.half.max()) <= 5
    assert float(jnp.abs(rooms.agent / rooms.half).max()) <= 0.6001
    assert abs(float(rooms.painted.mean()) - 0.6) < 0.03
    assert abs(float((rooms.skyline > 0).mean()) - 0.35) < 0.02
    assert bool(jnp.all(rooms.walls.std(axis=0) > 0.1))


def test_colours_of_known_hues():
    hues = jnp.array([0.0, 1 / 3, 2 / 3, 1.0])
    np.testing.assert_allclose(colour(hues, jnp.ones(4), jnp.ones(4)), [RED, GREEN, BLUE, RED], atol=1e-5)
    np.testing.assert_allclose(colour(hues, jnp.zeros(4), jnp.full(4, 0.3)), np.full((4, 3), 0.3), atol=1e-6)
