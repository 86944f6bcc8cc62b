import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators.marginals import arborescence_marginals, spanning_tree_marginals, subset_marginals


def subsets(items: int, k: int) -> np.ndarray:
    return np.array([[i in chosen for i in range(items)] for chosen in itertools.combinations(range(items), k)])


def spanning_trees(nodes: int) -> np.ndarray:
    """Every spanning tree of the complete graph, as a 0/1 upper triangle."""
    found = []
    for edges in itertools.combinations(itertools.combinations(range(nodes), 2), nodes - 1):
        part = list(range(nodes))
        for u, v in edges:
            part = [part[v] if other == part[u] else other for other in part]
        if len(set(part)) == 1:
            found.append(np.zeros((nodes, nodes), bool))
            for edge in edges:
                found[-1][edge] = True
    return np.array(found)


def arborescences(nodes: int, root: int) -> np.ndarray:
    others = [v for v in range(nodes) if v != root]
    found = []
    for parents in itertools.product(range(nodes), repeat=nodes - 1):
        parent = dict(zip(others, parents, strict=True)) | {root: root}
        above = others
        for _ in range(nodes):
            above = [parent[v] for v in above]
        if set(above) <= {root}:
            found.append(np.zeros((nodes, nodes), bool))
            found[-1][list(parents), others] = True
    return np.array(found)


def enumerated(log_weights: np.ndarray, structures: np.ndarray) -> np.ndarray:
    """Marginals by the definition, in float64."""
    logs = np.array([log_weights[chosen].sum() for chosen in structures])
    weights = np.exp(logs - logs.max())
    return np.tensordot(weights / weights.sum(), structures, 1)


def upper_marginals(log_weights):
    return jnp.triu(spanning_tree_marginals(log_weights))


class Case(NamedTuple):
    marginals: Callable
    structures: np.ndarray
    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.structures.shape[1:]


ROOT = 2
CASES = {
    "subset": Case(lambda w: subset_marginals(w, 3), subsets(7, 3), 3),
    "tree": Case(upper_marginals, spanning_trees(5), 4),
    "arborescence": Case(lambda w: arborescence_marginals(w, ROOT), arborescences(5, ROOT), 4),
}


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


def draws(case: Case, count: int, scale: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-scale, scale, (count, *case.shape)).astype(np.float32)


@partial(jax.jit, static_argnums=0)
def with_gradient(function: Callable, log_weights, cotangent, *masks):
    """Marginals, and the gradient of their product with `cotangent`."""
    marginals, pull = jax.vjp(lambda w: function(w, *masks), log_weights)
    return marginals, pull(cotangent)[0]


ROWS = 100


@partial(jax.jit, static_argnums=0)
def of_rows(function: Callable, log_weights, cotangents):
    return jax.vmap(partial(with_gradient, function))(log_weights, cotangents)


def with_gradients(function: Callable, log_weights: np.ndarray, cotangents: np.ndarray):
    """The same over a leading batch axis: always of as many rows, so that there is one program for each function."""
    filled = (np.resize(array, (ROWS, *array.shape[1:])) for array in (log_weights, cotangents))
    return tuple(np.asarray(rows)[: len(log_weights)] for rows in of_rows(function, *filled))


def differences(case: Case, log_weights: np.ndarray, cotangent: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """The gradient by central differences of the enumeration, in float64."""
    gradient = np.zeros(case.shape)
    for place in np.ndindex(case.shape):
        shift = np.zeros(case.shape)
        shift[place] = step
        up, down = (enumerated(log_weights + sign * shift, case.structures) for sign in (1, -1))
        gradient[place] = np.sum(cotangent * (up - down)) / (2 * step)
    return gradient


def test_the_oracles_know_cayley():
    assert [len(spanning_trees(n)) for n in (2, 3, 4, 5)] == [1, 3, 16, 125]
    assert [len(arborescences(n, 0)) for n in (2, 3, 4, 5)] == [1, 3, 16, 125]
    assert len(subsets(7, 3)) == 35


@pytest.mark.few(1)
def test_enumeration_in_both_precisions(case):
    weights, cotangents = draws(case, 20, 4.0), draws(case, 20, 1.0, seed=1)
    expected = np.stack([enumerated(w, case.structures) for w in weights.astype(np.float64)])
    single, _ = with_gradients(case.marginals, weights, cotangents)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-5)
    with jax.enable_x64(True):
        double, _ = with_gradients(case.marginals, weights.astype(np.float64), cotangents.astype(np.float64))
        assert double.dtype == jnp.float64
        np.testing.assert_allclose(double, expected, rtol=0, atol=1e-10)


