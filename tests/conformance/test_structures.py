"""Every registered structure keeps its contract, at the size of its first example. One program a structure."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.registries import registry
from vestige.structures import exact

DRAWS = 64
EXAMPLES = {name: type(spec).examples()[0] for name, spec in registry("structure").items()}


def built(spec, coordinates=None):
    return spec.build(jnp.zeros(spec.coordinates) if coordinates is None else coordinates)


@eqx.filter_jit
def looked_at(spec, winners):
    """Some draws, and all traces there are."""
    structure = built(spec, 0.5 * jax.random.normal(jax.random.key(0), (spec.coordinates,)))
    draws = jax.vmap(lambda key: structure.sample(key=key))(jax.random.split(jax.random.key(2), DRAWS))

    def log_prob(rates, trace):
        return structure.with_log_rates(rates).log_prob(trace)

    slope = jax.grad(log_prob)(structure.log_rates, jax.tree.map(lambda leaf: leaf[0], draws.trace))
    return {
        "log_rates": structure.log_rates,
        "log_prob": draws.log_prob,
        "log_prob again": jax.vmap(structure.log_prob)(draws.trace),
        "values": jax.vmap(structure.value)(draws.trace),
        "slope": slope,
        "all log_probs": jax.vmap(lambda row: structure.log_prob(structure.trace(row)))(winners),
    }


@functools.cache
def facts(name):
    """On the host."""
    spec = EXAMPLES[name]
    return jax.device_get(looked_at(spec, jnp.asarray(exact.all_winners(built(spec)))))


@pytest.fixture(params=EXAMPLES)
def name(request):
    return request.param


@pytest.mark.few(4)
def test_sizes_are_as_specified(name):
    spec, found = EXAMPLES[name], facts(name)
    assert found["log_rates"].shape == spec.rates_shape
    assert found["values"].shape == (DRAWS, *spec.value_shape)


def test_probabilities_of_all_traces_sum_to_one(name):
    logs = facts(name)["all log_probs"]
    assert len(logs) >= EXAMPLES[name].least_traces
    np.testing.assert_allclose(np.exp(logs).sum(), 1.0, rtol=1e-4)


def test_draws_have_the_probability_of_their_trace(name):
    found = facts(name)
    np.testing.assert_allclose(found["log_prob"], found["log_prob again"], rtol=1e-5, atol=1e-6)
    assert np.isin(found["values"], (0, 1)).all()
    assert np.isfinite(found["slope"]).any()
