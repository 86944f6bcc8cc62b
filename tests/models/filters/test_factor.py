"""Factor analysis of (x_{t-1}, y_t), and the case of it that can be solved (checks 6 and 13 of the notes)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from vestige.models.filters import FactorFilter, LinearFilter, error, refitted


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def model(key):
    model = FactorFilter(3, 2, key=key)
    leaves, rest = jax.tree.flatten(model)
    noise = np.random.default_rng(0)
    return jax.tree.unflatten(rest, [jnp.asarray(x + 0.4 * noise.normal(size=x.shape)) for x in leaves])


def dense(model):
    """Covariance of (u, y) as a whole, and of h with it."""
    loadings = np.concatenate([model.state_loadings, model.input_loadings])
    uniqueness = np.exp(np.concatenate([model.log_state_uniqueness, model.log_input_uniqueness]))
    return loadings @ loadings.T + np.diag(uniqueness), loadings


U, Y = np.array([0.3, -1.2]), np.array([0.7, 0.1, -0.4])


@pytest.mark.slow
def test_joint_density_is_that_of_the_dense_gaussian(model):
    covariance, _ = dense(model)
    value = np.concatenate([U, Y])
    expected = scipy.stats.multivariate_normal(np.zeros(5), covariance).logpdf(value)
    np.testing.assert_allclose(model.joint().log_prob((jnp.asarray(U), jnp.asarray(Y))), expected, atol=1e-10)


def test_state_is_the_posterior_mean(model):
    covariance, loadings = dense(model)
    expected = loadings.T @ np.linalg.solve(covariance, np.concatenate([U, Y]))
    np.testing.assert_allclose(model.advance(jnp.asarray(U), jnp.asarray(Y)), expected, atol=1e-10)


def test_transition_is_the_joint_divided_by_the_marginal(model, key):
    covariance, _ = dense(model)
    whole = scipy.stats.multivariate_normal(np.zeros(5), covariance).logpdf(np.concatenate([U, Y]))
    state = scipy.stats.multivariate_normal(np.zeros(2), covariance[:2, :2]).logpdf(U)
    found = model.given(jnp.asarray(U)).log_prob(jnp.asarray(Y))
    np.testing.assert_allclose(found, whole - state, atol=1e-10)
    np.testing.assert_allclose(model.log_predictive(jnp.asarray(U), jnp.asarray(Y), key=key), whole - state, atol=1e-10)
    expected = covariance[2:, :2] @ np.linalg.solve(covariance[:2, :2], U)
    np.testing.assert_allclose(model.predict(jnp.asarray(U), key=key), expected, atol=1e-10)


def test_sizes_below_one_are_refused(key):
    with pytest.raises(ValueError, match="observed and hidden must be at least 1, got 3 and 0"):
        FactorFilter(3, 0, key=key)


def kalman(persistence, noise):
    """Steady error and pole, by scipy's Riccati solver."""
    count = len(noise)
    before = scipy.linalg.solve_discrete_are(
        np.array([[persistence]]), np.ones((1, count)), np.array([[1 - persistence**2]]), np.diag(noise)
    )[0, 0]
    after = 1 / (1 / before + np.sum(1 / noise))
    return after, persistence * after / before


def sweeps(persistence, noise, damping, count):
    start = LinearFilter(jnp.asarray(0.3), jnp.full(len(noise), 0.2))
    one = lambda f, _: (refitted(f, persistence=jnp.asarray(persistence), noise=noise, damping=damping), f)
    last, earlier = jax.lax.scan(one, start, length=count)
    return last, earlier


@pytest.mark.parametrize(
    ("persistence", "noise", "pole"),
    [(0.9, [1.0, 3.0], 0.5859435513), (0.9, [1.5, 3.0, 4.5], 0.5986161100), (0.99, [1.0, 3.0], None)],
)
def test_damped_rule_comes_to_the_kalman_filter(persistence, noise, pole):
    noise = jnp.asarray(noise)
    found, _ = sweeps(persistence, noise, 0.1, 4000)
    best, expected = kalman(persistence, np.asarray(noise))
    np.testing.assert_allclose(found.pole, expected, atol=1e-9)
    if pole is not None:
        np.testing.assert_allclose(found.pole, pole, atol=1e-9)
    np.testing.assert_allclose(error(found, persistence=jnp.asarray(persistence), noise=noise) / best, 1, atol=1e-9)


@pytest.mark.parametrize(("noise", "ratio"), [([1.0, 3.0], 1.1254), ([1.5, 3.0, 4.5], 1.172)])
def test_without_damping_it_oscillates_between_two_filters(noise, ratio):
    noise = jnp.asarray(noise)
    last, earlier = sweeps(0.9, noise, 1.0, 4001)
    np.testing.assert_allclose(earlier.pole[-2], last.pole, atol=1e-9)
    assert abs(float(earlier.pole[-1] - last.pole)) > 0.1
    best, _ = kalman(0.9, np.asarray(noise))
    both = last, jax.tree.map(lambda x: x[-1], earlier)
    misses = [error(f, persistence=jnp.asarray(0.9), noise=noise) / best for f in both]
    assert ratio == pytest.approx(max(float(m) for m in misses), abs=1e-3)


def test_a_single_sensor_leaves_it_open():
    """One factor of two indicators is not identified: the same density of pairs, and different states."""
    model = FactorFilter(1, 1, key=jax.random.key(0))

    def made(state_loading, input_loading):
        """With variances 1 and 2 whatever the loadings."""
        logs = np.log([1.0 - state_loading**2]), np.log([2.0 - input_loading**2])
        leaves = [[state_loading]], [[input_loading]], *logs
        return jax.tree.unflatten(jax.tree.structure(model), [jnp.asarray(leaf, jnp.float64) for leaf in leaves])

    one, other = made(0.6, 0.8), made(0.8, 0.6)
    u, y = jnp.asarray([0.3]), jnp.asarray([-1.1])
    np.testing.assert_allclose(one.joint().log_prob((u, y)), other.joint().log_prob((u, y)), atol=1e-12)
    assert abs(float(one.advance(u, y)[0] - other.advance(u, y)[0])) > 0.1