@jax.jit
def of_every_kind(weights):
    """Subsets of every size of the items in the first row, spanning trees, arborescences from every root."""
    nodes = len(weights)
    sizes = [subset_marginals(weights[0], k) for k in range(nodes + 1)]
    return sizes, spanning_tree_marginals(weights), [arborescence_marginals(weights, root) for root in range(nodes)]


@pytest.mark.parametrize(
    "nodes", [1, pytest.param(2, marks=pytest.mark.slow), 3, pytest.param(4, marks=pytest.mark.slow)]
)
@pytest.mark.few(1)
def test_every_small_size(nodes):
    weights = np.random.default_rng(nodes).normal(size=(nodes, nodes)).astype(np.float32)
    known = weights.astype(np.float64)
    sizes, tree, rooted_trees = of_every_kind(weights)
    for k, found in enumerate(sizes):
        np.testing.assert_allclose(found, enumerated(known[0], subsets(nodes, k)), atol=1e-6)
    np.testing.assert_allclose(np.triu(tree), enumerated(known, spanning_trees(nodes)), atol=1e-6)
    for root, found in enumerate(rooted_trees):
        np.testing.assert_allclose(found, enumerated(known, arborescences(nodes, root)), atol=1e-6)


@pytest.mark.few(1)
def test_gradient_is_that_of_the_enumeration(case):
    weights, cotangent = draws(case, 20, 3.0), draws(case, 20, 1.0, seed=1)
    expected = np.stack(
        [differences(case, *pair) for pair in zip(weights.astype(float), cotangent.astype(float), strict=True)]
    )
    _, single = with_gradients(case.marginals, weights, cotangent)
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-5)
    with jax.enable_x64(True):
        _, double = with_gradients(case.marginals, weights.astype(np.float64), cotangent.astype(np.float64))
        np.testing.assert_allclose(double, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["spread", "two values", "offset columns"])
def test_extreme_weights(case, kind):
    weights = draws(case, 100, 60.0)
    if kind == "two values":
        weights = np.sign(weights) * np.float32(60)  # ties: many optima, far apart from the rest
    elif kind == "offset columns":
        weights = draws(case, 100, 2.0) + np.linspace(-60, 60, case.shape[-1], dtype=np.float32)
    cotangent = draws(case, 100, 1.0, seed=1)
    marginals, gradient = with_gradients(case.marginals, weights, cotangent)
    expected = np.stack([enumerated(w, case.structures) for w in weights.astype(np.float64)])
    np.testing.assert_allclose(marginals, expected, rtol=0, atol=1e-5)
    some = slice(10)
    slopes = np.stack([differences(case, *pair) for pair in zip(weights[some], cotangent[some], strict=True)])
    np.testing.assert_allclose(gradient[some], slopes, rtol=0, atol=1e-5)
    assert bool(jnp.all(jnp.isfinite(gradient)))


