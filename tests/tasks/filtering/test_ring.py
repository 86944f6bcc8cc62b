"""Metrics of models whose knowledge is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.filtering.filters import Leaky
from vestige.tasks.filtering import (
    GaussianSensor,
    LinearGaussian,
    LinearWorld,
    OnCircle,
    PopulationCode,
    RingTracking,
    free,
    oscillator,
    ring_1d,
    ring_seen_by_a_gaussian,
)


class Kalman(eqx.Module):
    """The best filter of a ring seen by a Gaussian; a state is what is believed now, and of the next step before it."""

    world: LinearGaussian
    variance: float = eqx.field(static=True, default=0.0012)

    def init(self):
        return jnp.zeros(2), self.world.mean, self.world.covariance

    def filter(self, state, observation):
        _, mean, covariance = state
        gain = covariance[:, 0] / (covariance[0, 0] + self.variance)
        now = mean + gain * (observation[0] * np.sqrt(self.variance).astype(np.float32) - mean[0])
        spread = covariance - gain[:, None] * covariance[None, 0]
        turn = self.world.transition
        return now, turn @ now, turn @ spread @ turn.T + self.world.process

    def features(self, state):
        return state[0]

    def reconstruct(self, state):
        return state[0][:1] / np.sqrt(self.variance).astype(np.float32)

    def predict(self, state, *, key):
        return state[1][:1] / np.sqrt(self.variance).astype(np.float32)

    def log_predictive(self, state, observation, *, key):
        return -jnp.square(observation - self.predict(state, key=key))[0]


@pytest.fixture(scope="module")
def judged():
    task = ring_seen_by_a_gaussian(1000)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        model = Kalman(task.world.model())
        run = eqx.filter_jit(lambda m, k: task.evaluate(m, size=40, key=k))
        return task, run(model, jax.random.key(4)), run(Leaky(jnp.zeros(1), 1), jax.random.key(4))


@pytest.mark.slow
def test_who_knows_all_is_at_the_kalman_filter(judged):
    task, best, _ = judged
    assert 0.999 < float(best["mse_ratio_updown"]) < 1.001
    assert 0.99 < float(best["mse_ratio"]) < 1.02
    assert abs(float(best["velocity_r2"]) - float(best["kalman_velocity_r2"])) < 0.01
    assert float(best["smoother_mse"]) < float(best["kalman_mse"]) < float(best["sensory_mse"])
    levels = task.bounds(best)
    assert levels["mse_ratio"]["best"] == 1.0
    assert levels["mse_updown"] == {"best": best["kalman_mse"], "chance": best["sensory_mse"]}


@pytest.mark.slow
def test_who_has_no_memory_is_at_the_sensor(judged):
    _, best, present = judged
    np.testing.assert_allclose(present["mse_updown"], present["sensory_mse"], rtol=1e-5)
    np.testing.assert_allclose(present["sensory_mse"], best["sensory_mse"])
    assert abs(float(present["sensory_mse"]) / 0.0012 - 1) < 0.03
    assert float(present["velocity_r2"]) < 0.05
    # a linear readout may shrink, so it is a little better than the raw estimate
    assert 0.97 < float(present["mse_readout"] / present["mse_updown"]) < 1.03


@pytest.mark.slow
def test_the_past_is_read_out_where_it_is(judged):
    """Position and velocity together say best where it was a few steps ago; further back R² falls."""
    _, best, present = judged
    delayed = np.asarray(best["delayed_r2"])
    assert delayed.shape == (61,)
    assert delayed[0] > 0.99 and (np.diff(delayed[20:40]) < 0).all()
    assert float(best["position_r2_20"]) == delayed[20] and float(best["position_r2_40"]) == delayed[40]
    assert delayed[20] > 0.9 > float(present["position_r2_20"])


@pytest.mark.slow
def test_a_perfect_memory_of_the_past_has_r2_of_one():
    """The delays are counted from the present back, not forward, and in steps."""
    task = RingTracking(length=80)
    positions = jnp.cumsum(jax.random.normal(jax.random.key(2), (6, 80, 1)), axis=1)
    ago = 7
    features = jnp.roll(positions, ago, axis=1)
    found = task._delayed(features, positions, 3)
    assert float(found[ago]) > 0.9999 and float(found[ago + 1]) < 0.999


@pytest.mark.slow
def test_too_short_for_a_delay():
    task = ring_seen_by_a_gaussian(60)
    found = eqx.filter_jit(task.evaluate)(Leaky(jnp.zeros(1), 1), size=4, key=jax.random.key(0))
    assert jnp.isfinite(found["position_r2_20"]) and jnp.isnan(found["position_r2_40"])


@pytest.mark.slow
def test_steps_in_which_a_state_settles_are_not_judged(key):
    """The sum over the later steps, by two tasks that differ in nothing else."""
    model, sensors = Leaky(jnp.zeros(1), 1), (GaussianSensor(),)
    whole, late = (RingTracking(sensors=sensors, length=50, settling=settling) for settling in (0, 30))
    errors = [eqx.filter_jit(task.evaluate)(model, size=4, key=key) for task in (whole, late)]

    @jax.jit
    def sensed(row):
        """And the truth."""
        sequence = whole.held_out(row, key=jax.random.split(key)[0])
        return sequence.inputs * np.sqrt(np.float32(sensors[0].variance)), sequence.outcomes[:, :1]

    off = np.array([np.square(np.subtract(*sensed(row))) for row in jnp.arange(4)])
    for found, first in zip(errors, (0, 30), strict=True):
        np.testing.assert_allclose(found["sensory_mse"], off[:, first:].mean(), rtol=1e-4)
    with pytest.raises(ValueError, match="at least 2 steps more than settling, got 30 and 29"):
        RingTracking(length=30, settling=29)


def test_a_circle_is_read_out_as_cosine_and_sine():
    place = OnCircle(period=2.0)
    position = jnp.array([[0.3], [0.99], [-0.99], [2.3]])
    back = place.position(place.numbers(position))
    np.testing.assert_allclose(back, [[0.3], [0.99], [-0.99], [0.3]], atol=1e-5)


class TestWorld:
    def test_oscillator_is_that_of_the_notes(self):
        world = oscillator()
        np.testing.assert_allclose(world.transition, [[1, 0.05], [-0.03, 0.9975]], atol=1e-12)
        assert world.noise == (5e-7, 5e-5)
        assert free().noise == (pytest.approx(2.5e-5), pytest.approx(2.5e-3))
        assert free().transition[1][0] == 0

    def test_one_step_has_the_moments_it_should(self, key):
        """Mean A s and covariance Q of what follows, over 40,000 steps."""
        world = oscillator(2)
        states = world.trajectory(20_000, key=key)
        kicks = states[1:] - jnp.einsum("ij,tdj->tdi", jnp.array(world.transition), states[:-1])
        found = np.asarray(kicks).reshape(-1, 2)
        deviation = np.sqrt(world.noise)
        assert (np.abs(found.mean(0)) < 4 * deviation / 200).all()
        # float32 states of size 1 are known to 6e-8, far below the noise of 7e-4
        assert (np.abs(found.std(0) / deviation - 1) < 4 / np.sqrt(2 * 40_000)).all()

    def test_bad_worlds_are_refused(self):
        with pytest.raises(ValueError, match="must be of 2 numbers"):
            LinearWorld(((1.0, 0.0), (0.0, 1.0)), (1.0,), (0.0, 0.0), (0.0, 0.0), ("a", "b"))
        with pytest.raises(ValueError, match="mass > 0"):
            oscillator(mass=0.0)
        with pytest.raises(ValueError, match=r"among 0\.\.1"):
            eqx.tree_at(lambda w: w, LinearWorld(((1.0, 0.0), (0.0, 1.0)), *[(0.0, 0.0)] * 3, ("a", "b"), (2,)), None)
        with pytest.raises(ValueError, match="one sensor for each of the 1"):
            RingTracking(oscillator(), (PopulationCode(), PopulationCode()))
        with pytest.raises(ValueError, match="world's 2 dimensions"):
            RingTracking(oscillator(2), (PopulationCode(),))
        with pytest.raises(ValueError, match="size must be at least 2"):
            ring_1d(40).evaluate(Leaky(jnp.zeros(1), 15), size=1, key=jax.random.key(0))
