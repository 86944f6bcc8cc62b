"""Subsets whose size is an array: each row is what a subset of that static size is, and what the listing says."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import (
    BiasedRelaxation,
    Exact,
    GivenSet,
    LeaveOneOut,
    Relax,
    WithoutReplacement,
    expect,
    subset_marginals,
)
from vestige.structures import (
    Subset,
    best_values,
    entropy,
    enumerate_values,
    kl,
    marginals,
    pair_marginals,
    structure_log_prob,
    trace_given_value,
)

N, MOST = 4, 3
RATES = np.random.default_rng(0).normal(size=N).astype(np.float32)
OTHER = np.random.default_rng(1).normal(size=N).astype(np.float32)
MASK = np.array([True, False, True, True])
KEY = jax.random.key(3)


def cost(value):
    return jnp.sum(value * jnp.arange(1.0, N + 1)) ** 2


def facts(subset, value):
    """All that is known in closed form or by listing; with slopes."""
    other = eqx.tree_at(lambda one: one.rates.finite, subset, jnp.where(subset.rates.possible, OTHER, 0.0))
    trace = subset.mode().trace
    slope = lambda fn: jax.grad(lambda x: fn(subset.with_log_rates(x)))(subset.log_rates)
    return {
        "mode": subset.mode().value,
        "log_prob": subset.log_prob(trace),
        "score": slope(lambda one: one.log_prob(trace)),
        "of the set": structure_log_prob(subset, value),
        "slope of the set": slope(lambda one: structure_log_prob(one, value)),
        "marginals": marginals(subset),
        "pairs": pair_marginals(subset),
        "entropy": [entropy(subset, level=level) for level in ("value", "trace", "times")],
        "kl": [kl(subset, other, level=level) for level in ("value", "trace", "times")],
        "exact": expect(cost, subset, estimator=Exact(), key=KEY),
        "slope": slope(lambda one: expect(cost, one, estimator=Exact(), key=KEY)),
        "gibbs": subset_marginals(subset.log_rates, subset.k),
    }


@jax.jit
def rows(counts, masks, values):
    def one(count, mask, value):
        return facts(Subset(RATES, count, max_k=MOST, mask=mask), value)

    return jax.vmap(one)(counts, masks, values)


@eqx.filter_jit
def alone(k, mask, value):
    return facts(Subset(RATES, k, mask=mask), value)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_rows_are_subsets_of_a_static_size():
    cases = [(1, np.ones(N, bool)), (3, np.ones(N, bool)), (2, MASK)]
    counts, masks = (np.array(x) for x in zip(*cases, strict=True))
    values = np.stack([np.asarray(Subset(RATES, k, mask=mask).mode().value) for k, mask in cases])
    found = jax.device_get(rows(counts, masks, values))
    for row, (k, mask) in enumerate(cases):
        expected = jax.device_get(alone(k, mask, values[row]))
        for name in expected:
            mine = [np.asarray(leaf)[row] for leaf in jax.tree.leaves(found[name])]
            for a, b in zip(mine, jax.tree.leaves(expected[name]), strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, err_msg=f"{name}, k = {k}, {mask}")


def law(k):
    """Sets, their probabilities and how likely each item is, by all orders in float64."""
    rates = np.exp(RATES.astype(np.float64))
    probs: dict[tuple, float] = {}
    for order in itertools.permutations(range(N), k):
        left, p = rates.sum(), 1.0
        for item in order:
            p, left = p * rates[item] / left, left - rates[item]
        probs[tuple(sorted(order))] = probs.get(tuple(sorted(order)), 0.0) + p
    return probs


@jax.jit
def drawn(counts, keys):
    def one(count, key):
        subset = Subset(RATES, count, max_k=MOST)
        draw = subset.sample(key=key)
        times = subset.posterior(draw.trace, key=key)
        again = trace_given_value(subset, draw.value, key=key)
        return {
            "draw": draw,
            "log_prob": structure_log_prob(subset, draw.value),
            "marginals": marginals(subset),
            "best": best_values(subset, 4),
            "all": enumerate_values(subset),
            "again": subset.value(again),
            "back": subset.value(subset.run(times)),
            "given": subset.trace(draw.trace.winners).winners,
        }

    return jax.vmap(one)(counts, keys)


COUNTS = np.array([0, 1, 2, 3, 2, -1, 4], np.int32)


@pytest.fixture(scope="module")
def found():
    return jax.device_get(drawn(COUNTS, jax.random.split(KEY, len(COUNTS))))


def test_rows_follow_the_listing(found):
    for row, k in enumerate(COUNTS[:5].tolist()):
        probs, draw = law(k), jax.tree.map(lambda leaf, row=row: leaf[row], found["draw"])
        chosen = tuple(np.flatnonzero(draw.value).tolist())
        assert draw.valid and len(chosen) == k and (draw.trace.winners >= 0).sum() == k
        np.testing.assert_allclose(found["log_prob"][row], np.log(probs[chosen]), atol=1e-5)
        expected = np.zeros(N)
        for members, p in probs.items():
            expected[list(members)] += p
        np.testing.assert_allclose(found["marginals"][row], expected, atol=1e-5)
        total = np.exp(found["all"].log_probs[row].astype(np.float64))
        np.testing.assert_allclose(total.sum(), 1, atol=1e-5)
        assert (total > 0).sum() == len(probs)
        first = np.sort(np.log(list(probs.values())))[::-1][:4]
        np.testing.assert_allclose(found["best"].log_probs[row][: len(first)], first, atol=1e-5)
        assert (found["best"].log_probs[row][len(first) :] == -np.inf).all()
        for name in ("again", "back"):
            np.testing.assert_array_equal(found[name][row], draw.value)
        np.testing.assert_array_equal(found["given"][row], draw.trace.winners)


@pytest.mark.slow
def test_a_count_outside_is_no_valid_draw(found):
    """-1, and one more than `max_k`; the other rows are as if they were alone."""
    for row in (5, 6):
        assert not found["draw"].valid[row]
        for name in ("log_prob", "marginals"):
            assert np.isnan(found[name][row]).all()
        assert np.isnan(found["draw"].log_prob[row])
    with pytest.raises(ValueError, match="fewer than k items"):
        found["draw"].required()


def test_what_is_refused():
    for k in (-1, 5):
        with pytest.raises(ValueError, match="k must lie between 0 and 4"):
            Subset(jnp.zeros(4), jnp.int32(k))
    with pytest.raises(ValueError, match="max_k must lie between 1 and the number of items, 4; got 5"):
        Subset(jnp.zeros(4), jnp.int32(1), max_k=5)
    with pytest.raises(ValueError, match="max_k is for a k that is an array"):
        Subset(jnp.zeros(4), 2, max_k=3)
    with pytest.raises(ValueError, match="fewer than k items are possible"):
        Subset(jnp.zeros(4), jnp.int32(3), mask=jnp.arange(4) < 2).sample(key=KEY)
    with pytest.raises(ValueError, match="the k of the two differ"):
        kl(Subset(jnp.zeros(4), jnp.int32(3)), Subset(jnp.zeros(4), jnp.int32(2)), level="times")
    with pytest.raises(ValueError, match="same options"):
        kl(Subset(jnp.zeros(4), 3), Subset(jnp.zeros(4), 2), level="times")


ESTIMATORS = {
    "leave one out": lambda: LeaveOneOut(3),
    "without replacement": lambda: WithoutReplacement(3),
    "relax": lambda: Relax(lambda times, context: jnp.sum(jnp.sin(times)), 2),
    "relax, set": lambda: Relax(lambda times, context: jnp.sum(jnp.sin(times)), 2, GivenSet()),
    "relaxation": lambda: BiasedRelaxation(0.5, 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_have_the_exact_mean(name):
    """And a row of k = 0, whose one value is the empty set, and a row that pads the batch."""
    draws, estimator = 500 if "set" in name else 4000, ESTIMATORS[name]()
    counts = jnp.array([2, 0, 3, 1])
    masks = jnp.array([[True] * N, [True] * N, [False] * N, MASK.tolist()])

    def one(rates, count, mask, key, estimator):
        return expect(cost, Subset(rates, count, mask=mask), estimator=estimator, key=key)

    def both(key, estimator):
        keys = jnp.broadcast_to(key, (4,))
        slopes = jax.vmap(jax.value_and_grad(one), (None, 0, 0, 0, None))
        return slopes(jnp.asarray(RATES), counts, masks, keys, estimator)

    values, slopes = jax.device_get(jax.jit(jax.vmap(lambda key: both(key, estimator)))(jax.random.split(KEY, draws)))
    expected = jax.device_get(jax.jit(lambda key: both(key, Exact()))(KEY))
    assert np.isfinite(values).all() and np.isfinite(slopes).all()
    np.testing.assert_array_equal(values[:, 1:3], 0)
    np.testing.assert_array_equal(slopes[:, 2], 0)
    assert "relax" in name or (slopes[:, 1] == 0).all()  # a critic of the noise has slopes there, of mean zero
    if name == "relaxation":
        return
    for mine, right in ((values, expected[0]), (slopes, expected[1])):
        error = mine.std(axis=0, dtype=np.float64) / draws**0.5
        assert (np.abs(mine.mean(axis=0, dtype=np.float64) - right) < 4 * error + 1e-4).all()


@pytest.mark.slow
def test_it_can_be_exported_and_differentiated_in_half_precision():
    def one(rates, count, key):
        draw = Subset(rates, count, max_k=MOST).sample(key=key)
        return draw.log_prob, draw.value

    run = jax.jit(jax.vmap(jax.value_and_grad(one, has_aux=True)))
    rates = jnp.asarray(np.stack([RATES] * 3), jnp.bfloat16)
    (log_prob, value), slope = run(rates, jnp.array([0, 1, 3]), jax.random.split(KEY, 3))
    assert value.sum(axis=1).tolist() == [0, 1, 3] and slope.dtype == jnp.bfloat16
    assert jnp.all(jnp.isfinite(log_prob)) and log_prob[0] == 0
    exported = jax.export.export(jax.jit(lambda r, k: Subset(r, k).mode().value))(
        jax.ShapeDtypeStruct((N,), jnp.float32), jax.ShapeDtypeStruct((), jnp.int32)
    )
    assert exported.call(RATES, np.int32(2)).sum() == 2