def test_no_range_is_too_wide(case):
    """Clusters within clusters, each level e^-100 below the last: no clamp could keep the order of these."""
    marginals, gradient = with_gradients(case.marginals, draws(case, 100, 1e4), draws(case, 100, 1.0, seed=1))
    assert bool(jnp.all(jnp.isfinite(marginals)) and jnp.all(jnp.isfinite(gradient)))
    np.testing.assert_allclose(jnp.sum(marginals.reshape(100, -1), axis=-1), case.size, atol=1e-4)
    if case is CASES["subset"]:
        return
    level = np.array([[int(u // 2 != v // 2) + int(u // 4 != v // 4) for v in range(5)] for u in range(5)])
    weights = draws(case, 20, 1.0) - np.float32(100) * level.astype(np.float32)
    expected = np.stack([enumerated(w, case.structures) for w in weights.astype(np.float64)])
    marginals, _ = with_gradients(case.marginals, weights, draws(case, 20, 1.0, seed=1))
    np.testing.assert_allclose(marginals, expected, rtol=0, atol=2e-5)


def test_arcs_compete_within_their_column_alone():
    case = CASES["arborescence"]
    weights = draws(case, 20, 3.0) + np.array([1e3, -1e3, 0, 700, -1], np.float32)
    marginals, _ = with_gradients(case.marginals, weights, draws(case, 20, 1.0, seed=1))
    expected = np.stack([enumerated(w, case.structures) for w in weights.astype(np.float64)])
    np.testing.assert_allclose(marginals, expected, rtol=0, atol=2e-6)


def test_low_temperature_gives_the_optimum(case):
    weights = draws(case, 100, 2.0).astype(np.float64)
    scores = np.array([[w[chosen].sum() for chosen in case.structures] for w in weights])
    runner_up, best = np.sort(scores, axis=1)[:, -2:].T
    clear = best - runner_up > 0.05
    assert clear.sum() > 40
    optimum = case.structures[scores.argmax(axis=1)]
    cold, gradient = with_gradients(case.marginals, (weights / 1e-3).astype(np.float32), draws(case, 100, 1.0, seed=1))
    np.testing.assert_allclose(cold[clear], optimum[clear], atol=1e-6)
    np.testing.assert_allclose(gradient[clear], 0, atol=1e-6)


@pytest.mark.slow
def test_sums():
    sizes, tree, rooted_trees = jax.device_get(of_every_kind(draws(CASES["tree"], 1, 5.0)[0, :4, :4]))
    for k, found in enumerate(sizes):
        assert found.sum() == pytest.approx(k, abs=1e-5)
    np.testing.assert_array_equal(tree, tree.T)
    assert np.triu(tree).sum() == pytest.approx(3, abs=1e-5)
    for root, found in enumerate(rooted_trees):
        np.testing.assert_allclose(found.sum(axis=0), np.arange(4) != root, atol=1e-6)


@pytest.mark.slow
def test_many_items_and_nodes_in_float32():
    """Far beyond enumeration: the product of 1000 odds leaves the range of float32, these marginals do not."""
    noise = np.random.default_rng(0)
    items, arcs = noise.uniform(-60, 60, 1000), noise.uniform(-60, 60, (40, 40))
    functions = [
        (lambda w: subset_marginals(w, 300), items),
        (upper_marginals, arcs),
        (lambda w: arborescence_marginals(w, 7), arcs),
    ]
    for function, weights in functions:
        marginals = jax.jit(function)(weights.astype(np.float32))
        with jax.enable_x64(True):
            exact = jax.jit(function)(weights.astype(np.float32).astype(np.float64))
            np.testing.assert_allclose(marginals, exact, rtol=0, atol=1e-5)


def test_equal_weights_by_symmetry():
    of_ten = jax.jit(subset_marginals, static_argnums=1)(np.full(1000, 50.0, np.float32), 10)
    np.testing.assert_allclose(of_ten, np.full(1000, 0.01), rtol=1e-5)
    tree = jax.jit(spanning_tree_marginals)(np.full((30, 30), -60.0, np.float32))
    np.testing.assert_allclose(tree, (1.0 - np.eye(30)) * 2 / 30, rtol=1e-5)


def test_impossible_entries_are_exactly_zero(case):
    weights, cotangent = draws(case, 20, 3.0), draws(case, 20, 1.0, seed=1)
    barred = np.random.default_rng(5).uniform(size=weights.shape) < 0.25
    if case is not CASES["subset"]:
        barred &= ~np.eye(5, k=1, dtype=bool)  # a path, there and back, keeps every draw possible
        barred &= ~np.eye(5, k=-1, dtype=bool)
    else:
        barred[:, :3] = False
    weights[barred] = -np.inf
    marginals, gradient = with_gradients(case.marginals, weights, cotangent)
    assert not np.any(np.asarray(marginals)[barred]) and not np.any(np.asarray(gradient)[barred])
    for w, c, m, g in zip(weights.astype(np.float64), cotangent, marginals, gradient, strict=True):
        possible = case.structures[[np.isfinite(w[chosen].sum()) for chosen in case.structures]]
        np.testing.assert_allclose(m, enumerated(w, possible), rtol=0, atol=1e-5)
        finite = np.where(np.isfinite(w), w, 0.0)
        expected = differences(case._replace(structures=possible), finite, c)
        np.testing.assert_allclose(g, expected, rtol=0, atol=1e-5)


def rooted(log_weights, mask=None):
    return arborescence_marginals(log_weights, ROOT, mask)


@pytest.mark.parametrize(
    ("function", "unread"),
    [(spanning_tree_marginals, np.tri(5, dtype=bool)), (rooted, np.eye(5, dtype=bool) | (np.arange(5) == ROOT))],
)
@pytest.mark.few(1)
def test_what_is_not_read_may_be_anything(function, unread):
    weights, cotangent = draws(CASES["tree"], 2, 3.0)
    rubbish = np.where(unread, np.float32(np.nan), weights)
    marginals, gradient = with_gradient(function, rubbish, cotangent)
    expected = with_gradient(function, weights, cotangent)
    np.testing.assert_array_equal(marginals, expected[0])
    np.testing.assert_array_equal(gradient, expected[1])
    assert not np.any(np.asarray(gradient)[unread])


@pytest.mark.parametrize("function", [spanning_tree_marginals, rooted])
@pytest.mark.few(1)
def test_absent_nodes_leave_the_others_as_they_were(function):
    weights, cotangent = draws(CASES["tree"], 2, 3.0)
    for absent in ([0], [4], [1, 3], [0, 4]):
        mask = ~np.isin(np.arange(5), absent)
        both = mask[:, None] & mask[None, :]
        if function is rooted:
            possible = [tree & both for tree in arborescences(5, ROOT) if tree[ROOT, ~mask].all()]
            possible = [tree for tree in possible if tree.sum() == mask.sum() - 1]
        else:
            possible = [tree & both for tree in spanning_trees(5)]
            possible = [tree for tree in possible if tree.sum() == mask.sum() - 1]
        exact = Case(function, np.unique(possible, axis=0), 0)
        known, slope = weights.astype(np.float64), cotangent.astype(np.float64)
        expected = enumerated(known, exact.structures)
        if function is spanning_tree_marginals:
            expected, slope = expected + expected.T, np.triu(slope + slope.T)
        expected_gradient = differences(exact, known, slope)
        for rubbish in (np.nan, 1e30, -np.inf):
            padded = np.where(both, weights, np.float32(rubbish))
            masks = () if rubbish == -np.inf else (mask,)
            marginals, gradient = with_gradient(function, padded, cotangent, *masks)
            np.testing.assert_allclose(marginals, expected, atol=1e-6)
            np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5)
            assert not np.any(np.asarray(marginals)[~both]) and not np.any(np.asarray(gradient)[~both])


@pytest.mark.parametrize("function", [spanning_tree_marginals, rooted])
def test_nothing_to_choose_is_zero_everywhere(function):
    whole = np.zeros((5, 5), np.float32)
    parts, lone = whole.copy(), whole.copy()
    parts[:2, 2:] = parts[2:, :2] = -np.inf
    lone[3, :] = lone[:, 3] = -np.inf
    everyone = np.ones(5, bool)
    hopeless = [(parts,), (parts, everyone), (lone, everyone), (whole - np.float32(np.inf), everyone)]
    if function is rooted:
        no_way_in, no_way_out = whole.copy(), whole.copy()
        no_way_in[:, 3] = -np.inf
        no_way_out[ROOT] = -np.inf
        hopeless += [(no_way_in,), (no_way_out,), (whole - np.float32(np.inf), np.arange(5) != ROOT)]
    for weights, *masks in hopeless:
        marginals, gradient = with_gradient(function, weights, np.ones((5, 5), np.float32), *masks)
        assert not np.any(marginals) and not np.any(gradient)
    marginals, _ = with_gradient(function, lone, whole)
    assert float(jnp.sum(jnp.triu(marginals) if function is not rooted else marginals)) == pytest.approx(3, abs=1e-5)


def test_the_root_is_always_present():
    weights, cotangent = draws(CASES["arborescence"], 2, 3.0)
    without, _ = with_gradient(rooted, weights, cotangent, np.arange(5) != ROOT)
    np.testing.assert_array_equal(without, with_gradient(rooted, weights, cotangent, np.ones(5, bool))[0])


def test_too_few_items():
    weights, cotangent = np.array([-np.inf, 1, 2, -np.inf], np.float32), np.arange(4, dtype=np.float32)
    wanted = {0: [0, 0, 0, 0], 2: [0, 1, 1, 0], 3: [0, 0, 0, 0]}
    of_sizes = jax.jit(lambda w, c: [with_gradient(partial(subset_marginals, k=k), w, c) for k in wanted])
    for (marginals, gradient), expected in zip(of_sizes(weights, cotangent), wanted.values(), strict=True):
        np.testing.assert_allclose(marginals, expected, atol=1e-6)
        np.testing.assert_allclose(gradient, 0, atol=1e-6)
    assert not np.any(subset_marginals(jnp.full(3, -jnp.inf), 1))


def test_any_number_of_absent_items_changes_nothing():
    """A factor for each of them would leave the range of float32."""
    weights, absent = np.array([0.3, -1.0, 0.5, 0.1], np.float32), np.full(500, -np.inf, np.float32)
    marginals = jax.jit(subset_marginals, static_argnums=1)
    found = np.asarray(marginals(np.concatenate([absent, weights, absent]), 2))
    np.testing.assert_allclose(found[500:504], marginals(weights, 2), rtol=1e-5)
    assert not found[:500].any() and not found[504:].any()


def test_nan_is_reported_not_repaired(case):
    weights = draws(case, 20, 1.0)
    weights[(..., *(0,) * (len(case.shape) - 1), 1)] = np.nan
    marginals, _ = with_gradients(case.marginals, weights, draws(case, 20, 1.0, seed=1))
    assert bool(jnp.all(jnp.any(jnp.isnan(marginals.reshape(20, -1)), axis=-1)))


@pytest.mark.slow  # op by op
def test_jit_and_vmap_change_nothing(case):
    weights, cotangents = draws(case, 20, 5.0), draws(case, 20, 1.0, seed=1)
    marginals, gradients = with_gradients(case.marginals, weights, cotangents)
    one, gradient = with_gradient(case.marginals, weights[3], cotangents[3])
    np.testing.assert_allclose(marginals[3], one, rtol=0, atol=1e-6)
    np.testing.assert_allclose(gradients[3], gradient, rtol=0, atol=2e-6)
    np.testing.assert_allclose(case.marginals(jnp.asarray(weights[3])), one, rtol=0, atol=1e-6)


@pytest.mark.parametrize("function", [spanning_tree_marginals, rooted])
@pytest.mark.few(1)
def test_masks_differ_from_row_to_row(function):
    weights = jnp.asarray(draws(CASES["tree"], 3, 3.0))
    masks = jnp.array([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 1, 0, 0]], bool)
    rows = jax.jit(jax.vmap(function))(weights, masks)
    alone = [with_gradient(function, w, w, m)[0] for w, m in zip(weights, masks, strict=True)]
    np.testing.assert_allclose(rows, jnp.stack(alone), rtol=0, atol=1e-6)


def test_refusals():
    with pytest.raises(ValueError, match="k must lie between 0 and the number of items, 3; got 4"):
        subset_marginals(jnp.zeros(3), 4)
    with pytest.raises(ValueError, match="root must be one of the 3 nodes, got -1"):
        arborescence_marginals(jnp.zeros((3, 3)), -1)
