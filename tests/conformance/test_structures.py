"""Every registered structure keeps its contract, at the size of its first example. One program a structure."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.registries import registry
from vestige.structures import (
    best_values,
    entropy,
    exact,
    kl,
    kl_estimate,
    marginals,
    structure_log_prob,
    trace_given_value,
)

DRAWS = 64
EXAMPLES = {
    f"{name}, example {place}" if place else name: example
    for name, spec in registry("structure").items()
    for place, example in enumerate(type(spec).examples())
}


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


@pytest.mark.few(2)
def test_sizes_are_as_specified(name):
    spec, found = EXAMPLES[name], facts(name)
    assert found["log_rates"].shape == spec.rates_shape
    assert found["values"].shape == (DRAWS, *spec.value_shape)


@pytest.mark.few(3)
def test_probabilities_of_all_traces_sum_to_one(name):
    logs = facts(name)["all log_probs"]
    assert len(logs) >= EXAMPLES[name].least_traces
    np.testing.assert_allclose(np.exp(logs).sum(), 1.0, rtol=1e-4)


@pytest.mark.few(3)
def test_draws_have_the_probability_of_their_trace(name):
    found = facts(name)
    np.testing.assert_allclose(found["log_prob"], found["log_prob again"], rtol=1e-5, atol=1e-6)
    assert np.isin(found["values"], (0, 1)).all()
    assert np.isfinite(found["slope"]).any()


@eqx.filter_jit
def levels(spec):
    """Divergence from and entropy at each level, and what comes of a drawn value."""
    points = 0.5 * jax.random.normal(jax.random.key(0), (2, spec.coordinates))
    q, p = built(spec, points[0]), built(spec, points[1])
    value = q.sample(key=jax.random.key(1)).value
    trace = trace_given_value(q, value, key=jax.random.key(2))
    return {
        "kl": [kl(q, p, level=level) for level in ("value", "trace", "times")],
        "of itself": [kl(q, q, level=level) for level in ("value", "trace", "times")],
        "entropy": [entropy(q, level=level) for level in ("value", "trace")],
        "estimate": kl_estimate(q, p, draws=4, key=jax.random.key(3)),
        "value": value,
        "of its trace": q.value(trace),
        "log_probs": (structure_log_prob(q, value), q.log_prob(trace)),
        "marginals": marginals(q),
        "best": best_values(q, 1),
    }


@pytest.mark.slow
def test_levels_are_in_order_and_values_lead_to_traces_and_back(name):
    found = jax.device_get(levels(EXAMPLES[name]))
    value, trace, times = found["kl"]
    assert -1e-6 <= value <= trace + 1e-6 and trace <= times + 1e-6
    np.testing.assert_allclose(found["of itself"], 0, atol=1e-5)
    assert found["entropy"][0] <= found["entropy"][1] + 1e-5 and found["estimate"] > -1e-5
    np.testing.assert_array_equal(found["of its trace"], found["value"])
    assert found["log_probs"][1] <= found["log_probs"][0] + 1e-5  # one of the traces that lead to the value
    assert found["marginals"].shape == found["value"].shape and (found["marginals"] < 1 + 1e-5).all()
    assert found["best"].log_probs[0] >= found["log_probs"][0] - 1e-5
