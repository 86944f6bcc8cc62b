"""Layouts by springs against NetworkX, and what a model is judged by against counting."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.errors import UsageError
from vestige.estimators.specs import LeaveOneOutSpec
from vestige.experiments.protocols import GeneratesSamples
from vestige.models.structured.graph_specs import RelationalSpec
from vestige.tasks.structured import GraphLayout, drawn_layout, found_edges, spring_step
from vestige.tasks.structured.specs import GraphLayoutSpec

NODES, STEPS = 6, 5


@pytest.fixture(scope="module")
def layouts():
    """Forty layouts: frames and trees."""
    keys = jax.random.split(jax.random.key(0), 40)
    return [np.asarray(x) for x in jax.jit(jax.vmap(lambda key: drawn_layout(NODES, STEPS, key=key)))(keys)]


def by_networkx(places, adjacency):
    graph = nx.from_numpy_array(adjacency)
    found = nx.spring_layout(graph, pos=dict(enumerate(places)), iterations=1, threshold=1e-10)
    return np.stack([found[node] for node in range(len(places))])


def test_every_step_is_that_of_networkx(layouts):
    frames, trees = layouts
    for ways, tree in zip(frames, trees, strict=True):
        for before, after in itertools.pairwise(ways):
            np.testing.assert_allclose(after, by_networkx(before.astype(float), tree.astype(float)), atol=2e-5)


def test_nodes_that_are_close_or_at_rest_move_as_in_networkx():
    """Distances under 0.01 count as 0.01; so does a displacement."""
    places = np.array([[0.0, 0.0], [1e-3, 0.0], [1.0, 0.5], [-1.0, 0.25]])
    path = np.eye(4, k=1) + np.eye(4, k=-1)
    step = jax.jit(spring_step)
    np.testing.assert_allclose(
        step(jnp.asarray(places, jnp.float32), jnp.asarray(path, jnp.float32)), by_networkx(places, path), atol=2e-5
    )
    two = np.array([[-1.0, 0.0], [1.0, 0.0]])
    pair = 1.0 - np.eye(2)
    near = two * 0.5**1.5  # where both forces cancel
    np.testing.assert_allclose(
        step(jnp.asarray(near, jnp.float32), jnp.asarray(pair, jnp.float32)), by_networkx(near, pair), atol=2e-4
    )


def test_layouts_are_trees_that_move(layouts):
    frames, trees = layouts
    assert frames.shape == (40, STEPS, NODES, 2)
    assert all(nx.is_tree(nx.from_numpy_array(tree)) for tree in trees)
    np.testing.assert_allclose(np.abs(frames).max(axis=(2, 3)), 1.0, rtol=1e-6)
    np.testing.assert_allclose(frames.mean(axis=2), 0.0, atol=1e-6)
    assert np.abs(frames[:, 1:] - frames[:, :-1]).max(axis=(2, 3)).min() > 0.01
    assert abs(trees[:, 0, 1].mean() - 2 / NODES) < 4 * np.sqrt(2 / NODES / 40)


def test_precision_and_recall_by_hand():
    path = np.eye(4, k=1) + np.eye(4, k=-1)
    star = np.zeros((4, 4))
    star[0, 1:] = star[1:, 0] = 1
    np.testing.assert_allclose(found_edges(jnp.asarray(star), jnp.asarray(path)), (1 / 3, 1 / 3), rtol=1e-6)
    one_way = np.zeros((4, 4))
    one_way[0, 1] = one_way[3, 0] = 1  # one arc of an edge that is there, one of none
    np.testing.assert_allclose(found_edges(jnp.asarray(one_way), jnp.asarray(path)), (1 / 2, 1 / 6), rtol=1e-6)
    np.testing.assert_allclose(found_edges(jnp.zeros((4, 4)), jnp.asarray(path)), (0, 0))


@pytest.mark.slow
def test_a_training_set_is_drawn_once():
    few = GraphLayout(NODES, STEPS, train=3)
    draw = eqx.filter_jit(lambda task, key: task.batch(size=40, key=key))
    first, second = draw(few, jax.random.key(1)), draw(few, jax.random.key(2))
    many = draw(GraphLayout(NODES, STEPS), jax.random.key(1))
    kinds, others, new = (np.unique(np.asarray(batch.inputs)[:, 0, 0, 0].round(3)) for batch in (first, second, many))
    assert len(kinds) == 3 and len(new) > 35
    np.testing.assert_array_equal(kinds, others)


def knowing(task, structure):
    """A model whose encoder is sure of the tree of `task`'s only layout."""
    spec = RelationalSpec(structure, width=4, estimator=LeaveOneOutSpec(2))
    model = drawn(lambda key: spec.build(task, key=key))
    tree = eqx.filter_jit(lambda task, key: task.batch(size=1, key=key))(task, jax.random.key(0)).targets[0]

    class Sure(eqx.Module):
        sign: float = eqx.field(static=True)

        def __call__(self, ways):
            return self.sign * 40.0 * (tree - 0.5)

    return eqx.tree_at(lambda m: m.encoder, model, Sure(1.0)), eqx.tree_at(lambda m: m.encoder, model, Sure(-1.0))


