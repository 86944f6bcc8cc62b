"""The autoregressive filter: before training it is the regression, and training leaves that alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet
from vestige.models.families import (
    AbstractFamily,
    Bernoulli,
    Categorical,
    Gaussian,
    Poisson,
    StudentT,
    UnitGaussian,
    parameters_at,
)
from vestige.models.filters import Autoregressive, LagScales, fitted_lags, lag_sums
from vestige.rules import MaximumLikelihood, TemporallyLocal, TransitionTarget
from vestige.tasks.filtering.recordings import stretches

KEY = jax.random.key(0)
FRAMES = np.cumsum(np.random.default_rng(0).normal(size=(90, 2)), axis=0)
ORDER, PENALTY = 3, 0.1


class Task:
    train = stretches(FrameSet(FRAMES, np.array([40, 50]), ("a", "b")))


def model(order=ORDER, width=4, family: AbstractFamily = Gaussian(2)):
    return Autoregressive.fitted(family, Task, order=order, penalty=PENALTY, width=width, key=KEY)


@eqx.filter_jit
def read(made, frames):
    """The states before each step, and what is predicted from them."""
    states = made.unroll(made.init(), frames)[1]
    return states, jax.vmap(lambda state: made.predict(state, key=KEY))(states)


def test_untrained_it_predicts_as_the_regression():
    starts = np.array([0, 40])
    scales = LagScales.of(FRAMES, starts)
    (sums,) = lag_sums(FRAMES, starts, ORDER, scales)
    lags = fitted_lags(sums, ORDER, PENALTY)
    predicted = np.asarray(read(model(), jnp.asarray(FRAMES[40:], jnp.float32))[1])
    np.testing.assert_allclose(predicted[0], scales.centre, rtol=1e-5)  # nothing was seen
    for t in (1, 2, 3, 30):
        seen = FRAMES[40 : 40 + t]
        row = [(seen[-1] - scales.centre) / scales.value]
        row += [(seen[-b] - seen[-b - 1]) / scales.change if t > b else np.zeros(2) for b in range(1, ORDER)]
        expected = seen[-1] + lags.offset + np.concatenate(row) @ lags.weights
        np.testing.assert_allclose(predicted[t], expected, rtol=1e-4, atol=1e-4)


def test_order_0_is_the_last_value_and_a_missing_step_changes_nothing():
    frames = jnp.asarray(FRAMES[:12], jnp.float32).at[5].set(jnp.nan)
    predicted = np.asarray(read(model(order=0, width=0), frames)[1])
    np.testing.assert_array_equal(predicted[1:6], frames[:5])
    np.testing.assert_array_equal(predicted[6], frames[4])
    states, _ = read(model(), frames)
    np.testing.assert_array_equal(states[6], states[5])
    assert states.shape[1] == 1 + 2 * ORDER


def test_the_likelihood_is_that_of_the_errors():
    made = model(width=0)
    states, predicted = read(made, jnp.asarray(FRAMES, jnp.float32))
    log_p = eqx.filter_jit(Autoregressive.log_predictive)(made, states[7], jnp.asarray(FRAMES[7], jnp.float32), key=KEY)
    scale = np.asarray(made.spread)
    z = (FRAMES[7] - np.asarray(predicted[7])) / scale
    assert float(log_p) == pytest.approx(-np.sum(0.5 * z**2 + np.log(scale) + 0.5 * np.log(2 * np.pi)), rel=1e-3)


def test_training_changes_net_and_noise_and_never_the_regression():
    made = model(family=StudentT(2))
    rule = TemporallyLocal(MaximumLikelihood(), TransitionTarget(), update_interval=20)
    states = jnp.stack([made.init()])
    learned = jax.jit(lambda: rule.learn(made, states, jnp.asarray(FRAMES[None, :20], jnp.float32), key=KEY))()
    slopes = learned.grads
    for name in ("weights", "offset", "spread", "centre", "value", "change"):
        assert not np.asarray(getattr(slopes, name)).any()
    assert np.asarray(slopes.shift).all() and np.asarray(slopes.net.layers[-1].weight).any()


@pytest.mark.parametrize(
    ("family", "mean"),
    [
        (UnitGaussian(2), [0.3, -2.0]),
        (Gaussian(2), [0.3, -2.0]),
        (StudentT(2), [0.3, -2.0]),
        (Poisson(2), [0.3, 7.0]),
        (Bernoulli(2), [0.3, 0.9]),
    ],
)
def test_parameters_have_the_mean_that_is_asked_for(family, mean):
    parameters = parameters_at(family, jnp.array(mean), jnp.array([0.5, 1.5]))
    assert parameters.shape == (family.num_parameters,)
    np.testing.assert_allclose(family.mean(parameters), mean, rtol=1e-5)
    if isinstance(family, Gaussian):
        np.testing.assert_allclose(family.mean_and_scale(parameters)[1], [0.5, 1.5], rtol=1e-4)


def test_a_mean_outside_the_support_is_brought_to_its_edge():
    for family in (Poisson(2), Bernoulli(2)):
        mean = np.asarray(family.mean(parameters_at(family, jnp.array([-1.0, 0.5]), jnp.ones(2))))
        assert 0 < mean[0] < 0.1 and mean[1] == pytest.approx(0.5)


def test_what_it_cannot_be_is_refused():
    with pytest.raises(ValueError, match="values must be reals, counts or bits, got Categorical"):
        model(family=Categorical(2))
    with pytest.raises(ValueError, match="order times the 2 values .* at most 4,096, got an order of 3,000"):
        model(order=3000)
    with pytest.raises(ValueError, match="width must not be negative, got -1"):
        model(width=-1)


def test_draws_have_the_mean_and_the_spread_of_the_law():
    made = model(width=0)
    state = read(made, jnp.asarray(FRAMES[:12], jnp.float32))[0][10]
    draws = np.asarray(jax.vmap(lambda key: made.draw(state, key=key))(jax.random.split(KEY, 4000)))
    mean = np.asarray(made.predict(state, key=KEY))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - mean), 4 * draws.std(axis=0) / np.sqrt(4000))
    np.testing.assert_allclose(draws.std(axis=0), made.spread, rtol=0.05)


def test_a_value_that_is_missing_is_taken_to_be_as_expected_and_does_not_count():
    made = model().seeing_parts()
    assert made is not None and made.in_part and made.seeing_parts() is made
    frames = jnp.asarray(FRAMES[:12], jnp.float32)
    _, expected = read(made, frames)
    gap = frames.at[5, 0].set(jnp.nan)
    filled = frames.at[5, 0].set(expected[5, 0])
    np.testing.assert_allclose(read(made, gap)[1], read(model(), filled)[1], rtol=1e-5, atol=1e-5)
    state = read(made, frames)[0][5]
    law = made.parameters(state)
    alone = Gaussian(2).log_densities(law, frames[5])[1]
    np.testing.assert_allclose(made.log_predictive(state, gap[5], key=KEY), alone, rtol=1e-5)


def test_missing_values_are_drawn_from_their_law_and_weighed_by_the_others():
    made = model()
    frames = jnp.asarray(FRAMES[:12], jnp.float32)
    state = read(made, frames)[0][5]
    law = made.parameters(state)
    gap = frames[5].at[0].set(jnp.nan)
    draws, weights = jax.vmap(lambda key: made.completed(state, gap, key=key))(jax.random.split(KEY, 4000))
    assert (draws[:, 1] == gap[1]).all()
    np.testing.assert_allclose(weights, Gaussian(2).log_densities(law, frames[5])[1], rtol=1e-5)
    expected = Gaussian(2).mean(law)[0]
    assert abs(float(draws[:, 0].mean() - expected)) < 4 * float(draws[:, 0].std()) / 4000**0.5
    np.testing.assert_allclose(draws[:, 0].std(), made.spread[0], rtol=0.05)
    nothing = made.completed(state, jnp.full(2, jnp.nan), key=KEY)[1]
    assert float(nothing) == 0.0
