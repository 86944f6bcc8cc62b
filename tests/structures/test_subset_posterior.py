"""Arrival times given an unordered set."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from vestige.structures import Subset, subset_log_prob, subset_posterior

from .cases import mean_is

DRAWS = 3000
RATES = np.random.default_rng(1).normal(size=5)


def draws(rates, k, count=DRAWS):
    """Sets, and times drawn anew given each."""

    @jax.jit
    @jax.vmap
    def one(key):
        first, second = jax.random.split(key)
        structure = Subset(jnp.asarray(rates), k)
        value = jax.lax.stop_gradient(structure.sample(key=first).value)
        times = subset_posterior(structure, value, key=second)
        return value, times, structure.value(structure.run(times))

    return jax.tree.map(np.asarray, one(jax.random.split(jax.random.key(k), count)))


def test_the_times_make_the_set_again():
    with jax.enable_x64(True):
        value, times, again = draws(RATES, 3, count=100)
    np.testing.assert_array_equal(value, again)
    assert np.isfinite(times).all()


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_times_make_the_set_again_and_mix_to_the_prior(k):
    with jax.enable_x64(True):
        value, times, again = draws(RATES, k)
    np.testing.assert_array_equal(value, again)
    scaled = np.exp(times + RATES)
    for column in scaled.T:
        assert stats.kstest(column, "expon").pvalue > 1e-4
    uniform = np.exp(-scaled) - 0.5
    mean_is(np.array([uniform[:, i] * uniform[:, j] for i in range(5) for j in range(i)]).T, 0.0, 4.5)


@pytest.mark.slow
def test_the_law_given_one_set_is_that_of_draws_with_this_set():
    chosen = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    with jax.enable_x64(True):
        structure = Subset(jnp.asarray(RATES), 2)
        keys = jax.random.split(jax.random.key(0), DRAWS)
        found = np.asarray(jax.jit(jax.vmap(lambda k: subset_posterior(structure, jnp.asarray(chosen), key=k)))(keys))
    times = np.random.default_rng(0).exponential(size=(400_000, 5)) / np.exp(RATES)
    with_the_set = times[(np.argsort(times)[:, :2].sum(axis=1) == 4) & (np.argsort(times)[:, :2].max(axis=1) == 3)]
    for ours, theirs in zip(np.exp(found).T, with_the_set.T, strict=True):
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-4


@pytest.mark.slow
def test_slopes_of_the_draws_average_to_the_slope_of_the_mean():
    """E[log E_k | X], whose slope is told by finite differences on the same noise and by the draws themselves."""
    chosen, step = jnp.array([1.0, 0.0, 1.0, 0.0, 0.0]), 1e-5
    with jax.enable_x64(True):
        towards = jnp.asarray(np.random.default_rng(3).normal(size=5))

        def times(shift, key):
            return subset_posterior(Subset(jnp.asarray(RATES) + shift * towards, 2), chosen, key=key)

        def both(key):
            ahead, behind = times(step, key), times(-step, key)
            return jax.jvp(lambda x: times(x, key), (0.0,), (1.0,))[1], (ahead - behind) / (2 * step)

        slopes, expected = jax.jit(jax.vmap(both))(jax.random.split(jax.random.key(5), 100))
    np.testing.assert_allclose(slopes, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_single_precision_over_sixty_orders_of_magnitude():
    rates = np.random.default_rng(4).uniform(-69, 69, 8).astype(np.float32)
    value, times, again = draws(rates, 3)
    assert np.isfinite(times).all()
    assert (value != again).any(axis=1).mean() < 1e-3

    def total(log_rates, key):
        structure = Subset(log_rates, 3)
        value = jax.lax.stop_gradient(structure.sample(key=key).value)
        return jnp.sum(subset_posterior(structure, value, key=key))

    slopes = jax.jit(jax.vmap(jax.grad(total), (None, 0)))(rates, jax.random.split(jax.random.key(0), 300))
    assert bool(jnp.all(jnp.isfinite(slopes)))


def test_items_that_are_not_there_never_arrive():
    log_rates, chosen = np.array([0.0, -np.inf, 1.0, 0.5], np.float32), np.array([1.0, 0.0, 1.0, 0.0], np.float32)
    posterior = jax.jit(lambda x, value, key: subset_posterior(Subset(x, 2), value, key=key))
    times = posterior(log_rates, chosen, jax.random.key(0))
    assert times[1] == np.inf and np.isfinite(np.asarray(times)[[0, 2, 3]]).all()


@pytest.mark.parametrize("k", [40, 100, 199])
def test_the_probability_of_a_large_set(k):
    with jax.enable_x64(True):
        value = np.asarray(np.arange(200) < k, np.float64)
        found = float(jax.jit(lambda x, value: subset_log_prob(Subset(x, k), value))(np.zeros(200), value))
    expected = special.gammaln(k + 1) + special.gammaln(201 - k) - special.gammaln(201)
    assert found == pytest.approx(float(expected), rel=1e-8)
