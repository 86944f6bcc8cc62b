"""Numbers known beforehand: enumerated by hand or in closed form (notes, section 7)."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import Arborescence, BinaryTree, Matching, Permutation, SpanningTree, Subset

from .cases import compiled, listed


@compiled
def at_winners(name, log_rates, winners):
    structure = MAKE[name](log_rates)

    def one(winners):
        trace = structure.trace(winners)
        return structure.log_prob(trace), structure.value(trace)

    return jax.vmap(one)(winners)


MAKE = {
    "subset": lambda x: Subset(x, 2),
    "permutation": Permutation,
    "spanning tree": SpanningTree,
    "arborescence": Arborescence,
    "binary tree": BinaryTree,
    "matching": Matching,
}


def law(name, rates):
    """Every trace with its winners, value and probability."""
    with np.errstate(divide="ignore"):
        log_rates = np.log(np.asarray(rates, np.float64))
    winners, _ = listed(name, len(log_rates), np.nan_to_num(log_rates, neginf=0.0))
    with jax.enable_x64(True):
        log_probs, values = at_winners(name, log_rates, winners)
    return winners, np.asarray(values), np.exp(np.asarray(log_probs))


def by_value(values, probabilities):
    out: dict[frozenset, float] = {}
    for value, probability in zip(values, probabilities, strict=True):
        entries = frozenset(tuple(int(i) for i in place) for place in np.argwhere(value))
        out[entries] = out.get(entries, 0.0) + probability
    return out


def both(*edges):
    return frozenset({*edges, *(edge[::-1] for edge in edges)})


def close(found, expected):
    assert set(found) == set(expected)
    for entries, probability in expected.items():
        assert found[entries] == pytest.approx(probability, abs=1e-12)


@pytest.mark.slow
def test_kruskal_on_three_nodes():
    rates = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    winners, values, probabilities = law("spanning tree", rates)
    assert probabilities[winners.tolist().index([1, 2])] == pytest.approx(1 / 15, abs=1e-12)
    a, b, c = (0, 1), (0, 2), (1, 2)
    close(by_value(values, probabilities), {both(a, b): 3 / 20, both(a, c): 4 / 15, both(b, c): 7 / 12})


@pytest.mark.slow
def test_kruskal_on_four_equal_nodes():
    _, values, probabilities = law("spanning tree", np.ones((4, 4)))
    assert len(probabilities) == 96 and probabilities.sum() == pytest.approx(1, abs=1e-12)
    trees = by_value(values, probabilities)
    assert len(trees) == 16
    for entries, probability in trees.items():
        star = any(sum(edge[0] == node for edge in entries) == 3 for node in range(4))
        assert probability == pytest.approx(1 / 15 if star else 11 / 180, abs=1e-12)
    away = values[:, 1:, 1:].sum(axis=(1, 2)) / 2
    assert probabilities @ away == pytest.approx(1.5, abs=1e-12)


def test_edmonds_on_three_nodes():
    rates = np.array([[0, 1, 3], [0, 0, 4], [0, 2, 0]])
    winners, values, probabilities = law("arborescence", rates)
    arcs = {tuple(row[row >= 0].tolist()): p for row, p in zip(winners, probabilities, strict=True)}
    enter, onward, across, back = 1, 5, 2, 7  # keys of 0→1, 1→2, 0→2, 2→1
    expected = {
        (enter, across): 1 / 7,
        (enter, onward): 4 / 21,
        (back, across): 2 / 7,
        (back, onward, enter): 2 / 21,
        (back, onward, across): 2 / 7,
    }
    close(arcs, expected)
    close(
        by_value(values, probabilities),
        {
            frozenset({(0, 1), (0, 2)}): 1 / 7,
            frozenset({(0, 1), (1, 2)}): 2 / 7,
            frozenset({(0, 2), (2, 1)}): 4 / 7,
        },
    )


def test_binary_trees_on_three_positions():
    winners, _, probabilities = law("binary tree", [1, 2, 3])
    found = {tuple(row.tolist()): p for row, p in zip(winners, probabilities, strict=True)}
    expected = {(0, 1, 2): 1 / 15, (0, 2, 1): 1 / 10, (1, 0, 2): 1 / 3, (2, 0, 1): 1 / 6, (2, 1, 0): 1 / 3}
    close(found, expected)


@pytest.mark.parametrize(("n", "height"), [(3, 8 / 3), (5, 3.8), (7, 4.6698)])
def test_heights_of_binary_trees_at_equal_rates(n, height):
    _, values, probabilities = law("binary tree", np.ones(n))
    assert len(probabilities) == math.comb(2 * n, n) // (n + 1)
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert probabilities @ heights(values) == pytest.approx(height, abs=5e-5)


def heights(values):
    """Longest path from the root, in nodes: the power at which the adjacency matrix vanishes."""
    power, height = np.broadcast_to(np.eye(values.shape[-1]), values.shape), np.zeros(len(values))
    while power.any():
        height += power.any(axis=(1, 2))
        power = power @ values
    return height


@pytest.mark.slow
def test_the_height_of_a_binary_tree_of_ten():
    with jax.enable_x64(True):
        sample = jax.jit(jax.vmap(lambda key: BinaryTree(jnp.zeros(10)).sample(key=key).value))
        found = heights(np.asarray(sample(jax.random.split(jax.random.key(4), 20_000))))
    assert abs(found.mean() - 5.6411) < 4 * found.std() / math.sqrt(len(found))


@pytest.mark.slow
def test_matchings_of_two():
    winners, values, probabilities = law("matching", [[1, 2], [3, 4]])
    found = {tuple(row.tolist()): p for row, p in zip(winners, probabilities, strict=True)}
    close(found, {(0, 3): 0.1, (3, 0): 0.4, (1, 2): 0.2, (2, 1): 0.3})
    assert by_value(values, probabilities)[frozenset({(0, 0), (1, 1)})] == pytest.approx(0.5, abs=1e-12)


def test_matchings_at_equal_rates_are_uniform():
    _, values, probabilities = law("matching", np.ones((4, 4)))
    assert len(probabilities) == math.factorial(4) ** 2
    found = by_value(values, probabilities)
    assert len(found) == 24
    np.testing.assert_allclose(list(found.values()), 1 / 24, atol=1e-12)
    assert probabilities @ np.trace(values, axis1=1, axis2=2) == pytest.approx(1, abs=1e-12)


def test_two_of_three():
    winners, values, probabilities = law("subset", [1, 2, 3])
    found = {tuple(row.tolist()): p for row, p in zip(winners, probabilities, strict=True)}
    assert found[2, 1] == pytest.approx(1 / 3, abs=1e-12)
    close(by_value(values, probabilities), {frozenset({(0,), (1,)}): 3 / 20, frozenset({(0,), (2,)}): 4 / 15,
                                            frozenset({(1,), (2,)}): 7 / 12})  # fmt: skip


def test_orders_at_equal_rates_are_uniform():
    _, values, probabilities = law("permutation", np.ones(4))
    assert len(by_value(values, probabilities)) == 24
    np.testing.assert_allclose(probabilities, 1 / 24, atol=1e-12)


def test_all_subsets_at_equal_rates_are_equally_likely():
    found = by_value(*law("subset", np.ones(5))[1:])
    assert len(found) == 10
    np.testing.assert_allclose(list(found.values()), 0.1, atol=1e-12)


@pytest.mark.slow
def test_arcs_at_equal_rates():
    """Relabelling the nodes other than the root changes nothing."""
    _, values, probabilities = law("arborescence", np.ones((4, 4)))
    found = by_value(values, probabilities)
    assert len(found) == 16
    marginals = np.tensordot(probabilities, values, 1)
    np.testing.assert_allclose(marginals[0, 1:], marginals[0, 1], atol=1e-12)
    assert marginals.sum() == pytest.approx(3, abs=1e-12)


def test_one_huge_rate_wins_and_has_no_slope():
    log_rates = np.array([0.0, 50.0, 0.0], np.float32)
    draw = lambda x: Subset(x, 1).sample(key=jax.random.key(0))
    value, slope = jax.jit(lambda x: (draw(x).value, jax.grad(lambda x: draw(x).log_prob)(x)))(log_rates)
    np.testing.assert_array_equal(value, [0, 1, 0])
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_widely_separated_rates_make_a_path():
    with jax.enable_x64(True):
        value = jax.jit(lambda x: BinaryTree(x).sample(key=jax.random.key(0)).value)(np.arange(6) * 50.0)
    np.testing.assert_array_equal(value, np.eye(6, k=-1))
