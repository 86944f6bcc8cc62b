"""Check 8 of the notes: the generator's numbers, and what each yardstick reaches on them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks.filtering import (
    GaussianSensor,
    LinearGaussian,
    PopulationCode,
    kalman_filter,
    ring_1d,
    ring_without_spring,
)

ROWS = 240


class TestRing:
    def test_rates_follow_the_formula(self, key):
        code = PopulationCode()
        xi = (0.3 + np.pi / 3) / (2 * np.pi / 3)
        away = xi + 15 / 14 * np.array([-1, 0, 1])[:, None] - np.arange(15)[None] / 14
        c = 1 / 6 / (2 * np.sqrt(2 * np.log(2)))
        assert abs(c - 0.0708) < 1e-4
        np.testing.assert_allclose(
            code.shape_of(jnp.array([0.3])), np.exp(-(away**2) / (2 * c**2)).sum(0), rtol=2e-4, atol=1e-6
        )

    def test_the_ring_closes(self):
        code = PopulationCode()
        np.testing.assert_allclose(
            code.shape_of(jnp.array([0.2])), code.shape_of(jnp.array([0.2 + code.period])), atol=2e-6
        )
        assert abs(code.period - 15 / 14 * 2 * np.pi / 3) < 1e-6
        # the last neuron and the first are neighbours
        rates = code.shape_of(jnp.array([np.pi / 3]))
        assert rates[0] == pytest.approx(float(rates[-2]), rel=1e-3)

    @pytest.mark.parametrize("dims", [1, 2])
    def test_rates_decode_to_the_stimulus(self, dims, key):
        """Anywhere on the ring, the seam included."""
        code = PopulationCode(dims=dims)
        stimuli = jax.random.uniform(key, (200, dims), minval=-3.0, maxval=3.0)
        found, variance = jax.jit(jax.vmap(lambda s: code.decode(8 * code.shape_of(s))))(stimuli)
        assert float(jnp.abs(code.difference(found, stimuli)).max()) < 0.005
        total = 8 * jax.jit(jax.vmap(lambda s: jnp.sum(code.shape_of(s))))(stimuli)
        np.testing.assert_allclose(variance[:, 0], (2 * np.pi / 3 * 0.0707755) ** 2 / total, rtol=1e-4)

    def test_no_spike_says_nothing(self):
        estimate, variance = PopulationCode().decode(jnp.zeros(15))
        assert jnp.isnan(estimate).all() and jnp.isnan(variance).all()

    def test_bad_sizes_are_refused(self):
        with pytest.raises(ValueError, match="neurons >= 3"):
            PopulationCode(neurons=2)
        with pytest.raises(ValueError, match="low < high"):
            PopulationCode(low=1.0, high=1.0)
        with pytest.raises(ValueError, match="0 < least <= most"):
            PopulationCode(gains=(2.0, 1.0))
        with pytest.raises(ValueError, match="variance > 0"):
            GaussianSensor(variance=0.0)


@pytest.fixture(scope="module")
def tracked():
    """True positions, and what each yardstick says of them."""
    task = ring_1d()

    @jax.jit
    def run(key):
        batch = task.batch(size=ROWS, key=key).inputs

        def one(sequence):
            (sensed,), (filtered, velocity), (smoothed,) = task.yardsticks(sequence)
            return {"sensed": sensed, "filtered": filtered, "smoothed": smoothed, "velocity": velocity}

        estimates, variances = jax.vmap(jax.vmap(task.decode))(batch.inputs)
        return batch, jax.lax.map(one, batch, batch_size=40), estimates[..., 0, 0], variances[..., 0, 0]

    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        return task, *run(jax.random.key(20))


@pytest.mark.slow
class TestNumbers:
    """Of 240 sequences of 1000 steps."""

    def test_counts(self, tracked):
        counts = tracked[1].inputs
        assert abs(float(counts.sum(-1).mean()) - 19.85) < 0.1
        assert float((counts.sum(-1) == 0).mean()) < 1e-4
        position, velocity = np.asarray(tracked[1].outcomes).std((0, 1))
        assert abs(position - 0.35) < 0.02 and abs(velocity - 0.27) < 0.015

    def test_errors(self, tracked):
        task, batch, said, *_ = tracked
        position = batch.outcomes[..., :1]
        mse = {name: float(jnp.nanmean(jnp.square(task.sensors[0].difference(said[name], position)))) for name in said}
        assert abs(mse["sensed"] / 1.18e-3 - 1) < 0.03
        assert abs(mse["filtered"] / 1.43e-4 - 1) < 0.03
        assert abs(mse["smoothed"] / 4.3e-5 - 1) < 0.05
        velocity = batch.outcomes[..., 1:]
        assert 1 - jnp.mean(jnp.square(said["velocity"] - velocity)) / jnp.var(velocity) > 0.989

    def test_the_best_filter_of_first_order(self, tracked):
        """A random walk or AR(1) with the best of many decays and noises: who goes below has more than position."""
        task, batch, _, estimates, variances = tracked
        position = batch.outcomes[..., 0]

        def error(decay, noise):
            one = lambda value: jnp.full((1, 1), value)
            model = LinearGaussian(one(decay), one(noise), one(1.0), jnp.zeros(1), one(0.33))
            told = lambda y, r: kalman_filter(
                model, y[:, None], r[:, None, None], difference=task.sensors[0].difference
            )
            means = jax.vmap(lambda y, r: told(y, r).means[:, 0])(estimates, variances)
            return jnp.mean(jnp.square(task.sensors[0].difference(means, position)))

        decays, noises = jnp.meshgrid(jnp.array([0.99, 0.995, 1.0]), jnp.geomspace(1e-4, 1e-3, 8), indexing="ij")
        errors = jax.jit(lambda a, q: jax.lax.map(lambda pair: error(*pair), (a, q)))(
            decays.reshape(-1), noises.reshape(-1)
        )
        assert abs(float(errors.min()) / 5.64e-4 - 1) < 0.03
        best = int(errors.argmin()) % 8
        assert 0 < best < 7, "the best noise must lie inside the range that was tried"


@eqx.filter_jit
def tracked_by(task, key):
    """Twenty sequences, and what each yardstick says of them."""
    sequences = task.batch(size=20, key=key).inputs
    return sequences, jax.vmap(task.yardsticks)(sequences)


@pytest.mark.slow
def test_a_filter_follows_the_ring_round(key):
    """Without a spring positions go beyond a period; the filter takes the short way and is not lost."""
    task = ring_without_spring(400)
    sequences, said = tracked_by(task, key)
    assert float(jnp.abs(sequences.outcomes[..., 0]).max()) > 2 * task.sensors[0].period
    (sensed,), (filtered, _), (smoothed,) = said
    off = lambda said: float(jnp.nanmean(jnp.square(task.sensors[0].difference(said, sequences.outcomes[..., :1]))))
    assert off(smoothed) < off(filtered) < 0.6 * off(sensed)


@pytest.mark.slow
def test_windows_without_spikes_are_skipped(key):
    """Gains so small that most windows are silent: the filter goes on, no NaN, and beats the last that was heard."""
    from vestige.tasks.filtering import RingTracking, oscillator

    task = RingTracking(oscillator(), (PopulationCode(gains=(0.2, 0.2)),), length=300)
    sequences, said = tracked_by(task, key)
    silent = sequences.inputs.sum(-1) == 0
    assert 0.4 < float(silent.mean()) < 0.8
    (sensed,), (filtered, _), (smoothed,) = said
    assert (jnp.isnan(sensed[..., 0]) == silent).all()
    off = lambda said: float(jnp.nanmean(jnp.square(task.sensors[0].difference(said, sequences.outcomes[..., :1]))))
    assert off(smoothed) < off(filtered) < 0.5 * off(sensed)
    assert jnp.isfinite(filtered).all() and jnp.isfinite(smoothed).all()
