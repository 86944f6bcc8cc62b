"""Pair scorers, messages and rollouts against loops in NumPy, and padding that changes nothing."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.structured import (
    Bilinear,
    EdgeMessages,
    FirstEdges,
    IndependentEdges,
    PairLinear,
    PairMLP,
    Propagation,
    RelationalDecoder,
    RelationalEncoder,
    Trees,
)
from vestige.models.structured.pairs import square_mask

NOISE = np.random.default_rng(0)
NODES, MORE = 4, 6
X = NOISE.normal(size=(NODES, 3)).astype(np.float32)
Y = NOISE.normal(size=(NODES, 2)).astype(np.float32)
ARCS = (NOISE.random((NODES, NODES)) < 0.5).astype(np.float32)
HERE = np.array([True, True, False, True, False, True])

call = eqx.filter_jit(lambda part, *args, **masks: part(*args, **masks))


def relu(x):
    return np.maximum(x, 0)


def layer(linear, x):
    return np.asarray(linear.weight) @ x + (0 if linear.bias is None else np.asarray(linear.bias))


def paired(part, a, b):
    whole = np.concatenate([np.asarray(part.of_first.weight), np.asarray(part.of_second.weight)], axis=1)
    return whole @ np.concatenate([a, b]) + np.asarray(part.of_first.bias)


def test_a_pair_layer_is_a_linear_layer_of_the_concatenation():
    part = PairLinear(3, 2, 5, key=jax.random.key(0))
    found = call(part, X, Y)
    for i in range(NODES):
        for j in range(NODES):
            np.testing.assert_allclose(found[i, j], paired(part, X[i], Y[j]), atol=1e-5)
    whole = eqx.nn.Linear(5, 5, key=jax.random.key(0))  # it starts as one
    np.testing.assert_array_equal(part.of_second.weight, whole.weight[:, 3:])


def test_scores_by_hand():
    bilinear = drawn(lambda key: Bilinear(3, 2, key=key))
    mlp = drawn(lambda key: PairMLP(3, 2, 7, key=key))
    found, other = call(bilinear, X, Y), call(mlp, X, Y)
    for i in range(NODES):
        for j in range(NODES):
            linear = paired(bilinear.linear, X[i], Y[j])[0]
            np.testing.assert_allclose(found[i, j], X[i] @ np.asarray(bilinear.weight) @ Y[j] + linear, atol=1e-5)
            inner = paired(mlp.hidden, X[i], Y[j])
            inner = np.where(inner > 0, inner, np.expm1(inner))
            np.testing.assert_allclose(other[i, j], layer(mlp.out, inner), atol=1e-5)


def said(part, kind, receiver, sender):
    return relu(layer(part.out[kind], relu(paired(part.hidden[kind], receiver, sender))))


def heard(part, nodes, kinds):
    """What arrives at each node, from all others."""
    others = [[u for u in range(len(nodes)) if u != v] for v in range(len(nodes))]
    return np.stack(
        [
            sum(kinds[kind][u, v] * said(part, kind, nodes[v], nodes[u]) for kind in range(len(kinds)) for u in us)
            for v, us in enumerate(others)
        ]
    )


def test_messages_by_hand():
    part = drawn(lambda key: EdgeMessages(3, 5, 2, key=key))
    kinds = np.stack([ARCS, 1 - ARCS])
    np.testing.assert_allclose(call(part, X, kinds), heard(part, X, kinds), atol=1e-5)


def test_rounds_share_their_weights():
    part = drawn(lambda key: Propagation(3, 2, key=key))
    nodes = X
    for _ in range(2):
        nodes = nodes + heard(part.messages, nodes, ARCS[None])
    np.testing.assert_allclose(call(part, X, ARCS), nodes, rtol=1e-4, atol=1e-4)
    none = drawn(lambda key: Propagation(3, 0, key=key))
    np.testing.assert_array_equal(call(none, X, ARCS), X)


PADDED = {
    "bilinear": (lambda key: Bilinear(3, 3, key=key), 0),
    "mlp": (lambda key: PairMLP(3, 3, 5, key=key), 0),
    "propagation": (lambda key: Propagation(3, 2, key=key), 1),
}


@pytest.mark.parametrize("name", PADDED)
def test_padding_of_nans_changes_neither_value_nor_gradient(name):
    make, takes_edges = PADDED[name]
    part = drawn(make)
    padded = np.full((MORE, 3), np.nan, np.float32)
    padded[HERE] = X
    edges = np.full((MORE, MORE), np.nan, np.float32)
    edges[np.ix_(HERE, HERE)] = ARCS
    small = (ARCS,) if takes_edges else (X,)
    large = (edges,) if takes_edges else (padded,)

    @eqx.filter_jit
    @eqx.filter_value_and_grad(has_aux=True)
    def run(weights, nodes, other, mask):
        part, nodes = weights[0], weights[1]
        found = part(nodes, other, mask=mask) if takes_edges else part(nodes, nodes, mask=mask)
        return jnp.sum(jnp.sin(found)), found

    (_, expected), slopes = run((part, jnp.asarray(X)), X, *small, None)
    (_, found), padded_slopes = run((part, jnp.asarray(padded)), padded, *large, jnp.asarray(HERE))
    inside = np.ix_(HERE) if takes_edges else np.ix_(HERE, HERE)
    np.testing.assert_allclose(np.asarray(found)[inside], expected, atol=1e-5)
    outside = np.asarray(found).copy()
    outside[inside] = 0
    assert not np.any(outside)
    leaves = jax.tree.leaves(slopes[0]), jax.tree.leaves(padded_slopes[0])
    for mine, theirs in zip(*leaves, strict=True):
        if name == "propagation" or mine.ndim:  # a constant in every score counts pairs that are not there as zeros
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.asarray(padded_slopes[1])[HERE], slopes[1], rtol=1e-4, atol=1e-4)
    assert not np.any(np.asarray(padded_slopes[1])[~HERE])


def test_a_rollout_goes_on_from_its_own_predictions():
    ways = NOISE.normal(size=(6, NODES, 2)).astype(np.float32)
    decoder = drawn(lambda key: RelationalDecoder(2, 5, 0.1, key=key))
    assert RelationalDecoder(2, 5, key=jax.random.key(0)).pull is None  # and then there is no such term

    def by_hand(places):
        arriving = heard(decoder.messages, places, np.stack([1 - ARCS, ARCS]))
        x = np.concatenate([places, arriving], axis=1)
        for linear in decoder.hidden:
            x = relu(np.stack([layer(linear, row) for row in x]))
        towards = np.einsum("uv,uvd->vd", ARCS, places[:, None] - places[None])
        return places + np.stack([layer(decoder.out, row) for row in x]) + float(decoder.pull) * towards

    step = {}
    for rollout in (1, 2, 5):
        expected = []
        for t in range(5):
            places = ways[t] if t % rollout == 0 else expected[-1]
            expected.append(by_hand(places))
        step[rollout] = eqx.filter_jit(lambda d, w, a, r=rollout: d(w, a, r))(decoder, ways, ARCS)
        np.testing.assert_allclose(step[rollout], np.stack(expected), rtol=1e-3, atol=1e-3)


def test_the_encoder_does_not_care_in_which_order_the_nodes_come():
    ways = NOISE.normal(size=(3, NODES, 2)).astype(np.float32)
    encoder = drawn(lambda key: RelationalEncoder(3, 2, 6, key=key))
    order = np.array([2, 0, 3, 1])
    scores, moved = call(encoder, ways), call(encoder, ways[:, order])
    np.testing.assert_allclose(moved, np.asarray(scores)[np.ix_(order, order)], atol=1e-4)
    assert np.abs(scores).max() > 0.01


def test_graphs_and_their_adjacency():
    """Where one score is far above all others its pair is an edge, of whatever structure."""
    scores = np.full((NODES, NODES), -30.0, np.float32)
    scores[2, 1] = 30.0
    key = jax.random.key(0)
    kinds = {Trees(NODES): ((1, 2), (2, 1)), IndependentEdges(NODES): ((2, 1),), FirstEdges(NODES, 1): ((1, 2), (2, 1))}
    for graphs, pairs in kinds.items():
        draw = jax.jit(lambda scores, key, graphs=graphs: graphs.adjacency(graphs.over(scores).sample(key=key).value))
        found = np.asarray(draw(scores, key))
        assert all(found[pair] == 1 for pair in pairs) and not np.any(np.diagonal(found))
        if not isinstance(graphs, Trees):
            assert found.sum() == len(pairs)
        assert graphs.copies == len(pairs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trees(1), "Trees: nodes must be at least 2, since edges join two, got 1"),
        (lambda: IndependentEdges(1), "IndependentEdges: nodes must be at least 2"),
        (lambda: FirstEdges(3, 4), "FirstEdges: 3 nodes have from 1 to 3 edges, got edges = 4"),
        (lambda: FirstEdges(3, 0), "from 1 to 3 edges, got edges = 0"),
        (lambda: Trees(3).over(jnp.zeros((2, 2))), r"Trees: scores must be \(3, 3\), .* got \(2, 2\)"),
        (lambda: IndependentEdges(3).over(jnp.zeros((4, 4))), r"got \(4, 4\); use jax.vmap"),
        (lambda: EdgeMessages(2, 3, 0, key=jax.random.key(0)), "types must be at least 1, got 0"),
        (lambda: Propagation(2, -1, key=jax.random.key(0)), "rounds must be at least 0, got -1"),
        (
            lambda: drawn(lambda k: EdgeMessages(3, 2, 2, key=k))(jnp.asarray(X), jnp.asarray(ARCS[None])),
            r"edges must be \(2, 4, 4\)",
        ),
        (
            lambda: square_mask(jnp.asarray(HERE), 4, "Bilinear"),
            r"Bilinear: mask must have .* the 4 nodes, got .*\(6,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
