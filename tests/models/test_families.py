"""The conformance suite of observation families: a new family adds one line to FAMILIES."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from vestige.models.families import Bernoulli, Binomial, Categorical, Gamma, Gaussian, Poisson

FAMILIES = {
    "bernoulli": (Bernoulli(2), [0.4, -1.3], [(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)]),
    "poisson": (Poisson(2), [0.4, 1.3], [(a, b) for a in np.arange(30.0) for b in np.arange(30.0)]),
    "binomial": (Binomial(2, 4), [0.4, -1.3], [(a, b) for a in np.arange(5.0) for b in np.arange(5.0)]),
    "categorical": (Categorical(2), [0.4, -1.3], [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]),
    "gaussian": (Gaussian(2), [0.4, -1.3], None),
    "gamma": (Gamma(2), [1.4, 0.7, -2.0, -0.8], None),
}


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def expected(family, natural):
    """Means and variances, by scipy."""
    eta = np.asarray(natural)
    laws = {
        Bernoulli: lambda: scipy.stats.bernoulli(scipy.special.expit(eta)),
        Poisson: lambda: scipy.stats.poisson(np.exp(eta)),
        Binomial: lambda: scipy.stats.binom(4, scipy.special.expit(eta)),
        Gaussian: lambda: scipy.stats.norm(eta, 1.0),
        Gamma: lambda: scipy.stats.gamma(eta[:2] + 1, scale=-1 / eta[2:]),
    }
    return laws[type(family)]()


def test_probabilities_of_all_values_add_up_to_one(family, double):
    law, natural, values = family
    if values is None:
        pytest.skip("real values: see the comparison with scipy")
    logs = jax.jit(jax.vmap(lambda value: law.log_prob(jnp.asarray(natural), value)))(jnp.asarray(values))
    np.testing.assert_allclose(np.exp(np.asarray(logs)).sum(), 1.0, atol=1e-8)


def test_density_is_that_of_scipy(family, double):
    law, natural, _ = family
    if isinstance(law, Categorical):
        value, share = jnp.asarray([0.0, 1.0]), np.exp([0.0, *natural])
        np.testing.assert_allclose(law.log_prob(jnp.asarray(natural), value), np.log(share[2] / share.sum()))
        return
    reference = expected(law, natural)
    value = np.array([1.0, 0.0]) if isinstance(law, Bernoulli) else np.array([1.0, 2.0])
    log = reference.logpmf if hasattr(reference.dist, "pmf") else reference.logpdf
    np.testing.assert_allclose(law.log_prob(jnp.asarray(natural), jnp.asarray(value)), log(value).sum(), rtol=1e-10)


def test_mean_is_the_slope_of_the_log_partition(family, double):
    law, natural, _ = family
    eta = jnp.asarray(natural)
    slope = np.asarray(jax.jit(jax.grad(law.log_partition))(eta))[
        -law.size :
    ]  # of Gamma's two statistics the second is y
    np.testing.assert_allclose(law.mean(eta), slope, rtol=1e-10)


def test_draws_have_that_mean_and_the_law_of_the_family(family, key):
    law, natural, _ = family
    eta = jnp.asarray(natural)
    draws = np.asarray(jax.jit(jax.vmap(lambda k: law.draw(eta, key=k)))(jax.random.split(key, 20_000)))
    error = draws.std(axis=0) / np.sqrt(len(draws))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - np.asarray(law.mean(eta))), 4 * error)
    law.admit(draws, "draws")  # in the support, all of them
    if not isinstance(law, Categorical):
        spread = np.var(draws, axis=0)
        fourth = np.mean((draws - draws.mean(axis=0)) ** 4, axis=0)
        error = np.sqrt((fourth - spread**2) / len(draws))
        np.testing.assert_array_less(np.abs(spread - expected(law, natural).var()), 4 * error)


def test_large_counts_need_shorter_windows():
    with pytest.raises(ValueError, match="limit must be at most log 64"):
        Poisson(2, limit=5.0)