class OneLayout(GraphLayout):
    """Held-out layouts are the one that is trained on."""

    def _layouts(self, keys):
        return super()._layouts(jax.vmap(lambda key: jax.random.key(7))(keys))


@pytest.mark.parametrize("structure", ["spanning-tree", pytest.param("edges", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_who_knows_the_tree_recovers_it(structure):
    """And so does a model of single edges that calls edges what are none."""
    task = OneLayout(NODES, STEPS)
    right, reverse = knowing(task, structure)
    evaluated = eqx.filter_jit(lambda model: task.evaluate(model, size=4, key=jax.random.key(3)))
    for model in (right, reverse) if structure == "edges" else (right,):
        found = evaluated(model)
        assert float(found["edge_precision"]) == float(found["edge_recall"]) == 1.0
        assert float(found["edge_precision_mode"]) == 1.0
    found = evaluated(right)
    np.testing.assert_allclose(found["elbo"], -found["prediction_nll"] - found["graph_kl"], rtol=1e-6)
    scores = 20.0 * (2.0 * np.asarray(right.encoder(None) > 0) - 1.0)[~np.eye(NODES, dtype=bool)]
    by_hand = np.sum(scores + np.expm1(-scores)) / NODES  # every ordered pair once
    np.testing.assert_allclose(found["graph_kl"], by_hand, rtol=1e-5)


def test_layouts_are_generated_from_places_and_a_graph():
    """Each step is that of the decoder along the graph that the table names."""
    task, spec = GraphLayout(NODES, STEPS), RelationalSpec("spanning-tree", width=4, estimator=LeaveOneOutSpec(2))
    model = drawn(lambda key: spec.build(task, key=key))
    found = task.sampled(model, count=2, steps=4, given=2, seed=0)
    assert isinstance(task, GeneratesSamples)
    values = {name: cells.values.reshape(2, 4, NODES) for name, cells in found.columns.items()}
    assert values["step"][1, :, 0].tolist() == [1, 2, 3, 4] and values["node"][0, 0].tolist() == [1, 2, 3, 4, 5, 6]
    ways = np.stack([values["x"], values["y"]], axis=-1)
    for way, neighbours in zip(ways, values["neighbours"], strict=True):
        graph = nx.Graph((node + 1, int(other)) for node, text in enumerate(neighbours[0]) for other in text.split())
        assert nx.is_tree(graph) and len(graph) == NODES and np.abs(way[:2]).max() == pytest.approx(1)
        edges = jnp.asarray(nx.to_numpy_array(graph, nodelist=range(1, NODES + 1)), jnp.float32)
        for before, after in itertools.pairwise(way[1:]):
            np.testing.assert_allclose(model.decoder.step(jnp.asarray(before, jnp.float32), edges), after, atol=1e-5)
    assert not np.array_equal(values["neighbours"][0], values["neighbours"][1])
    with pytest.raises(UsageError, match="begins with 3 frames that are given, got 2"):
        task.sampled(model, count=1, steps=2, given=3, seed=0)


def test_levels():
    bounds = GraphLayout(NODES, STEPS).bounds({})
    assert bounds["edge_precision"] == bounds["edge_recall"] == {"best": 1.0, "chance": pytest.approx(1 / 3)}
    assert bounds["elbo"]["best"] is None and -20_000 < bounds["elbo"]["chance"] < -1000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GraphLayout(1, 5), "nodes must be at least 2, since edges join two, got 1"),
        (lambda: GraphLayout(5, 1), "steps must be at least 2, since frame 0 is given, got 1"),
        (lambda: GraphLayout(5, 5, 0), "train must be at least 1, got 0"),
        (lambda: GraphLayoutSpec(nodes=1), "nodes must be at least 2, got 1"),
        (lambda: GraphLayoutSpec(steps=1), "steps must be at least 2, got 1"),
        (lambda: GraphLayoutSpec(train=0), "train must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
