"""Noise that the values of a step have in common, beside the multivariate normal law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vestige.models.families import Bernoulli, Gaussian
from vestige.models.filters import Autoregressive, LagScales, fitted_lags, lag_sums
from vestige.models.filters.lag_regression import residual_covariance
from vestige.models.filters.simultaneous import errors_given, regressions

DRAW = np.random.default_rng(0)
KEY = jax.random.key(0)
MIXING = np.array([[1.0, 0, 0], [0.9, 0.5, 0], [-0.4, 0.8, 0.3]])
STARTS = np.array([0])


def frames(steps=600):
    noise = DRAW.normal(size=(steps, 3)) @ MIXING.T
    found = np.zeros((steps, 3))
    for t in range(1, steps):
        found[t] = 0.8 * found[t - 1] + noise[t]
    return found


class Task:
    """Training steps at hand."""

    def __init__(self, steps):
        self.train = type("Steps", (), {"frames": jnp.asarray(steps, jnp.float32), "starts": jnp.asarray(STARTS)})()


def model(steps, family=None):
    options = {"order": 1, "penalty": 1e-6, "width": 0, "correlated": True, "key": KEY}
    return Autoregressive.fitted(family or Gaussian(3), Task(steps), **options)


def law(made, steps):
    """Mean after the last of some steps, and the covariance around it."""
    state = made.init()
    for frame in jnp.asarray(steps, jnp.float32):
        state = made.advance(state, frame)
    inverse = np.linalg.inv(np.eye(3) - np.asarray(made.common, np.float64))
    covariance = inverse @ np.diag(np.square(np.asarray(made.spread, np.float64))) @ inverse.T
    return state, np.asarray(made.predict(state, key=KEY), np.float64), covariance


def test_regressions_leave_nothing_in_common():
    root = DRAW.normal(size=(4, 4))
    covariance = root @ root.T
    c, spread = regressions(covariance, 10**9)
    rest = (np.eye(4) - c) @ covariance @ (np.eye(4) - c).T
    np.testing.assert_allclose(rest, np.diag(np.square(spread)), atol=1e-6)
    assert not np.triu(c).any()
    few, spread = regressions(covariance, 4)  # half of each correlation
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    expected = 0.5 * correlation[1, 0] * np.sqrt(covariance[1, 1] / covariance[0, 0])
    assert few[1, 0] == pytest.approx(expected)
    covariance[2], covariance[:, 2] = 0, 0
    still, spread = regressions(covariance, 10**6)
    assert spread[2] == 0 and not still[2].any() and not still[:, 2].any()


def test_the_covariance_is_that_of_the_errors():
    steps = frames()
    scales = LagScales.of(steps, STARTS)
    (sums,) = lag_sums(steps, STARTS, 2, scales)
    lags = fitted_lags(sums, 2, 1e-3)
    found, count = residual_covariance(steps, STARTS, lags, scales)
    assert count == 599
    np.testing.assert_allclose(np.sqrt(np.diag(found)), lags.spread, rtol=1e-8)
    np.testing.assert_allclose(found, MIXING @ MIXING.T, atol=0.2)


def test_the_density_is_that_of_the_multivariate_normal():
    steps = frames()
    made = model(steps)
    state, mean, covariance = law(made, steps)
    np.testing.assert_allclose(covariance, MIXING @ MIXING.T, atol=0.2)
    for _ in range(3):
        seen = mean + DRAW.normal(size=3)
        expected = multivariate_normal(mean, covariance).logpdf(seen)
        found = jax.jit(lambda y: made.log_density(state, y))(jnp.asarray(seen, jnp.float32))
        np.testing.assert_allclose(found, expected, rtol=2e-3)
    alone = Gaussian(3).log_prob(made.parameters(made.init()), jnp.zeros(3))
    np.testing.assert_allclose(made.log_predictive(made.init(), jnp.zeros(3), key=KEY), alone, rtol=1e-5)


def test_draws_have_the_covariance():
    steps = frames()
    made = model(steps)
    state, mean, covariance = law(made, steps)
    draws = np.asarray(jax.vmap(lambda key: made.draw(state, key=key))(jax.random.split(KEY, 8000)), np.float64)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.08)


@pytest.mark.parametrize("gone", [(0,), (1,), (2,), (0, 2)])
def test_missing_values_have_the_law_given_the_others(gone):
    steps = frames()
    made = model(steps).seeing_parts()
    state, mean, covariance = law(made, steps)
    there = [j for j in range(3) if j not in gone]
    seen = mean + np.array([0.5, -0.4, 0.9])
    gap = np.where(np.isin(np.arange(3), gone), np.nan, seen)
    draws, logs = jax.vmap(lambda key: made.completed(state, jnp.asarray(gap, jnp.float32), key=key))(
        jax.random.split(KEY, 20_000)
    )
    weights = np.asarray(jax.nn.softmax(logs), np.float64)
    drawn = np.asarray(draws, np.float64)
    np.testing.assert_allclose(drawn[:, there], np.broadcast_to(seen[there], (20_000, len(there))), rtol=1e-5)
    of = covariance[np.ix_(gone, there)] @ np.linalg.inv(covariance[np.ix_(there, there)])
    expected = mean[list(gone)] + of @ (seen - mean)[there]
    np.testing.assert_allclose(weights @ drawn[:, list(gone)], expected, atol=0.05)
    marginal = multivariate_normal(mean[there], covariance[np.ix_(there, there)]).logpdf(seen[there])
    found = float(jax.nn.logsumexp(logs) - np.log(20_000))
    assert found == pytest.approx(marginal, abs=0.05)
    if gone == (2,):  # nobody comes after it
        np.testing.assert_allclose(made.log_density(state, jnp.asarray(gap, jnp.float32)), marginal, rtol=2e-3)


def test_what_is_not_known_is_as_expected_given_those_before_it():
    c = np.tril(DRAW.normal(size=(4, 4)), -1)
    errors, noise = DRAW.normal(size=4), DRAW.normal(size=4)
    there = np.array([True, False, True, False])
    expected = errors.copy()
    for j in (1, 3):
        expected[j] = c[j, :j] @ expected[:j] + noise[j]
    arrays = (jnp.asarray(each, jnp.float32) for each in (c, errors))
    found = errors_given(*arrays, jnp.asarray(there), jnp.asarray(noise, jnp.float32))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_bits_have_no_noise_in_common():
    with pytest.raises(ValueError, match="only real values have noise in common"):
        model((frames() > 0).astype(np.float64), Bernoulli(3))
