"""Every registered structure keeps its contract."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import parametrised
from vestige.structures import exact

DRAWS = 64


@pytest.fixture(**parametrised("structure"))
def spec(request):
    return type(request.param).examples()[0]


@pytest.fixture
def structure(spec):
    return spec.build(0.5 * jax.random.normal(jax.random.key(0), (spec.coordinates,)))


def test_sizes_are_as_specified(spec, structure):
    assert structure.log_rates.shape == spec.rates_shape
    draw = structure.sample(key=jax.random.key(1))
    assert draw.trace is not None and structure.value(draw.trace).shape == spec.value_shape


def test_probabilities_of_all_traces_sum_to_one(spec, structure):
    winners = exact.all_winners(structure)
    assert len(winners) >= spec.least_traces
    logs = jax.vmap(lambda w: structure.log_prob(structure.trace(w)))(jnp.asarray(winners))
    np.testing.assert_allclose(jnp.sum(jnp.exp(logs)), 1.0, rtol=1e-4)


def test_draws_have_the_probability_of_their_trace(structure):
    keys = jax.random.split(jax.random.key(2), DRAWS)
    draws = jax.vmap(lambda key: structure.sample(key=key))(keys)
    again = jax.vmap(structure.log_prob)(draws.trace)
    np.testing.assert_allclose(draws.log_prob, again, rtol=1e-5, atol=1e-6)
    values = jax.vmap(structure.value)(draws.trace)
    assert ((values == 0) | (values == 1)).all()
    slope = jax.grad(lambda rates: type(structure).log_prob(with_rates(structure, rates), one(draws.trace)))
    assert jnp.isfinite(slope(structure.log_rates)).any()


def one(trace):
    return jax.tree.map(lambda leaf: leaf[0], trace)


def with_rates(structure, rates):
    return structure.with_log_rates(rates)
