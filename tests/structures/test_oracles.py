"""Values against other people's algorithms, run on the same arrival times."""

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from vestige.structures import Arborescence, BinaryTree, Matching, SpanningTree

from .cases import CASES, compiled, recursion_of


@compiled
def solved(name, log_times):
    def one(log_times):
        draw = CASES[name].make(jnp.zeros(log_times.shape)).solve(log_times)
        return draw.value, draw.trace.winners

    return jax.vmap(one)(log_times)


def solutions(name, times):
    with jax.enable_x64(True):
        return map(np.asarray, solved(name, np.log(np.where(times > 0, times, 1.0))))


def minimum_tree(times):
    graph = nx.Graph()
    n = len(times)
    graph.add_weighted_edges_from((i, j, times[i, j]) for j in range(n) for i in range(j))
    out = np.zeros((n, n))
    for i, j in nx.minimum_spanning_tree(graph).edges:
        out[i, j] = out[j, i] = 1
    return out


def minimum_arborescence(times, root):
    graph = nx.DiGraph()
    n = len(times)
    graph.add_weighted_edges_from((u, v, times[u, v]) for u in range(n) for v in range(n) if u != v and v != root)
    out = np.zeros((n, n))
    for arc in nx.minimum_spanning_arborescence(graph).edges:
        out[arc] = 1
    return out


def greedy_matching(times):
    out, taken_rows, taken_columns = np.zeros_like(times), set(), set()
    for place in np.argsort(times, axis=None):
        i, j = divmod(int(place), len(times))
        if i not in taken_rows and j not in taken_columns:
            out[i, j] = 1
            taken_rows.add(i)
            taken_columns.add(j)
    return out


def cartesian_tree(times, start=0, stop=None, parent=None, out=None):
    stop = len(times) if stop is None else stop
    out = np.zeros((len(times), len(times))) if out is None else out
    if start < stop:
        top = start + int(np.argmin(times[start:stop]))
        if parent is not None:
            out[parent, top] = 1
        cartesian_tree(times, start, top, top, out)
        cartesian_tree(times, top + 1, stop, top, out)
    return out


ORACLES = {
    "spanning tree": minimum_tree,
    "arborescence": lambda times: minimum_arborescence(times, 0),
    "arborescence, root 1": lambda times: minimum_arborescence(times, 1),
    "matching": greedy_matching,
    "binary tree": cartesian_tree,
}


@pytest.mark.parametrize(
    ("n", "count"),
    [pytest.param(2, 10, marks=pytest.mark.slow), (5, 150), pytest.param(8, 150, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.few(2)
def test_values(name, n, count):
    times = np.random.default_rng(n).exponential(size=(count, *CASES[name].shape(n)))
    times = CASES[name].tidy(times)
    values, _ = solutions(name, times)
    for value, row in zip(values, times, strict=True):
        np.testing.assert_array_equal(value, ORACLES[name](row))


@pytest.mark.slow
def test_cycles_within_cycles():
    """Times that send the nodes around in pairs, then pairs of pairs: two levels of contraction and more."""
    n, count = 6, 2000
    times = np.random.default_rng(1).exponential(size=(count, n, n))
    times[:, 0] += 3.0  # the root comes last, so that nearly everything is contracted
    values, winners = solutions("arborescence", times)
    cycles = (winners[:, n : 2 * n - 1] >= 0).sum(axis=1)
    assert (cycles >= 2).mean() > 0.5 and (cycles >= 3).sum() >= 100
    for value, row in zip(values, times, strict=True):
        np.testing.assert_array_equal(value, minimum_arborescence(row, 0))


def test_a_free_root_is_followed_by_the_best_arborescence_from_it():
    """Once the root is drawn, the cycles are opened at it: no arborescence from that root is cheaper."""
    n, count = 5, 500
    times = np.random.default_rng(2).exponential(size=(count, n, n))
    values, winners = solutions("arborescence, free root", times)
    roots = winners[:, -1] // n
    np.testing.assert_array_equal(roots, np.diagonal(times, axis1=1, axis2=2).argmin(axis=1))
    for value, row, root in zip(values, times, roots, strict=True):
        np.testing.assert_array_equal(value, minimum_arborescence(row, int(root)))


@pytest.mark.parametrize("n", [20, pytest.param(40, marks=pytest.mark.slow)])
def test_larger_ones_are_whole(n):
    log_rates = np.random.default_rng(n).normal(size=(n, n)).astype(np.float32) * 3
    tree, arcs, pairs = jax.jit(
        lambda x: (
            SpanningTree((x + x.T) / 2).sample(key=jax.random.key(n)).value,
            Arborescence(x, 3).sample(key=jax.random.key(n)).value,
            Matching(x).sample(key=jax.random.key(n)).value,
        )
    )(log_rates)
    assert nx.is_tree(nx.from_numpy_array(np.asarray(tree)))
    arcs = nx.from_numpy_array(np.asarray(arcs), create_using=nx.DiGraph)
    assert nx.is_arborescence(arcs) and arcs.in_degree(3) == 0
    np.testing.assert_array_equal(np.sum(pairs, axis=0), 1)
    np.testing.assert_array_equal(np.sum(pairs, axis=1), 1)
    binary = jax.jit(lambda x: BinaryTree(x).sample(key=jax.random.key(n)).value)(log_rates[0])
    np.testing.assert_array_equal(np.sort(np.sum(binary, axis=0)), [0] + [1] * (n - 1))


def test_the_plain_python_edmonds_meets_nested_cycles():
    """So that the suite's comparison with it covers them."""
    recursion = recursion_of("arborescence", 4)
    state, levels = recursion.start(), 0
    rows = [{1: 2 * 4 + 1, 2: 1 * 4 + 2, 3: 2 * 4 + 3}, {4: 3 * 4 + 1}, {5: 0 * 4 + 3}]
    for winners in rows:
        assert set(recursion.split(state)) == set(winners)
        state, levels = recursion.advance(state, winners), levels + 1
    assert levels == 3 and not recursion.split(state)
