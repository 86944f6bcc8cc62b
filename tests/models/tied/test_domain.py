"""A net of bits has no likelihood of anything else, whatever the estimate."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.tied.oracle import TINY
from vestige.models.tied import (
    Bits,
    OneHot,
    annealed_log_likelihood,
    class_log_likelihoods,
    exact_gaps,
    exact_log_likelihood,
    gaps,
    half_bound,
    half_log_likelihood,
    importance_log_likelihood,
    log_posterior,
    reverse_log_likelihood,
    tied_pair,
)

KEY = jax.random.key(0)
HIDDEN = (np.ones(2), np.ones(1))
LOGS = {
    "importance": lambda net, x: importance_log_likelihood(net, x, samples=8, key=KEY).log_mean,
    "bound": lambda net, x: importance_log_likelihood(net, x, samples=8, key=KEY).mean_log,
    "annealed": lambda net, x: annealed_log_likelihood(net, x, temperatures=2, chains=4, key=KEY).log_mean,
    "reverse": lambda net, x: (
        reverse_log_likelihood(net, (x, *map(jnp.asarray, HIDDEN)), temperatures=2, chains=4, key=KEY).log_mean
    ),
    "exact": lambda net, x: exact_log_likelihood(net, x[None])[0],
    "half": half_log_likelihood,
    "half bound": lambda net, x: half_bound(net, x, samples=8, key=KEY),
}
OTHERS = {
    "gaps": lambda net, x: gaps(net, x, samples=8, key=KEY),
    "exact gaps": lambda net, x: exact_gaps(net, x[None]),
    "posterior": log_posterior,
    "ess": lambda net, x: importance_log_likelihood(net, x, samples=8, key=KEY).ess,
    "error": lambda net, x: importance_log_likelihood(net, x, samples=8, key=KEY).error,
}


@pytest.fixture
def net():
    return TINY.pair().resolve()


@functools.cache
def compiled(name):
    return jax.jit(LOGS.get(name) or OTHERS[name])


@pytest.mark.parametrize("name", [*LOGS, *OTHERS])
def test_grey_and_real_data_are_refused(name, net):
    measure = (LOGS | OTHERS)[name]
    for value in (0.5, 7.0, np.nan):
        with pytest.raises(ValueError, match="data must be bits, 0 or 1; .* the net has no likelihood"):
            measure(net, jnp.asarray([1.0, value]))


@pytest.mark.parametrize("name", LOGS)
def test_in_a_compiled_program_they_are_impossible(name, net):
    log = compiled(name)
    assert np.isfinite(log(net, jnp.asarray([1.0, 0.0])))
    assert log(net, jnp.asarray([1.0, 0.5])) == -np.inf
    assert log(net, jnp.asarray([1.0, 7.0])) == -np.inf
    assert np.isnan(log(net, jnp.asarray([1.0, np.nan])))


@pytest.mark.parametrize("name", OTHERS)
def test_in_a_compiled_program_what_is_made_of_them_is_nan(name, net):
    found = compiled(name)
    assert np.all(np.isfinite(np.asarray(found(net, jnp.asarray([1.0, 0.0])))))
    assert np.all(np.isnan(np.asarray(found(net, jnp.asarray([1.0, 0.5])))))


def test_classes_of_grey_data(key):
    net = tied_pair([Bits(2), Bits(3), OneHot(3)], key=key).resolve()
    classes = lambda x: class_log_likelihoods(net, x, samples=8, key=key)
    with pytest.raises(ValueError, match="class_log_likelihoods: data must be bits"):
        classes(jnp.asarray([1.0, 0.5]))
    assert np.all(np.asarray(jax.jit(classes)(jnp.asarray([1.0, 0.5]))) == -np.inf)
