"""A net of bits has no likelihood of anything else, whatever the estimate."""

import functools
from operator import attrgetter, itemgetter

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


def weighed(net, x):
    return importance_log_likelihood(net, x, samples=8, key=KEY)


def annealed(net, x):
    return annealed_log_likelihood(net, x, temperatures=2, chains=4, key=KEY)


def in_reverse(net, x):
    return reverse_log_likelihood(net, (x, *map(jnp.asarray, HIDDEN)), temperatures=2, chains=4, key=KEY)


def itself(found):
    return found


LOGS = {
    "importance": (weighed, attrgetter("log_mean")),
    "bound": (weighed, attrgetter("mean_log")),
    "annealed": (annealed, attrgetter("log_mean")),
    "reverse": (in_reverse, attrgetter("log_mean")),
    "exact": (lambda net, x: exact_log_likelihood(net, x[None]), itemgetter(0)),
    "half": (half_log_likelihood, itself),
    "half bound": (lambda net, x: half_bound(net, x, samples=8, key=KEY), itself),
}
OTHERS = {
    "gaps": (lambda net, x: gaps(net, x, samples=8, key=KEY), itself),
    "exact gaps": (lambda net, x: exact_gaps(net, x[None]), itself),
    "posterior": (log_posterior, itself),
    "ess": (weighed, attrgetter("ess")),
    "error": (weighed, attrgetter("error")),
}


@pytest.fixture
def net():
    return TINY.pair().resolve()


@pytest.mark.parametrize("name", [*LOGS, *OTHERS])
def test_grey_and_real_data_are_refused(name, net):
    measure, _ = (LOGS | OTHERS)[name]
    for value in (0.5, 7.0, np.nan):
        with pytest.raises(ValueError, match="data must be bits, 0 or 1; .* the net has no likelihood"):
            measure(net, jnp.asarray([1.0, value]))


compiled = functools.cache(jax.jit)


@pytest.mark.parametrize(("measure", "part"), LOGS.values(), ids=LOGS)
@pytest.mark.few(3)
def test_in_a_compiled_program_they_are_impossible(measure, part, net):
    log = lambda *x: part(compiled(measure)(net, jnp.asarray(x)))
    assert np.isfinite(log(1.0, 0.0))
    assert log(1.0, 0.5) == -np.inf
    assert log(1.0, 7.0) == -np.inf
    assert np.isnan(log(1.0, np.nan))


@pytest.mark.parametrize(("measure", "part"), OTHERS.values(), ids=OTHERS)
def test_in_a_compiled_program_what_is_made_of_them_is_nan(measure, part, net):
    found = lambda *x: np.asarray(part(compiled(measure)(net, jnp.asarray(x))))
    assert np.all(np.isfinite(found(1.0, 0.0)))
    assert np.all(np.isnan(found(1.0, 0.5)))


def test_classes_of_grey_data(key):
    net = tied_pair([Bits(2), Bits(3), OneHot(3)], key=key).resolve()
    classes = lambda x: class_log_likelihoods(net, x, samples=8, key=key)
    with pytest.raises(ValueError, match="class_log_likelihoods: data must be bits"):
        classes(jnp.asarray([1.0, 0.5]))
    assert np.all(np.asarray(jax.jit(classes)(jnp.asarray([1.0, 0.5]))) == -np.inf)
