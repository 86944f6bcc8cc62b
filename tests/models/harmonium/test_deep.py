"""A stack of harmoniums: its layers learn by themselves, and its bound is one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.models.harmonium.enumeration import states
from vestige.models.families import Bernoulli, Poisson
from vestige.models.harmonium import DeepHarmonium, ExactLikelihood


def stirred(key, family=None):
    model = drawn(
        lambda key: DeepHarmonium(family or Bernoulli(2), (2, 3), key=key),
        seed=int(jax.random.key_data(key)[-1]),
        scale=0.7,
    )
    return eqx.tree_at(lambda m: m.top.likelihood, model, ExactLikelihood())


STATE = jnp.asarray([0.2, 0.9, 0.5])


@pytest.mark.slow
def test_a_layer_learns_as_if_it_were_alone(key):
    """The gradient of the lowest is that of a static harmonium on the data; of the top, of one on the means below."""
    model, y = stirred(key, Poisson(2)), jnp.asarray([3.0, 1.0])
    found = jax.jit(jax.grad(lambda m: m.joint().contrast((STATE, y), sweeps=2, sampled=True, key=key)))(model)
    keys = jax.random.split(key, 2)
    lowest = jax.jit(jax.grad(lambda h: h.contrast(y, sweeps=2, sampled=True, key=keys[0])))(model.below[0])
    top = jax.jit(jax.grad(lambda m: m.joint().contrast((STATE, model.up(y)), sweeps=2, sampled=True, key=keys[1])))(
        model.top
    )
    for mine, theirs in ((found.below[0], lowest), (found.top, top)):
        for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_transition_clamps_the_state(key):
    model, y = stirred(key), jnp.asarray([1.0, 0.0])
    found = jax.jit(jax.grad(lambda m: m.given(STATE).contrast(y, sweeps=1, key=key)))(model)
    np.testing.assert_array_equal(found.top.state_bias, 0.0)


def test_bound_is_below_the_exact_probability_and_its_exponential_is_unbiased(key):
    """q(y | u) = sum_h q(y | h) q_top(h | u), by enumeration of h."""
    model = stirred(key)
    hidden = [jnp.asarray(h, jnp.float32) for h in states(2)]
    y = jnp.asarray([1.0, 0.0])
    layer = model.below[0]
    exact = sum(
        float(jnp.exp(model.families[0].log_prob(layer.natural(h), y) + model.top.log_predictive(STATE, h, key=key)))
        for h in hidden
    )
    logs = np.asarray(
        jax.jit(jax.vmap(lambda k: model.log_predictive(STATE, y, key=k)))(jax.random.split(key, 20_000)), np.float64
    )
    assert logs.mean() < np.log(exact)
    weights = np.exp(logs)
    assert abs(weights.mean() - exact) < 4 * weights.std() / np.sqrt(len(weights))


def test_up_and_down_go_through_all_layers(key):
    model = stirred(key, Poisson(2))
    y = jnp.asarray([3.0, 1.0])
    layer = model.below[0]
    np.testing.assert_allclose(model.up(y), jax.nn.sigmoid(layer.logits(y)))
    np.testing.assert_allclose(model.advance(STATE, y), model.top.advance(STATE, model.up(y)))
    means = model.top.reconstruct(STATE)
    np.testing.assert_allclose(model.reconstruct(STATE), layer.family.mean(layer.natural(means)))
    assert model.predict(STATE, key=key).shape == (2,)


def test_a_single_layer_is_refused(key):
    with pytest.raises(ValueError, match=r"widths must be two or more, each at least 1, got \(3,\)"):
        DeepHarmonium(Bernoulli(2), (3,), key=key)
