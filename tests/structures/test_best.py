"""The most probable values against all values sorted."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import (
    BinaryTree,
    Categorical,
    Permutation,
    SpanningTree,
    Subset,
    best_values,
    enumerate_values,
    structure_log_prob,
)

from .cases import CASES, compiled, quick_first

SIZE = 4


@compiled
def best(name, log_rates):
    structure = CASES[name].make(log_rates)
    found = best_values(structure, 5)
    again = jax.vmap(lambda value: structure_log_prob(structure, value))(found.values)
    return found, enumerate_values(structure), again


@quick_first
@pytest.mark.few(1)
def test_they_are_the_first_of_all_values_sorted(name):
    found, every, again = jax.device_get(best(name, CASES[name].rates(SIZE, seed=4, dtype=np.float32)))
    expected = np.sort(np.append(every.log_probs, np.full(5, -np.inf)))[::-1][:5]
    there = expected > -np.inf  # a category has but four values
    np.testing.assert_allclose(found.log_probs[there], expected[there], rtol=1e-4, atol=1e-5)
    assert (found.log_probs[~there] == -np.inf).all()
    np.testing.assert_allclose(again[there], found.log_probs[there], rtol=1e-4, atol=1e-5)
    flat = found.values[there].reshape(there.sum(), -1)
    assert len(np.unique(flat, axis=0)) == there.sum()


@pytest.mark.slow
def test_a_hundred_sets_and_orders():
    rates = np.random.default_rng(2).normal(size=7).astype(np.float32)
    run = lambda structure: best_values(structure, 100)
    found = jax.device_get(jax.jit(run)(Permutation(jnp.asarray(rates))))
    orders = np.array(list(itertools.permutations(range(7))))
    weights = np.exp(rates.astype(np.float64))[orders]
    log_probs = np.sort(np.log(weights / weights[:, ::-1].cumsum(1)[:, ::-1]).sum(1))[::-1]
    np.testing.assert_allclose(found.log_probs, log_probs[:100], rtol=1e-4)
    subset = Subset(jnp.asarray(np.random.default_rng(3).normal(size=10), jnp.float32), 5)
    found, every = jax.device_get(jax.jit(lambda one: (run(one), enumerate_values(one)))(subset))
    np.testing.assert_allclose(found.log_probs, np.sort(every.log_probs)[::-1][:100], rtol=1e-4)
    assert len(np.unique(found.values, axis=0)) == 100


@pytest.mark.slow
def test_the_best_binary_tree_of_any_size():
    """It is the best of all, with a mask in the middle as well, and is not the one at the mean times."""
    rates = np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32)
    masks = np.ones((40, 5), bool)
    masks[::4, 2] = False
    masks[1] = False

    @jax.jit
    def run(rates, masks):
        def one(rates, mask):
            tree = BinaryTree(rates, mask=mask)
            return best_values(tree, 1), best_values(tree, 2), tree.mode().value

        return jax.vmap(one)(rates, masks)

    found, expected, mode = jax.device_get(run(rates, masks))
    np.testing.assert_allclose(found.log_probs[:, 0], expected.log_probs[:, 0], atol=1e-5)
    np.testing.assert_array_equal(found.values[:, 0], expected.values[:, 0])
    assert (mode != found.values[:, 0]).any()
    assert (found.values[1] == 0).all() and found.log_probs[1] == 0


def test_equal_rates_give_each_once():
    found = jax.device_get(jax.jit(lambda one: best_values(one, 7))(Permutation(jnp.zeros(3))))
    assert len(np.unique(found.values[:6].reshape(6, -1), axis=0)) == 6
    np.testing.assert_allclose(np.exp(found.log_probs), [1 / 6] * 6 + [0], rtol=1e-5)


def test_what_is_refused():
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        best_values(Categorical(jnp.zeros(3)), 0)
    with pytest.raises(ValueError, match="a Permutation with a mask"):
        best_values(Permutation(jnp.zeros(3), mask=jnp.ones(3, bool)), 2)


@pytest.mark.slow
def test_large_trees_are_refused():
    with pytest.raises(ValueError, match=r"SpanningTree .* more than 200,000"):
        best_values(SpanningTree(jnp.zeros((9, 9))), 2)
