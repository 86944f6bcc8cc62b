"""The score function step by step against the enumeration of a chain of two draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import NoBaseline, expect_steps

COST_1 = jnp.array([1.0, -0.5, 0.3])
COST_2 = jnp.array([[0.2, 1.4, -1.0], [2.0, 0.1, 0.5], [-0.7, 0.9, 0.0]])
START = (
    jnp.array([0.3, -0.2, 0.6]),
    jnp.array([[0.1, 0.8, -0.3], [-0.5, 0.2, 0.4], [0.9, 0.0, -0.6]]),
    jnp.array(0.7),
)


def exact(parameters):
    """E[w c_1(x) + w² c_2(x, y)], x drawn from the first logits, y from a row of the second that x names."""
    first, second, weight = parameters
    p, q = jax.nn.softmax(first), jax.nn.softmax(second, axis=1)
    return jnp.sum(p * weight * COST_1) + jnp.sum(p[:, None] * q * weight**2 * COST_2)


def estimate(parameters, key, baseline, draws=3):
    def one(key):
        key_first, key_second = jax.random.split(key)
        first, second, weight = parameters
        x = jax.random.categorical(key_first, jax.lax.stop_gradient(first))
        y = jax.random.categorical(key_second, jax.lax.stop_gradient(second[x]))
        log_probs = jax.nn.log_softmax(first)[x], jax.nn.log_softmax(second[x])[y]
        return jnp.stack([weight * COST_1[x], weight**2 * COST_2[x, y]]), jnp.stack(log_probs)

    costs, log_probs = jax.vmap(one)(jax.random.split(key, draws))
    return expect_steps(costs, log_probs, baseline=baseline)


@pytest.mark.parametrize("baseline", [None, NoBaseline()])
def test_value_and_gradient_are_those_of_the_enumeration(baseline):
    keys = jax.random.split(jax.random.key(0), 20_000)
    many = jax.jit(jax.vmap(jax.value_and_grad(lambda p, key: estimate(p, key, baseline)), in_axes=(None, 0)))
    for got, wanted in zip(
        jax.tree.leaves(many(START, keys)), jax.tree.leaves(jax.value_and_grad(exact)(START)), strict=True
    ):
        got = np.asarray(got, np.float64).reshape(len(keys), -1)
        errors = np.std(got, axis=0) / np.sqrt(len(keys))
        assert np.all(np.abs(np.mean(got, axis=0) - np.ravel(wanted)) < 4 * errors)


def test_a_draw_is_not_weighed_by_what_was_before_it():
    """Two draws that differ in the first cost alone: the second step has nothing to learn."""
    costs = jnp.array([[1.0, 2.0], [5.0, 2.0]])
    slopes = jax.grad(lambda log_probs: expect_steps(costs, log_probs))(jnp.zeros((2, 2)))
    np.testing.assert_allclose(slopes, [[-2.0, 0.0], [2.0, 0.0]])


@pytest.mark.parametrize(("costs", "log_probs"), [((3,), (3,)), ((3, 2), (3, 1))])
def test_shapes_are_named(costs, log_probs):
    with pytest.raises(ValueError, match=r"must both be \(draws, steps\), got"):
        expect_steps(jnp.zeros(costs), jnp.zeros(log_probs))


def test_one_draw_has_no_others():
    with pytest.raises(ValueError, match="at least 2 draws, got 1"):
        expect_steps(jnp.zeros((1, 2)), jnp.zeros((1, 2)))
