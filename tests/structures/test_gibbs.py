"""Gibbs distributions over trees, against all trees listed and against determinants."""

import functools
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from vestige.estimators import Critic, Exact, LeaveOneOut, Relax, ScoreFunction, TimesScore, expect, expect_trace
from vestige.structures import (
    Arborescence,
    GibbsArborescence,
    GibbsProjectiveArborescence,
    GibbsSpanningTree,
    SpanningTree,
    marginals_estimate,
    pair_marginals_estimate,
)

N = 4
DRAWS = 20_000


def directed(root):
    """Every arborescence over N nodes, from `root` or from anywhere, with the root marked on the diagonal."""
    found = []
    for top in range(N) if root is None else [root]:
        others = [v for v in range(N) if v != top]
        for parents in itertools.product(range(N), repeat=N - 1):
            graph = nx.DiGraph(list(zip(parents, others, strict=True)))
            graph.add_nodes_from(range(N))
            if nx.is_arborescence(graph):
                value = nx.to_numpy_array(graph, nodelist=range(N))
                found.append(value + np.diag(np.eye(N)[top]) * (root is None))
    return np.array(found)


def projective(members):
    """Those in which everything between the ends of an arc is below its head, by walking up."""
    kept = []
    for member in members:
        head = {int(v): int(u) for u, v in np.argwhere(member) if u != v}

        def above(node, head=head):
            path = [node]
            while path[-1] in head:
                path.append(head[path[-1]])
            return path

        if all(u in above(w) for v, u in head.items() for w in range(min(u, v) + 1, max(u, v))):
            kept.append(member)
    return np.array(kept)


def undirected():
    """Every spanning tree, above the diagonal."""
    found = []
    for edges in itertools.combinations(itertools.combinations(range(N), 2), N - 1):
        graph = nx.Graph(edges)
        if len(graph) == N and nx.is_tree(graph):
            found.append(np.triu(nx.to_numpy_array(graph, nodelist=range(N))))
    return np.array(found)


CASES: dict[str, Any] = {
    "arborescence": (GibbsArborescence, functools.partial(directed, 0)),
    "from 2": (functools.partial(GibbsArborescence, root=2), functools.partial(directed, 2)),
    "free root": (functools.partial(GibbsArborescence, root=None), functools.partial(directed, None)),
    "spanning tree": (GibbsSpanningTree, undirected),
    "projective": (GibbsProjectiveArborescence, lambda: projective(directed(0))),
    "projective from 2": (functools.partial(GibbsProjectiveArborescence, root=2), lambda: projective(directed(2))),
    "projective, free root": (
        functools.partial(GibbsProjectiveArborescence, root=None),
        lambda: projective(directed(None)),
    ),
}
ROOTS = {"arborescence": 0, "projective": 0, "from 2": 2, "projective from 2": 2}
QUICK = {"free root"}
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in CASES]
)


def weights(name, n=N, seed=0, scale=1.5):
    x = scale * np.random.default_rng(seed).normal(size=(n, n))
    return ((x + x.T) / 2 if name == "spanning tree" else x).astype(np.float32)


def shown(name, members):
    """Values from members."""
    if name == "spanning tree":
        return members + np.swapaxes(members, -1, -2)
    return members * (1 - np.eye(N))


@functools.cache
def program(name):
    """One for each kind, so that other weights and masks are no other program."""
    make = CASES[name][0]

    @jax.jit
    def run(x, other, mask, key, values):
        one, two = make(x, mask=mask), make(other, mask=mask)
        draws = jax.vmap(lambda key: one.sample(key=key))(jax.random.split(key, DRAWS))
        mode = one.mode()
        of = lambda x: make(x, mask=mask)
        return {
            "log_partition": one.log_partition(),
            "marginals": one.marginals(),
            "entropy": one.entropy(),
            "kl": one.kl(two),
            "slope of entropy": jax.grad(lambda x: of(x).entropy())(x),
            "slope of kl": jax.grad(lambda x: of(x).kl(two))(x),
            "draws": draws,
            "log_prob": jax.vmap(one.log_prob)(draws.value),
            "log_probs": jax.vmap(one.log_prob)(values),
            "mode": mode.value,
            "mode's": mode.log_prob,
            "roots": None if isinstance(one, GibbsSpanningTree) else one.root_marginals(),
        }

    return run


