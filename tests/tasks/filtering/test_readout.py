"""Read-outs against scikit-learn and numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks.filtering import r2, ridge
from vestige.tasks.filtering.readout import chosen_ridge


@pytest.fixture
def data():
    draw = np.random.default_rng(4)
    x = draw.normal(size=(300, 8)) @ draw.normal(size=(8, 8)) + 3.0
    y = x @ draw.normal(size=(8, 2)) + 0.1 * draw.normal(size=(300, 2)) - 5.0
    return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)


@pytest.mark.parametrize("penalty", [1e-6, 0.1])
def test_equal_to_scikit_learn(data, penalty):
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    x, y = (np.asarray(a, np.float64) for a in data)
    scaler = StandardScaler().fit(x)
    theirs = Ridge(alpha=penalty * len(x)).fit(scaler.transform(x), y).predict(scaler.transform(x))
    np.testing.assert_allclose(ridge(*data, penalty=penalty)(data[0]), theirs, atol=2e-3)


def test_rows_of_weight_zero_are_left_out(data):
    x, y = data
    weights = jnp.where(jnp.arange(300) < 200, 1.0, 0.0)
    spoilt = ridge(x.at[200:].set(jnp.nan), y.at[200:].set(jnp.nan), weights=weights)
    np.testing.assert_allclose(spoilt(x), ridge(x[:200], y[:200])(x), rtol=1e-3, atol=2e-3)


def test_a_constant_feature_gets_no_weight(data):
    x, y = data
    x = x.at[:, 3].set(0.7)
    found = ridge(x, y)
    assert (found.weights[3] == 0).all() and jnp.isfinite(found(x)).all()
    np.testing.assert_allclose(found(x), found(x.at[:, 3].set(9.0)))


def test_a_small_error_is_not_lost_in_rounding(key):
    """R² of 1 - 1e-6 from nearly collinear features in float32."""
    keys = jax.random.split(key, 3)
    hidden = jax.random.normal(keys[0], (4000, 1))
    x = hidden + 1e-2 * jax.random.normal(keys[1], (4000, 30))
    y = x @ jnp.full((30, 1), 1 / 30) + 1e-3 * jax.random.normal(keys[2], (4000, 1))
    error = ridge(x, y)(x) - y
    assert 0.8e-6 < float(jnp.mean(jnp.square(error))) < 1.2e-6
    assert 1 - 1.3e-6 < float(r2(error, y)) < 1


def test_r2_of_the_mean_is_zero(data):
    _, y = data
    assert abs(float(r2(y - y.mean(0, keepdims=True), y))) < 1e-5
    assert float(r2(jnp.zeros_like(y), y)) == 1
    weights = jnp.where(jnp.arange(300) < 100, 1.0, 0.0)
    spoilt = y.at[100:].set(jnp.nan)
    np.testing.assert_allclose(r2(0.1 * spoilt, spoilt, weights), r2(0.1 * y[:100], y[:100]), rtol=1e-4)


@pytest.mark.slow
def test_the_penalty_is_chosen(key):
    """Of few rows and many features of noise a strong one, of a clean relation a weak one."""
    keys = jax.random.split(key, 3)
    x = jax.random.normal(keys[0], (60, 50))
    noise = jax.random.normal(keys[1], (60, 1))
    fresh = jax.random.normal(keys[2], (60, 50))
    assert float(jnp.mean(jnp.square(chosen_ridge(x, noise, jnp.ones(60))(fresh)))) < 0.3
    assert float(jnp.mean(jnp.square(ridge(x, noise)(fresh)))) > 0.6
    clean = x[:, :1] * 2
    assert float(jnp.mean(jnp.square(chosen_ridge(x, clean, jnp.ones(60))(fresh) - 2 * fresh[:, :1]))) < 0.05
