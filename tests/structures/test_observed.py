"""Observed values: their probability and their traces, against the listing of the plain-Python algorithm."""

import functools
import inspect
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import (
    Arborescence,
    Matching,
    Permutation,
    SpanningTree,
    arcs_of_heads,
    ranking_log_prob,
    structure_log_prob,
    trace_given_value,
)

from .cases import CASES, compiled, given_winners, listed, quick_first

SIZE = 4
DRAWS = 4000


@compiled
def scored(name, log_rates, values):
    return jax.vmap(lambda value: structure_log_prob(CASES[name].make(log_rates), value))(values)


@compiled
def traced(name, log_rates, value, keys):
    structure = CASES[name].make(log_rates)
    traces = jax.vmap(lambda key: trace_given_value(structure, value, key=key))(keys)
    return traces.winners, jax.vmap(structure.log_prob)(traces)


@functools.cache
def listing(name):
    """The rates; winners and log-probabilities of all traces; all values, and which of them each trace leads to."""
    rates = CASES[name].rates(SIZE, seed=4, dtype=np.float32)
    winners, log_probs = listed(name, SIZE, rates)
    values = np.asarray(given_winners(name, rates, winners)[1])
    flat, group = np.unique(values.reshape(len(values), -1), axis=0, return_inverse=True)
    return rates, winners, log_probs, flat.reshape(-1, *values.shape[1:]), group.ravel()


@quick_first
@pytest.mark.few(1)
def test_values_have_the_probability_of_their_traces(name):
    rates, _, log_probs, values, group = listing(name)
    np.testing.assert_allclose(np.exp(scored(name, rates, values)), np.bincount(group, np.exp(log_probs)), rtol=1e-4)
    wrong = values.copy()
    wrong[0] = 1
    wrong[1] = 0
    wrong[2] *= 0.5
    np.testing.assert_array_equal(scored(name, rates, wrong)[:3], -np.inf)


@quick_first
@pytest.mark.slow
def test_traces_come_as_often_as_they_should(name):
    """Those of the value with most traces."""
    rates, winners, log_probs, values, group = listing(name)
    likely = np.bincount(group).argmax()
    found, found_log_probs = map(
        np.asarray, traced(name, rates, values[likely], jax.random.split(jax.random.key(0), DRAWS))
    )
    inside = group == likely
    probs = np.exp(log_probs[inside]) / np.exp(log_probs[inside]).sum()
    rows = {row.tobytes(): place for place, row in enumerate(winners[inside])}
    counts = np.bincount([rows[row.tobytes()] for row in found], minlength=len(rows))
    assert (np.abs(counts / DRAWS - probs) <= 4.5 * np.sqrt(probs * (1 - probs) / DRAWS) + 1e-6).all()
    place = [rows[row.tobytes()] for row in found[:20]]
    np.testing.assert_allclose(found_log_probs[:20], log_probs[inside][place], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spanning tree", "matching", "binary tree", "permutation", "choices", "subset"])
def test_masked_values_are_those_of_the_smaller_structure(name):
    rates, mask = CASES[name].rates(5, seed=4, dtype=np.float32), np.array([True, True, False, True, True])
    small = rates[CASES[name].among(np.flatnonzero(mask))]
    make = functools.partial(CASES[name].make, mask=jnp.asarray(mask))

    @jax.jit
    def run(rates, small, keys):
        def one(key):
            value = make(rates).sample(key=key).value
            trace = trace_given_value(make(rates), value, key=key)
            part = value[:4] if name == "permutation" else value[mask]
            part = part if name in ("choices", "subset") else part[:, mask]
            inner = structure_log_prob(CASES[name].make(small), part)
            return structure_log_prob(make(rates), value), inner, jnp.all(make(rates).value(trace) == value)

        return jax.vmap(one)(keys)

    outer, inner, same = run(rates, small, jax.random.split(jax.random.key(0), 50))
    np.testing.assert_allclose(outer, inner, rtol=1e-4, atol=1e-5)
    assert same.all()


@pytest.mark.parametrize("kind", ["spanning tree", pytest.param("matching", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_all_orders_of_a_larger_one(kind):
    """Six nodes or five rows, summed over 120 orders; the slope is the mean score."""
    n = 6 if kind == "spanning tree" else 5
    make = SpanningTree if kind == "spanning tree" else Matching
    rates = jnp.asarray(CASES[kind].rates(n, seed=7), jnp.float32)

    @jax.jit
    def run(rates):
        value = make(rates).mode().value
        winners = make(rates).mode().trace.winners[jnp.array(list(itertools.permutations(range(5))))]
        by_orders = lambda x: jax.nn.logsumexp(jax.vmap(lambda row: make(x).log_prob(make(x).trace(row)))(winners))
        return jax.value_and_grad(by_orders)(rates), jax.value_and_grad(lambda x: structure_log_prob(make(x), value))(
            rates
        )

    expected, found = run(rates)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-5)


@pytest.mark.slow
def test_an_array_that_is_no_value():
    tree = SpanningTree(jnp.zeros((3, 3)))
    found = jax.jit(lambda value, key: tree.log_prob(trace_given_value(tree, value, key=key)))
    assert found(jnp.ones((3, 3)), jax.random.key(0)) == -jnp.inf
    with pytest.raises(ValueError, match="SpanningTree: the array is no value of this structure"):
        trace_given_value(tree, jnp.ones((3, 3)), key=jax.random.key(0))


@functools.cache
def rankings():
    """All orders of five items, their probabilities, and the program."""
    rates = np.random.default_rng(0).normal(size=5)
    orders = np.array(list(itertools.permutations(range(5))))
    remaining = np.exp(rates)[orders][:, ::-1].cumsum(axis=1)[:, ::-1]
    probs = np.prod(np.exp(rates)[orders] / remaining, axis=1)
    run = jax.jit(
        lambda ranking, first: ranking_log_prob(Permutation(jnp.asarray(rates, jnp.float32)), ranking, first=first),
        static_argnums=1,
    )
    return orders, probs, run


@pytest.mark.parametrize("ranking", [(3, 1, -1, -1, -1), (4, 0, 2, -1, -1), (0, 1, 2, 3, 4), (-1, -1, -1, -1, -1)])
def test_partial_rankings_are_sums_over_orders(ranking):
    orders, probs, run = rankings()
    items = [item for item in ranking if item >= 0]
    place = np.argsort(orders, axis=1)
    fits = np.all(np.diff(place[:, items], axis=1) > 0, axis=1)
    best = fits & np.all(orders[:, : len(items)] == items, axis=1)
    given = jnp.array(ranking, jnp.int32)
    np.testing.assert_allclose(np.exp(run(given, True)), probs[best].sum(), rtol=1e-5)
    np.testing.assert_allclose(np.exp(run(given, False)), probs[fits].sum(), rtol=1e-5)


def test_rankings_that_cannot_be():
    _, _, run = rankings()
    assert run(jnp.array([3, 3, -1, -1, -1], jnp.int32), True) == -jnp.inf
    with pytest.raises(TypeError, match="must hold items, integers"):
        inspect.unwrap(ranking_log_prob)(Permutation(jnp.zeros(3)), jnp.zeros(2))


def test_gold_heads():
    value = arcs_of_heads(jnp.array([-1, 0, 1, 1], jnp.int32))
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 2] = expected[1, 3] = 1
    np.testing.assert_array_equal(value, expected)
    tree = Arborescence(jnp.zeros((4, 4)))
    assert jax.jit(lambda value: structure_log_prob(tree, value))(value) > -jnp.inf