@functools.cache
def found(name):
    members = CASES[name][1]()
    values = jnp.asarray(shown(name, members), jnp.float32)
    run = program(name)(weights(name), weights(name, seed=1), jnp.ones(N, bool), jax.random.key(0), values)
    return members, jax.device_get(run)


def listed(name, members, seed=0):
    """Probabilities and the log-partition function, in float64."""
    x = weights(name, seed=seed).astype(np.float64)
    logs = np.array([np.sum(x[member > 0]) for member in members])
    total = np.logaddexp.reduce(logs)
    return np.exp(logs - total), total, x


@each
@pytest.mark.slow
def test_everything_is_that_of_the_listing(name):
    members, got = found(name)
    probs, total, _ = listed(name, members)
    others, _, _ = listed(name, members, seed=1)
    np.testing.assert_allclose(got["log_partition"], total, rtol=1e-5)
    np.testing.assert_allclose(got["log_probs"], np.log(probs), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["marginals"], shown(name, np.tensordot(probs, members, 1)), atol=1e-5)
    np.testing.assert_allclose(got["entropy"], -np.sum(probs * np.log(probs)), rtol=1e-4)
    np.testing.assert_allclose(got["kl"], np.sum(probs * np.log(probs / others)), rtol=1e-4)
    np.testing.assert_array_equal(got["mode"], shown(name, members[np.argmax(probs)]))
    np.testing.assert_allclose(got["mode's"], np.log(probs.max()), rtol=1e-4)
    if got["roots"] is not None:
        expected = (
            np.diagonal(np.tensordot(probs, members, 1))
            if "free root" in name
            else np.eye(N)[members[0].sum(0) == 0][0]
        )
        np.testing.assert_allclose(got["roots"], expected, atol=1e-5)


@each
def test_slopes_are_those_of_the_listing(name):
    """d log p = member - marginal, so that the slopes of sums over values are sums too."""
    members, got = found(name)
    probs, _, _ = listed(name, members)
    others, _, _ = listed(name, members, seed=1)
    scores = members - np.tensordot(probs, members, 1)
    entropy = -np.tensordot(probs * (np.log(probs) + 1), scores, 1)
    divergence = np.tensordot(probs * (np.log(probs / others) + 1), scores, 1)
    for slope, expected in (("slope of entropy", entropy), ("slope of kl", divergence)):
        expected = (expected + expected.T) / 2 if name == "spanning tree" else expected
        np.testing.assert_allclose(got[slope], expected, atol=1e-4)


@each
def test_draws_come_as_often_as_they_should(name):
    members, got = found(name)
    probs, _, _ = listed(name, members)
    rows = {value.tobytes(): row for row, value in enumerate(shown(name, members).astype(np.float32))}
    counts = np.bincount([rows[value.tobytes()] for value in got["draws"].value], minlength=len(members))
    error = np.sqrt(probs * (1 - probs) / DRAWS)
    assert (np.abs(counts / DRAWS - probs) < 4.5 * error + 1e-9).all()
    np.testing.assert_allclose(got["draws"].log_prob, got["log_prob"], rtol=1e-5)
    assert got["draws"].valid.all()


@each
@pytest.mark.slow
def test_what_the_mask_hides_changes_nothing(name):
    root = ROOTS.get(name)
    mask = np.array([True, True, True, False]) if root != 2 else np.array([False, True, True, True])
    seen = np.flatnonzero(mask)
    values = jnp.zeros((len(found(name)[0]), N, N), jnp.float32)
    run = lambda x, mask: jax.device_get(program(name)(x, weights(name, seed=1), mask, jax.random.key(0), values))
    hidden = np.where(mask[:, None] & mask[None, :], weights(name), np.nan).astype(np.float32)
    got = run(hidden, mask)
    jax.tree.map(np.testing.assert_array_equal, got, run(weights(name), mask))
    make = CASES[name][0]
    small = functools.partial(make.func, root=1) if root == 2 else make
    expected = jax.jit(lambda x: (small(x).log_partition(), small(x).marginals(), small(x).entropy()))(
        weights(name)[np.ix_(seen, seen)]
    )
    for key, right in zip(("log_partition", "marginals", "entropy"), expected, strict=True):
        part = got[key][np.ix_(seen, seen)] if key == "marginals" else got[key]
        np.testing.assert_allclose(part, right, rtol=1e-4, atol=1e-5)
    nothing = run(weights(name), np.zeros(N, bool))
    assert nothing["log_partition"] == 0 and nothing["entropy"] == 0 and nothing["kl"] == 0
    assert (
        (nothing["draws"].value == 0).all() and (nothing["draws"].log_prob == 0).all() and nothing["draws"].valid.all()
    )
    assert all(
        (nothing[key] == 0).all() for key in ("marginals", "mode", "slope of entropy", "slope of kl", "log_probs")
    )


