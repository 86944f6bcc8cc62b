"""Values of which a part is known, against sums over all values and all orders."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import (
    Arborescence,
    Batch,
    Categorical,
    Choices,
    Permutation,
    SpanningTree,
    Subset,
    parts_log_prob,
    trace_given_parts,
)

from .cases import CASES, given_winners, listed

N, K, DRAWS = 6, 3, 4000
RATES = np.random.default_rng(0).normal(size=N).astype(np.float32)
KEY = jax.random.key(2)


@functools.cache
def sets():
    """Every set and its probability, in float64."""
    rates, found = np.exp(RATES.astype(np.float64)), {}
    for order in itertools.permutations(range(N), K):
        left, p = rates.sum(), 1.0
        for item in order:
            p, left = p * rates[item] / left, left - rates[item]
        found[frozenset(order)] = found.get(frozenset(order), 0.0) + p
    return found


EVIDENCE = [
    ([], []),
    ([1], []),
    ([], [4]),
    ([0, 2], [5]),
    ([0, 1, 2], []),
    ([], [0, 1, 2]),
    ([3], [3]),
    ([0, 1, 2, 3], []),
]


def marks(items):
    return np.isin(np.arange(N), items)


@jax.jit
def of_sets(rates, present, absent):
    one = lambda rates, p, a: parts_log_prob(Subset(rates, K), present=p, absent=a)
    return jax.vmap(jax.value_and_grad(one), (None, 0, 0))(rates, present, absent)


def test_sets_of_which_some_is_known():
    present, absent = (np.stack([marks(pair[side]) for pair in EVIDENCE]) for side in (0, 1))
    found, slopes = jax.device_get(of_sets(RATES, present, absent))
    for row, (inside, outside) in enumerate(EVIDENCE):
        total = sum(p for members, p in sets().items() if set(inside) <= members and not set(outside) & members)
        np.testing.assert_allclose(found[row], np.log(total) if total else -np.inf, atol=2e-5)
    assert np.isfinite(slopes).all()
    np.testing.assert_allclose(slopes.sum(axis=1), 0, atol=1e-4)  # a common factor of the rates changes nothing
    up = jax.device_get(of_sets(RATES + 0.02 * marks([0]), present, absent))[0]
    down = jax.device_get(of_sets(RATES - 0.02 * marks([0]), present, absent))[0]
    np.testing.assert_allclose(slopes[1:6, 0], (up[1:6] - down[1:6]) / 0.04, atol=5e-3)


@pytest.mark.slow
def test_draws_of_sets_of_which_some_is_known():
    inside, outside = [1], [0]

    @jax.jit
    def run(keys):
        one = Subset(jnp.asarray(RATES), K)

        def draw(key):
            trace = trace_given_parts(
                one, present=jnp.asarray(marks(inside)), absent=jnp.asarray(marks(outside)), key=key
            )
            times = one.posterior(trace, key=key)
            return one.value(trace), trace.winners, one.value(one.run(times))

        return jax.vmap(draw)(keys)

    values, winners, again = jax.device_get(run(jax.random.split(KEY, DRAWS)))
    np.testing.assert_array_equal(values, again)
    law = {m: p for m, p in sets().items() if set(inside) <= m and not set(outside) & m}
    total = sum(law.values())
    for members, p in law.items():
        often = np.mean([set(np.flatnonzero(value)) == members for value in values])
        assert abs(often - p / total) < 4 * np.sqrt(p / total / DRAWS)
    rates = np.exp(RATES.astype(np.float64))
    first = 0.0  # that item 1 comes first and item 0 not at all
    for order in itertools.permutations(range(N), K):
        left, p = rates.sum(), 1.0
        for item in order:
            p, left = p * rates[item] / left, left - rates[item]
        first += p * (order[0] == 1 and 0 not in order)
    assert abs(np.mean(winners[:, 0] == 1) - first / total) < 4 * np.sqrt(0.25 / DRAWS)


@pytest.mark.slow
def test_large_sets_follow_the_chain_rule():
    """P(a) P(b | a) by marginals of pairs; sizes of their own; a row of padding."""
    rates = jnp.asarray(np.random.default_rng(3).normal(size=40), jnp.float32)
    counts = jnp.array([0, 1, 7, 7])
    masks = jnp.ones((4, 40), bool).at[3].set(False)

    @jax.jit
    def run(rates):
        batch = Batch.of(Subset, jnp.broadcast_to(rates, (4, 40)), counts, max_k=7, mask=masks)
        zero, two = jnp.zeros(40, bool), jnp.zeros(40, bool).at[jnp.array([3, 5])].set(True)
        nothing = batch.map(lambda one: parts_log_prob(one))
        both = batch.map(lambda one: parts_log_prob(one, present=two))
        neither = batch.map(lambda one: parts_log_prob(one, present=zero, absent=two))
        drawn = batch.map(lambda one, key: one.value(trace_given_parts(one, absent=two, key=key)), key=KEY)
        from vestige.structures import pair_marginals

        return nothing, both, neither, drawn, pair_marginals(Subset(rates, 7))

    nothing, both, neither, drawn, pairs = jax.device_get(run(rates))
    np.testing.assert_allclose(nothing, 0, atol=1e-4)
    np.testing.assert_allclose(both, [-np.inf, -np.inf, np.log(pairs[3, 5]), -np.inf], rtol=1e-3)
    np.testing.assert_allclose(np.exp(neither[2]), 1 - pairs[3, 3] - pairs[5, 5] + pairs[3, 5], rtol=1e-3)
    assert neither[0] == 0 and neither[3] == 0
    assert drawn.sum(axis=1).tolist() == [0, 1, 7, 0] and not drawn[:, [3, 5]].any()


def place(rows, n):
    found = np.zeros((n, n), bool)
    for row, item in enumerate(rows):
        found[row, item] = True
    return found


def test_orders_of_which_the_first_places_are_known():
    rates = np.exp(RATES.astype(np.float64))
    one = Permutation(jnp.asarray(RATES))

    @jax.jit
    def run(present, keys):
        draw = lambda key: trace_given_parts(one, present=present, key=key).winners
        return parts_log_prob(one, present=present), jax.vmap(draw)(keys)

    found, winners = jax.device_get(run(place([4, 1], N), jax.random.split(KEY, DRAWS)))
    np.testing.assert_allclose(np.exp(found), rates[4] / rates.sum() * rates[1] / (rates.sum() - rates[4]), rtol=1e-5)
    assert (winners[:, :2] == [4, 1]).all() and (np.sort(winners, axis=1) == np.arange(N)).all()
    share = rates[0] / (rates.sum() - rates[4] - rates[1])
    assert abs(np.mean(winners[:, 2] == 0) - share) < 4 * np.sqrt(share / DRAWS)
    assert np.isnan(run(place([4, 1], N)[::-1], jax.random.split(KEY, DRAWS))[0])  # the last places


@pytest.mark.slow
@pytest.mark.parametrize("name", ["categorical", "choices", "permutation", "spanning tree", "arborescence", "matching"])
def test_small_ones_are_as_listed(name):
    n = 4
    rates = CASES[name].rates(n, seed=5, dtype=np.float32)
    winners, log_probs = listed(name, n, rates)
    values = np.asarray(given_winners(name, rates, winners)[1]) > 0
    present, absent = np.zeros(values.shape[1:], bool), np.zeros(values.shape[1:], bool)
    flat = values.reshape(len(values), -1).mean(axis=0)
    likely = [place for place in np.argsort(-flat) if flat[place] < 1]
    present.ravel()[likely[0]] = True
    if name == "spanning tree":
        present = present | present.T
    free = [place for place in likely if not present.ravel()[place]]
    absent.ravel()[free[1]] = True
    agree = (values | ~present).reshape(len(values), -1).all(1) & ~(values & absent).reshape(len(values), -1).any(1)
    make = CASES[name].make

    @jax.jit
    def run(rates, keys):
        one = make(rates)
        draw = lambda key: one.value(trace_given_parts(one, present=present, absent=absent, key=key))
        return parts_log_prob(one, present=present, absent=absent), jax.vmap(draw)(keys)

    found, drawn = jax.device_get(run(rates, jax.random.split(KEY, DRAWS)))
    total = np.logaddexp.reduce(log_probs[agree])
    np.testing.assert_allclose(found, total, rtol=1e-4, atol=1e-5)
    probs = np.exp(log_probs[agree] - total)
    mean = np.tensordot(probs, values[agree].astype(float), 1)
    error = np.sqrt(mean * (1 - mean) / DRAWS)
    assert (np.abs(drawn.mean(axis=0) - mean) < 4.5 * error + 1e-6).all()


@pytest.mark.slow
def test_large_trees_are_refused():
    tree = SpanningTree(jnp.zeros((9, 9)))
    with pytest.raises(ValueError, match="too large to be conditioned on a part.*GibbsSpanningTree, whose `given`"):
        jax.eval_shape(lambda key: trace_given_parts(tree, absent=jnp.zeros((9, 9), bool), key=key), KEY)


@pytest.mark.slow
def test_what_is_refused():
    with pytest.raises(ValueError, match=r"present must be an array of bools of the shape \(3, 3\).*float32\[3, 3\]"):
        parts_log_prob(Arborescence(jnp.zeros((3, 3))), present=jnp.zeros((3, 3)))
    with pytest.raises(ValueError, match="Permutation of 6 items: of more than 5 items only the first places"):
        parts_log_prob(Permutation(jnp.zeros(6)), present=jnp.asarray(place([0, 1], 6)[::-1]))
    with pytest.raises(ValueError, match="no value has the entries that are given"):
        trace_given_parts(Categorical(jnp.zeros(2)), absent=jnp.ones(2, bool), key=KEY)
    two = Choices(jnp.zeros((2, 2)))
    assert parts_log_prob(two, present=jnp.ones((2, 2), bool)) == -jnp.inf
    np.testing.assert_allclose(parts_log_prob(two, absent=jnp.eye(2, dtype=bool)), 2 * np.log(0.5), rtol=1e-6)
