"""Poisson counts against scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from vestige.numerics import poisson


@pytest.mark.parametrize("rate", [0.02, 0.7, 6.0, 30.0, 64.0])
def test_counts_have_the_law_of_that_rate(rate, key):
    """Every count that is due at least 50 times comes as often as it should."""
    draws = np.asarray(jax.jit(lambda k: poisson(jnp.full(200_000, rate), key=k))(key))
    found = np.bincount(draws.astype(int), minlength=200)
    share = scipy.stats.poisson.pmf(np.arange(len(found)), rate)
    frequent = len(draws) * share > 50
    error = np.sqrt(len(draws) * share * (1 - share))
    np.testing.assert_array_less(np.abs(found - len(draws) * share)[frequent], 4 * error[frequent])
    assert np.all(draws == np.round(draws))


def test_rates_may_differ_and_zero_never_fires(key):
    rates = jnp.asarray([0.0, 5.0, 0.0, 40.0])
    draws = np.asarray(jax.jit(jax.vmap(lambda k: poisson(rates, key=k)))(jax.random.split(key, 5000)))
    assert np.all(draws[:, [0, 2]] == 0)
    np.testing.assert_allclose(draws[:, [1, 3]].mean(axis=0), [5, 40], rtol=0.03)


def test_beyond_its_limit_a_rate_counts_as_64(key):
    draws = np.asarray(poisson(jnp.full(20_000, 1e6), key=key))
    np.testing.assert_allclose([draws.mean(), draws.var()], 64, rtol=0.05)


def test_float64_draws_are_float64(key):
    with jax.enable_x64(True):
        assert poisson(jnp.full(3, 2.0, jnp.float64), key=key).dtype == jnp.float64