def determinant(x, root):
    """The matrix-tree theorem in its textbook form, in float64."""
    w = np.exp(x.astype(np.float64)) * (1 - np.eye(len(x)))
    laplacian = np.diag(w.sum(axis=0)) - w
    if root is None:  # Koo et al. 2007
        laplacian[0] = np.exp(np.diagonal(x).astype(np.float64))
        return np.linalg.slogdet(laplacian)[1]
    others = np.delete(np.arange(len(x)), root)
    return np.linalg.slogdet(laplacian[np.ix_(others, others)])[1]


@functools.cache
def large(name):
    """One node is a leaf of nearly everything; sixty nodes."""
    make = CASES[name][0]

    @jax.jit
    def run(x, key):
        one = make(x)
        slopes = jax.grad(lambda x: make(x).entropy())(x)
        draw = jax.vmap(lambda key: one.sample(key=key))(jax.random.split(key, 50))
        return one.log_partition(), one.marginals(), one.entropy(), slopes, draw, one.mode()

    return run


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        pytest.param(name, scale, marks=[pytest.mark.slow] * ((name, scale) != ("spanning tree", 1.0)))
        for name in CASES
        for scale in (1.0, 40.0)
    ],
)
@pytest.mark.slow
def test_sixty_nodes_in_single_precision(name, scale):
    x = weights(name, 60, seed=3, scale=scale)
    log_partition, marginals, entropy, slopes, draws, mode = jax.device_get(large(name)(x, jax.random.key(1)))
    root = 0 if name == "spanning tree" else ROOTS.get(name)
    if scale == 1.0 and "projective" not in name:
        np.testing.assert_allclose(log_partition, determinant(x, root), rtol=1e-5)
    members = 60 - 1
    np.testing.assert_allclose(marginals.sum() / (2 if name == "spanning tree" else 1), members, rtol=1e-4)
    assert marginals.min() > -1e-4 and marginals.max() < 1 + 1e-4
    assert np.isfinite(slopes).all() and entropy > -1e-3
    assert draws.valid.all() and np.isfinite(draws.log_prob).all()
    assert (mode.log_prob >= draws.log_prob - 1e-2).all()
    for value in draws.value[:10]:
        if name == "spanning tree":
            assert nx.is_tree(nx.from_numpy_array(value))
        else:
            assert nx.is_arborescence(nx.from_numpy_array(value, create_using=nx.DiGraph))
    costs = np.where(np.eye(60) > 0, 0, x.max() + 1 - x)
    if name == "spanning tree":
        best = nx.minimum_spanning_tree(nx.from_numpy_array(costs))
        np.testing.assert_array_equal(mode.value, nx.to_numpy_array(best) > 0)
    elif root is not None and scale == 1.0 and "projective" not in name:
        graph = nx.from_numpy_array(costs, create_using=nx.DiGraph)
        graph.remove_edges_from(list(graph.in_edges(root)))
        best = sum(x[edge] for edge in nx.minimum_spanning_arborescence(graph).edges)
        np.testing.assert_allclose(np.sum(x[mode.value > 0]), best, rtol=1e-5)


SINGLE = np.full((3, 3), -np.inf, np.float32)
SINGLE[0, 0], SINGLE[0, 1], SINGLE[0, 2], SINGLE[1, 2], SINGLE[2, 1] = 0.3, 0.5, -0.2, 0.1, 0.7


