"""Check 8 of the notes: physics that conserves energy, and pictures whose errors are those of the literature."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.filtering.filters import Leaky
from vestige.tasks.filtering import BouncingBalls
from vestige.tasks.filtering.balls import BOX, RADIUS, SPEED, Discs, advance, released, render


@pytest.mark.parametrize(
    ("resolution", "repeat", "mean", "beyond"),
    [(15, 2.98, 18.7, 1.76), pytest.param(30, 11.80, 74.7, 6.84, marks=pytest.mark.slow)],
)
def test_errors_of_who_has_no_memory(resolution, repeat, mean, beyond):
    """A filter without memory says that the next frame is as this one."""
    task = BouncingBalls(resolution=resolution)
    model = Leaky(jnp.zeros(1), task.width)
    found = eqx.filter_jit(task.evaluate)(model, size=150, key=jax.random.key(1))
    for name, expected in (("repeat_error", repeat), ("mean_error", mean), ("extrapolation_error", beyond)):
        assert abs(float(found[name]) / expected - 1) < 0.05, name
    assert float(found["frame_error"]) == float(found["repeat_error"])
    np.testing.assert_allclose(found["frame_error_pixel"], found["frame_error"] / resolution**2)
    assert task.bounds(found)["frame_error"] == {"best": 0.0, "chance": found["repeat_error"]}


class TestPhysics:
    @pytest.fixture
    def film(self, key):
        """400 frames of 12 boxes in float64."""
        with jax.enable_x64(True):
            start = jax.jit(jax.vmap(lambda row: released(3, key=jax.random.fold_in(key, row))))(jnp.arange(12))
            start = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), start)
            step = lambda discs, _: (advance(discs), discs)
            run = lambda discs: jax.lax.scan(step, discs, None, 400)[1]
            yield jax.tree.map(np.asarray, jax.jit(jax.vmap(run))(start))

    def test_energy_is_conserved(self, film):
        energy = np.square(film.velocities).sum((-1, -2))
        np.testing.assert_allclose(energy, np.broadcast_to(energy[:, :1], energy.shape), rtol=0, atol=1e-12)
        np.testing.assert_allclose(energy[:, 0], SPEED**2, rtol=1e-5)
        assert (np.abs(np.diff(film.velocities, axis=1)) > 1e-3).any((1, 2, 3)).all(), "something must have happened"

    def test_balls_stay_in_the_box(self, film):
        """They reach over a wall by what they move in a substep at most, and only while they turn."""
        over = np.maximum(RADIUS - film.positions, film.positions - (BOX - RADIUS))
        assert over.max() <= SPEED / 2 + 1e-12
        out = (over > 0).mean()
        assert 0 < out < 0.1

    def test_they_begin_apart(self, key):
        start = jax.jit(jax.vmap(lambda row: released(4, key=jax.random.fold_in(key, row))))(jnp.arange(40))
        away = jnp.linalg.norm(start.positions[:, :, None] - start.positions[:, None], axis=-1)
        assert float(jnp.where(jnp.eye(4, dtype=bool)[None], 99.0, away).min()) >= 2 * RADIUS
        assert float(start.positions.min()) >= RADIUS and float(start.positions.max()) <= BOX - RADIUS

    def test_a_head_on_collision_exchanges_velocities(self):
        meeting = Discs(jnp.array([[3.0, 5.0], [5.5, 5.0]]), jnp.array([[0.3, 0.1], [-0.4, 0.0]]))
        after = advance(meeting)
        np.testing.assert_allclose(after.velocities, [[-0.4, 0.1], [0.3, 0.0]], atol=0.06)
        np.testing.assert_allclose(after.velocities.sum(0), meeting.velocities.sum(0), atol=1e-6)

    def test_a_wall_turns_one_component(self):
        after = advance(Discs(jnp.array([[1.3, 5.0]]), jnp.array([[-0.4, 0.3]])))
        np.testing.assert_allclose(after.velocities, [[0.4, 0.3]], atol=1e-7)


def test_a_ball_is_as_large_as_its_radius():
    """Half the ink lies at the radius, not at 0.83 as where r² is multiplied: exp(-(d²/r²)⁴)."""
    picture = np.asarray(render(jnp.array([[5.0, 5.0]]), 200)).reshape(200, 200)
    area = picture.sum() * (BOX / 200) ** 2
    from math import gamma, pi

    assert abs(area - pi * RADIUS**2 * gamma(1 + 1 / 4)) < 0.01
    assert picture.max() == 1.0


def test_rows_are_y_of_x_first():
    """The first axis of a picture is x, as in the original."""
    picture = np.asarray(render(jnp.array([[2.0, 8.0]]), 10)).reshape(10, 10)
    assert np.unravel_index(picture.argmax(), (10, 10))[0] in (1, 2)


def test_sizes_are_refused():
    with pytest.raises(ValueError, match=r"balls must be in 1\.\.6"):
        BouncingBalls(balls=0)
    with pytest.raises(ValueError, match="length >= 3"):
        BouncingBalls(length=2)
