"""Structures as NetworkX graphs."""

import functools
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from vestige.structures import Arborescence, BinaryTree, Matching, Permutation, SpanningTree
from vestige.structures.as_networkx import to_networkx

N = 6
MASK = jnp.array([True, True, False, True, True, True])
PRESENT = [0, 1, 3, 4, 5]


ROOTED = {root: functools.partial(Arborescence, root=root) for root in (1, None)}


def rates(shape, seed=0):
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return jnp.asarray(x + x.T if x.ndim == 2 else x)


@functools.partial(jax.jit, static_argnums=0)
def sample(make, log_rates, mask):
    structure = make(log_rates, mask=mask)
    return structure, structure.sample(key=jax.random.key(0))


def drawn(make, log_rates, mask=None):
    structure, draw = sample(make, log_rates, jnp.ones(N, bool) if mask is None else mask)
    return (structure, draw) if mask is not None else (eqx.tree_at(lambda s: s.mask, structure, None), draw)


def adjacency(graph, nodes):
    return nx.to_numpy_array(graph, nodelist=nodes, weight=None)


@pytest.mark.parametrize("mask", [None, MASK])
def test_spanning_trees_are_minimum_spanning_trees(mask):
    structure, draw = drawn(SpanningTree, rates((N, N)), mask)
    graph = to_networkx(structure, draw)
    nodes = list(range(N)) if mask is None else PRESENT
    assert type(graph) is nx.Graph and list(graph) == nodes and nx.is_tree(graph)
    np.testing.assert_array_equal(adjacency(graph, nodes), np.asarray(draw.value)[np.ix_(nodes, nodes)])
    whole = nx.Graph()
    for i in nodes:
        for j in nodes:
            if i < j:
                whole.add_edge(i, j, time=float(np.exp(np.float64(draw.log_times[i, j]))))
    expected = nx.minimum_spanning_tree(whole, weight="time")
    assert set(map(frozenset, graph.edges)) == set(map(frozenset, expected.edges))
    for i, j, data in graph.edges(data=True):
        assert data["time"] == pytest.approx(whole.edges[i, j]["time"])
        assert data["rate"] == pytest.approx(float(np.exp(structure.log_rates[min(i, j), max(i, j)])))


@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("root", [1, None])
def test_arborescences(mask, root):
    structure, draw = drawn(ROOTED[root], rates((N, N)), mask)
    graph = to_networkx(structure, draw.value)
    nodes = list(range(N)) if mask is None else PRESENT
    assert type(graph) is nx.DiGraph and list(graph) == nodes and nx.is_arborescence(graph)
    np.testing.assert_array_equal(adjacency(graph, nodes), np.asarray(draw.value)[np.ix_(nodes, nodes)])
    if root is not None:
        assert graph.in_degree(root) == 0
    assert all(set(data) == {"rate"} for *_, data in graph.edges(data=True))


@pytest.mark.parametrize("mask", [None, MASK])
def test_binary_trees(mask):
    structure, draw = drawn(BinaryTree, rates(N), mask)
    graph = to_networkx(structure, draw)
    nodes = list(range(N)) if mask is None else PRESENT
    assert list(graph) == nodes and nx.is_arborescence(graph)
    assert max(degree for _, degree in graph.out_degree()) <= 2
    for i, j, data in graph.edges(data=True):
        assert data["side"] == ("left" if j < i else "right")
        assert graph.nodes[i]["time"] < graph.nodes[j]["time"]
    assert graph.nodes[0]["rate"] == pytest.approx(float(np.exp(structure.log_rates[0])))


@pytest.mark.parametrize("mask", [None, MASK])
def test_matchings(mask):
    structure, draw = drawn(Matching, rates((N, N)), mask)
    graph = to_networkx(structure, draw)
    nodes = list(range(N)) if mask is None else PRESENT
    assert set(graph) == {(side, node) for side in ("row", "column") for node in nodes}
    assert nx.bipartite.is_bipartite(graph) and nx.is_perfect_matching(graph, set(graph.edges))
    assert {node for node, data in graph.nodes(data=True) if data["bipartite"] == 0} == {("row", i) for i in nodes}
    for (_, i), (_, j) in graph.edges:
        assert draw.value[i, j] == 1


def test_times_of_ones_own():
    structure, draw = drawn(SpanningTree, rates((N, N)))
    graph = to_networkx(structure, draw.value, log_times=jnp.zeros((N, N)))
    assert {data["time"] for *_, data in graph.edges(data=True)} == {1.0}


def test_one_node():
    assert list(to_networkx(BinaryTree(jnp.zeros(1)), jnp.zeros((1, 1)))) == [0]


def test_refusals():
    structure, draw = drawn(SpanningTree, rates((N, N)))
    with pytest.raises(TypeError, match="not a Permutation"):
        to_networkx(Permutation(jnp.zeros(3)), jnp.eye(3))
    with pytest.raises(ValueError, match="one value at a time"):
        to_networkx(structure, draw.value[None])
    with pytest.raises(ValueError, match="outside the structure's mask"):
        to_networkx(drawn(SpanningTree, rates((N, N)), MASK)[0], draw.value)
    with pytest.raises(ValueError, match="log_times must have shape"):
        to_networkx(structure, draw.value, log_times=jnp.zeros(N))


def test_without_networkx(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ImportError, match=r"pip install 'vestige\[graphs\]'"):
        to_networkx(SpanningTree(jnp.zeros((2, 2))), jnp.eye(2)[::-1])