@jax.jit
def of_single(x):
    one = GibbsArborescence(x, None)
    draws = jax.vmap(lambda key: one.sample(key=key))(jax.random.split(jax.random.key(0), 4000))
    return one.log_partition(), one.marginals(), one.root_marginals(), draws, one.mode()


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.slow
def test_a_node_that_nothing_enters_can_be_nothing_but_the_root(first):
    """Whichever place it has in the order in which nodes are struck out."""
    order = np.roll(np.arange(3), first)
    x = SINGLE[np.ix_(order, order)]
    a, b, c, d = (np.exp(SINGLE[i, j]) for i, j in ((0, 1), (0, 2), (1, 2), (2, 1)))
    log_partition, marginals, roots, draws, mode = jax.device_get(of_single(x))
    total = a * b + a * c + b * d
    np.testing.assert_allclose(log_partition, 0.3 + np.log(total), rtol=1e-5)
    expected = np.zeros((3, 3))
    expected[0, 1], expected[0, 2] = (a * b + a * c) / total, (a * b + b * d) / total
    expected[1, 2], expected[2, 1] = a * c / total, b * d / total
    np.testing.assert_allclose(marginals, expected[np.ix_(order, order)], atol=1e-5)
    np.testing.assert_allclose(roots, np.eye(3)[0][order], atol=1e-6)
    assert (np.abs(draws.value.mean(axis=0) - marginals) < 4.5 * np.sqrt(0.25 / 4000)).all() and draws.valid.all()
    assert mode.valid


def test_two_such_nodes_have_no_single_root():
    x = jnp.array([[0.0, -jnp.inf, 0.3], [-jnp.inf, 0.0, 0.3], [-jnp.inf, -jnp.inf, 0.0]])
    log_partition, marginals, roots, draws, mode = of_single(x)
    assert log_partition == -jnp.inf and not draws.valid.any() and not mode.valid
    assert (marginals == 0).all() and (roots == 0).all() and jnp.isnan(draws.log_prob).all()
    with pytest.raises(ValueError, match="there is no arborescence"):
        draws.required()


def test_the_single_root_is_that_of_an_artificial_root_with_one_arc():
    """Listed: trees over N + 1 nodes in which exactly one arc leaves node 0."""
    x = weights("free root")
    members = directed(None)
    _, total, _ = listed("free root", members)
    roots = np.array([np.diagonal(member).argmax() for member in members])
    joined = sum(np.exp(np.sum(x[member > 0])) for member, root in zip(members, roots, strict=True))
    np.testing.assert_allclose(total, np.log(joined), rtol=1e-6)
    np.testing.assert_allclose(determinant(x, None), total, rtol=1e-6)


@jax.jit
def conditioned(x, present, absent, values):
    one = GibbsArborescence(x, None)
    given = one.given(present=present, absent=absent)
    return given.log_partition() - one.log_partition(), jax.vmap(given.log_prob)(values)


def test_given_arcs_are_the_listing_restricted():
    members = directed(None)
    probs, _, _ = listed("free root", members)
    values = jnp.asarray(shown("free root", members), jnp.float32)
    no = np.zeros((N, N), bool)
    for (i, j), (u, v) in [((0, 1), (2, 3)), ((2, 2), (2, 0)), ((3, 1), (1, 1))]:
        present, absent = no.copy(), no.copy()
        present[i, j], absent[u, v] = True, True
        fits = (members[:, i, j] > 0) & (members[:, u, v] == 0)
        log_evidence, log_probs = conditioned(weights("free root"), present, absent, values)
        np.testing.assert_allclose(log_evidence, np.log(probs[fits].sum()), atol=1e-5)
        np.testing.assert_allclose(np.exp(log_probs), np.where(fits, probs, 0) / probs[fits].sum(), atol=1e-5)


@pytest.mark.parametrize("name", QUICK)
def test_what_is_no_tree_has_no_probability(name):
    wrong = np.zeros((6, N, N), np.float32)
    wrong[1] = 1 - np.eye(N)
    wrong[2, 0, 1] = wrong[2, 1, 0] = wrong[2, 2, 3] = wrong[2, 3, 2] = 1
    wrong[3] = shown(name, found(name)[0][0]) * 0.5
    wrong[4] = shown(name, found(name)[0][0]) + np.eye(N)
    wrong[5, 0, 1] = wrong[5, 1, 2] = wrong[5, 2, 0] = 1
    padded = np.zeros((len(found(name)[0]), N, N), np.float32)
    padded[: len(wrong)] = wrong
    got = program(name)(weights(name), weights(name, seed=1), jnp.ones(N, bool), jax.random.key(0), padded)
    np.testing.assert_array_equal(got["log_probs"], -np.inf)


