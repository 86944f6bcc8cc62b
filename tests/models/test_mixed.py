"""Values of several kinds side by side: the law is the product, and what is missing is integrated out."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.families import Bernoulli, Binomial, Categorical, Gaussian, Mixed, StudentT

LAW = Mixed([Bernoulli(2), Categorical(2)])
AT = jnp.array([0.4, -0.8, 0.7, -1.3])
BITS = list(itertools.product((0.0, 1.0), repeat=2))
CLASSES = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
log_prob = jax.jit(LAW.log_prob)


def test_probabilities_of_all_values_add_up_to_one():
    total = sum(np.exp(log_prob(AT, jnp.array([*b, *c]))) for b in BITS for c in CLASSES)
    np.testing.assert_allclose(total, 1.0, rtol=1e-5)


def test_what_is_missing_is_summed_out():
    seen = jnp.array([jnp.nan, 1.0, jnp.nan, jnp.nan])
    total = sum(np.exp(log_prob(AT, jnp.array([b, 1.0, *c]))) for b in (0.0, 1.0) for c in CLASSES)
    np.testing.assert_allclose(np.exp(log_prob(AT, seen)), total, rtol=1e-5)
    assert log_prob(AT, jnp.full(4, jnp.nan)) == 0
    slope = jax.grad(LAW.log_density)(AT, seen)
    assert slope[1] != 0 and not np.any(np.asarray(slope)[[0, 2, 3]])


def test_means_and_draws_are_those_of_the_parts(key):
    np.testing.assert_allclose(
        LAW.mean(AT), jnp.concatenate([Bernoulli(2).mean(AT[:2]), Categorical(2).mean(AT[2:])]), rtol=1e-6
    )
    draws = np.asarray(jax.jit(jax.vmap(lambda k: LAW.draw(AT, key=k)))(jax.random.split(key, 4000)))
    LAW.admit(draws, "draws")
    np.testing.assert_allclose(draws.mean(axis=0), LAW.mean(AT), atol=4 * 0.5 / np.sqrt(4000))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.5, 1, 0, 0], "Bernoulli, values 0 to 1: expected that bits are 0 or 1, got 0.5"),
        ([0, 1, 1, 1], "Categorical, values 2 to 3: expected that a step holds at most one 1"),
        ([0, 1, np.nan, 1], "classes are missing as a whole"),
    ],
)
def test_what_is_no_value_is_refused(row, message):
    with pytest.raises(ValueError, match=message):
        LAW.admit(np.array([row], np.float32), "test")
    with pytest.raises(ValueError, match=message):
        LAW.log_prob(AT, jnp.array(row))
    assert log_prob(AT, jnp.array(row, jnp.float32)) == -np.inf


def test_parts_must_be_independent_or_classes():
    with pytest.raises(ValueError, match="those of Binomial are neither"):
        Mixed([Binomial(2, 3)])
    with pytest.raises(ValueError, match="at least one part"):
        Mixed([])
    assert Mixed([StudentT(1), Gaussian(2)]).num_parameters == 7
