"""Densities of frames against scipy and against the draws themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from vestige.models.temporal import Gaussian

MEANS = jnp.array([[0.1, 0.5], [0.9, -0.3]])
FRAME = jnp.array([[0.2, 0.4], [0.9, 0.8]])


@pytest.mark.parametrize("sigma", [0.1, 2.0])
def test_log_density_is_the_sum_over_pixels(sigma):
    expected = norm.logpdf(np.asarray(FRAME), np.asarray(MEANS), sigma).sum()
    np.testing.assert_allclose(Gaussian(sigma).log_prob(MEANS, FRAME), expected, rtol=1e-5)


def test_default_is_a_tenth():
    assert Gaussian().sigma == 0.1


def test_draws_have_the_mean_and_the_spread(key):
    drawn = jax.jit(jax.vmap(lambda k: Gaussian(0.3).sample(MEANS, key=k)))(jax.random.split(key, 20_000))
    np.testing.assert_array_equal(Gaussian().mean(MEANS), MEANS)
    np.testing.assert_allclose(drawn.mean(axis=0), MEANS, atol=5 * 0.3 / np.sqrt(20_000))
    np.testing.assert_allclose(drawn.std(axis=0), 0.3, rtol=0.03)


def test_sigma_is_not_trained():
    assert jax.tree.leaves(Gaussian()) == []


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_sigma_must_be_positive(sigma):
    with pytest.raises(ValueError, match=f"sigma must be positive, got {sigma}"):
        Gaussian(sigma)