def test_it_is_not_the_law_of_the_races():
    """The known case of three nodes: 3/13, 4/13, 6/13, where the race has 1/7, 2/7, 4/7 (notes, section 7)."""
    rates = np.full((3, 3), 1.0, np.float32)
    rates[0, 1], rates[2, 1], rates[0, 2], rates[1, 2] = 1, 2, 3, 4
    values = np.zeros((3, 3, 3), np.float32)
    for row, arcs in enumerate([((0, 1), (0, 2)), ((0, 1), (1, 2)), ((0, 2), (2, 1))]):
        for arc in arcs:
            values[row][arc] = 1
    log_probs = jax.jit(jax.vmap(GibbsArborescence(jnp.log(rates)).log_prob))(values)
    np.testing.assert_allclose(np.exp(log_probs), [3 / 13, 4 / 13, 6 / 13], rtol=1e-5)


@eqx.filter_jit
def estimates(x, keys):
    cost = lambda value: jnp.sum(value * jnp.arange(float(N * N)).reshape(N, N)) ** 2 / 100

    def one(x, key):
        return expect(cost, GibbsArborescence(x, None), estimator=LeaveOneOut(2), key=key)

    return jax.vmap(jax.value_and_grad(one), (None, 0))(x, keys)


@pytest.mark.slow
def test_expectations_and_their_slopes():
    members = directed(None)
    probs, _, _ = listed("free root", members)
    costs = np.sum(shown("free root", members) * np.arange(N * N).reshape(N, N), axis=(1, 2)) ** 2 / 100
    values, slopes = jax.device_get(estimates(weights("free root"), jax.random.split(jax.random.key(1), 8000)))
    scores = members - np.tensordot(probs, members, 1)
    for samples, expected in ((values, probs @ costs), (slopes, np.tensordot(probs * costs, scores, 1))):
        error = samples.std(axis=0) / 8000**0.5
        assert (np.abs(samples.mean(axis=0, dtype=np.float64) - expected) < 4.5 * error + 1e-3).all()


@pytest.mark.slow
def test_what_needs_times_says_so():
    tree = GibbsSpanningTree(jnp.zeros((3, 3)))
    for estimator in (Exact(), ScoreFunction(1, TimesScore()), Relax(Critic(9, 4, key=jax.random.key(0)))):
        with pytest.raises(TypeError, match="needs arrival times and traces, and a GibbsSpanningTree has none"):
            jax.jit(lambda key, estimator=estimator: expect(jnp.sum, tree, estimator=estimator, key=key))(
                jax.random.key(0)
            )
    with pytest.raises(TypeError, match="expect_trace needs"):
        expect_trace(lambda value, trace: jnp.sum(value), tree, estimator=LeaveOneOut(2), key=jax.random.key(0))
    with pytest.raises(TypeError, match="one class, got GibbsSpanningTree and GibbsArborescence"):
        tree.kl(GibbsArborescence(jnp.zeros((3, 3))))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="root"):
        GibbsArborescence(jnp.zeros((3, 3))).kl(GibbsArborescence(jnp.zeros((3, 3)), 1))


def test_a_gradient_through_a_draw_is_refused():
    draw = lambda x: jnp.sum(GibbsArborescence(x).sample(key=jax.random.key(0)).value)
    with pytest.raises(TypeError, match="expect"):
        jax.jit(jax.grad(draw))(jnp.zeros((3, 3)))


@pytest.mark.slow
def test_marginals_of_draws():
    one = GibbsSpanningTree(jnp.asarray(weights("spanning tree")))
    run = lambda key: (
        one.marginals(),
        marginals_estimate(one, draws=4000, key=key),
        pair_marginals_estimate(one, draws=4000, key=key),
    )
    expected, single, pairs = jax.device_get(jax.jit(run)(jax.random.key(5)))
    assert (np.abs(single.mean - expected) < 4 * single.error).all()
    np.testing.assert_allclose(np.einsum("ijij->ij", pairs.mean), single.mean)


def test_their_modes_are_those_of_the_races():
    x = jnp.asarray(weights("spanning tree"))
    np.testing.assert_array_equal(
        *jax.jit(lambda x: (GibbsSpanningTree(x).mode().value, SpanningTree(x).mode().value))(x)
    )
    assert Arborescence(jnp.zeros((2, 2))).log_rates.shape == (2, 2)
