"""Poisson counts against scipy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from vestige.numerics import log_poisson, poisson


@functools.cache
def draws_of(size):
    """One program for every rate."""
    return jax.jit(lambda rate, key: poisson(jnp.broadcast_to(rate, size), key=key))


@pytest.mark.parametrize("rate", [0.02, 0.7, 6.0, 30.0, 64.0])
def test_counts_have_the_law_of_that_rate(rate, key):
    """Every count that is due at least 50 times comes as often as it should."""
    draws = np.asarray(draws_of((200_000,))(rate, key))
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


@pytest.mark.parametrize("rate", [64.5, 480.0, 1e6, 3e9])
def test_rates_know_no_limit(rate, key):
    """Mean, variance and, where counts are many, the whole distribution function."""
    draws = np.asarray(draws_of((40_000,))(rate, key)).astype(float)
    assert abs(draws.mean() - rate) < 4 * np.sqrt(rate / len(draws))
    np.testing.assert_allclose(draws.var(), rate, rtol=4 * np.sqrt(2 / len(draws)))
    levels = scipy.stats.poisson.ppf([0.01, 0.2, 0.5, 0.8, 0.99], rate)
    share = scipy.stats.poisson.cdf(levels, rate)
    found = np.mean(draws[:, None] <= levels, axis=0)
    if rate < 2**24:  # beyond, float32 leaves counts out
        np.testing.assert_array_less(np.abs(found - share), 4 * np.sqrt(share * (1 - share) / len(draws)))


def test_rates_that_are_none_have_no_counts(key):
    draws = np.asarray(jax.jit(lambda rates: poisson(rates, key=key))(jnp.asarray([-1.0, np.nan, np.inf, 3.0])))
    assert np.isnan(draws[:2]).all() and draws[2] == np.inf and np.isfinite(draws[3])


@pytest.mark.parametrize("rate", [1e-3, 1.0, 50.0, 4000.0, 1e6])
def test_log_probabilities_keep_their_digits(rate):
    counts = np.unique(np.round(rate + np.sqrt(rate) * np.linspace(-4, 4, 17)).clip(0)).astype(np.float32)
    found = jax.jit(log_poisson)(jnp.asarray(counts), jnp.full(counts.shape, rate, jnp.float32))
    expected = scipy.stats.poisson.logpmf(counts.astype(float), float(np.float32(rate)))
    np.testing.assert_allclose(found, expected, atol=1e-3, rtol=1e-5)


def test_float64_draws_are_float64(key):
    with jax.enable_x64(True):
        assert jax.eval_shape(lambda key: poisson(jnp.full(3, 2.0, jnp.float64), key=key), key).dtype == jnp.float64
