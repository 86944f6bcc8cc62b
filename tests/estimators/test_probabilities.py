"""Probabilities of structures rather than traces, entropies, and draws without replacement."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from vestige.structures import (
    Categorical,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
    distinct_traces,
    entropy,
    entropy_estimate,
    enumerate_traces,
    structure_log_prob,
    subset_log_prob,
)

from .cases import within


def listed(rates: np.ndarray, chosen: tuple[int, ...]) -> float:
    """log p of a set by the definition: its orders, summed."""
    orders = []
    for order in itertools.permutations(chosen):
        left, total = set(range(len(rates))), 0.0
        for item in order:
            total += rates[item] - special.logsumexp([rates[i] for i in left])
            left.remove(item)
        orders.append(total)
    return float(special.logsumexp(orders))


@pytest.mark.parametrize("k", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(6, marks=pytest.mark.slow)])
def test_subset_log_prob_over_sixty_orders_of_magnitude(k):
    with jax.enable_x64(True):
        log_prob = jax.jit(jax.vmap(lambda rates, value: subset_log_prob(Subset(rates, k), value)))
        noise = np.random.default_rng(k)
        sets = list(itertools.combinations(range(6), k))
        for scale in (1.0, 30 * np.log(10)):
            rates = noise.uniform(-scale, scale, 6)
            values = np.array([[float(i in chosen) for i in range(6)] for chosen in sets])
            found = log_prob(np.broadcast_to(rates, values.shape).copy(), values)
            expected = [listed(rates, chosen) for chosen in sets]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
            assert float(np.sum(np.exp(found))) == pytest.approx(1, abs=1e-9)


def test_subset_log_prob_of_what_is_no_subset():
    possible = Subset(jnp.array([0.0, 1.0, -jnp.inf, 2.0]), 2)
    for wrong in ([1, 0, 0, 0], [1, 1, 0, 1], [1, 0, 1, 0]):
        assert float(subset_log_prob(possible, jnp.array(wrong, jnp.float32))) == -jnp.inf
    assert float(subset_log_prob(possible, jnp.array([1.0, 1.0, 0.0, 0.0]))) > -jnp.inf


def test_subset_log_prob_has_the_gradient_of_the_enumeration():
    with jax.enable_x64(True):
        value = jnp.array([1.0, 0.0, 1.0, 0.0, 1.0])
        for scale in (1.0, 10.0):
            rates = jnp.asarray(np.random.default_rng(2).uniform(-scale, scale, 5))
            found, expected = (
                jax.jit(jax.value_and_grad(lambda r, f=f: f(Subset(r, 3), value)))(rates)
                for f in (subset_log_prob, structure_log_prob)
            )
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)
            np.testing.assert_allclose(found[1], expected[1], rtol=1e-8, atol=1e-9)


def test_structure_log_prob_by_hand():
    log_prob = jax.jit(structure_log_prob)

    def prob(structure, value):
        return float(jnp.exp(log_prob(structure, jnp.asarray(value, jnp.float32))))

    assert prob(Matching(jnp.log(jnp.array([[1.0, 2.0], [3.0, 4.0]]))), np.eye(2)) == pytest.approx(1 / 2)
    assert prob(Subset(jnp.log(jnp.array([1.0, 2.0, 3.0])), 2), [0, 1, 1]) == pytest.approx(7 / 12)
    rates = np.zeros((3, 3))
    rates[0, 1], rates[0, 2], rates[1, 2] = np.log([1, 2, 3])
    tree = SpanningTree(jnp.asarray(rates + rates.T, jnp.float32))
    table = jax.jit(enumerate_traces)(tree)
    found = sorted({round(prob(tree, value), 5) for value in np.unique(np.asarray(table.values), axis=0)})
    assert found == pytest.approx([3 / 20, 4 / 15, 7 / 12], abs=1e-5)
    assert prob(tree, np.zeros((3, 3))) == 0


@pytest.mark.slow
def test_entropy_and_its_estimate():
    rates = jnp.asarray(np.random.default_rng(3).normal(size=(2, 2)), jnp.float32)
    exact, slope = jax.jit(jax.value_and_grad(lambda r: entropy(Matching(r))))(rates)
    log_probs = np.asarray(enumerate_traces(Matching(rates)).log_probs, np.float64)
    assert float(exact) == pytest.approx(-np.sum(np.exp(log_probs) * log_probs), rel=1e-5)
    for draws in (1, 3):
        estimate = jax.value_and_grad(lambda r, k, n=draws: entropy_estimate(Matching(r), draws=n, key=k))
        values, slopes = jax.jit(jax.vmap(estimate, (None, 0)))(rates, jax.random.split(jax.random.key(1), 20_000))
        within(values, exact)
        within(slopes, slope)


SEQUENCES = {"subset": lambda r: Subset(r, 2), "permutation": Permutation, "categorical": Categorical}


@pytest.mark.slow
@pytest.mark.parametrize("case", SEQUENCES)
def test_distinct_traces(case):
    rates = jnp.array([0.5, -0.7, 1.1, 0.0])[: 3 if case == "permutation" else 4]
    structure = SEQUENCES[case](rates)
    count, number = 20_000, 3

    @jax.jit
    def draw(keys):
        found = jax.vmap(lambda k: distinct_traces(structure, number, key=k))(keys)
        return found, jax.vmap(jax.vmap(lambda w: structure.log_prob(structure.replay(w))))(found.winners)

    found, expected = jax.device_get(draw(jax.random.split(jax.random.key(2), count)))
    np.testing.assert_allclose(found.log_probs, expected, atol=1e-5)
    assert np.all(np.diff(found.perturbed, axis=1) < 0)
    table = enumerate_traces(structure)
    probs = np.exp(np.asarray(table.log_probs, np.float64))
    probs /= probs.sum()
    place = {tuple(winners): i for i, winners in enumerate(np.asarray(table.traces.winners).tolist())}
    codes = np.array([[place[tuple(w)] for w in row] for row in found.winners.tolist()])
    assert all(len(set(row)) == number for row in codes.tolist())
    then = (probs[:, None] * probs / (1 - probs[:, None])) * (1 - np.eye(len(probs)))  # first, second
    for column, law in ((0, probs), (1, then.sum(0))):
        seen = np.bincount(codes[:, column], minlength=len(probs))
        assert stats.chisquare(seen, count * law).pvalue > 1e-4
    # The largest of all perturbed log-probabilities is a standard Gumbel variable.
    assert stats.kstest(found.perturbed[:, 0].astype(np.float64), stats.gumbel_r.cdf).pvalue > 1e-4


def test_more_traces_than_there_are():
    found = distinct_traces(Categorical(jnp.array([0.0, 1.0, -jnp.inf])), 3, key=jax.random.key(0))
    assert sorted(found.winners[:2, 0].tolist()) == [0, 1]
    assert np.isneginf(found.log_probs).tolist() == [False, False, True]
