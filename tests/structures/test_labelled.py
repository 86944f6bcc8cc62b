"""Labels on arcs and edges, against all labelled trees listed in plain Python."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import LeaveOneOut, ScoreFunction, expect
from vestige.structures import (
    Arborescence,
    BinaryTree,
    GibbsArborescence,
    GibbsLabelled,
    GibbsProjectiveArborescence,
    GibbsSpanningTree,
    Labelled,
    SpanningTree,
    entropy,
    enumerate_values,
    kl,
    marginals,
    structure_log_prob,
    trace_given_value,
)

from .test_gibbs import directed, projective, undirected

N, L, DRAWS = 4, 2, 20_000
RNG = np.random.default_rng(0)
WEIGHTS, OTHER = (RNG.normal(size=(N, N)).astype(np.float32) for _ in range(2))
LABELS = RNG.normal(size=(N, N, L)).astype(np.float32)
GIBBS = {
    "free root": (functools.partial(GibbsArborescence, root=None), lambda: directed(None)),
    "fixed root": (GibbsArborescence, lambda: directed(0)),
    "projective": (functools.partial(GibbsProjectiveArborescence, root=None), lambda: projective(directed(None))),
    "spanning tree": (GibbsSpanningTree, undirected),
}


def labelled(members):
    """Every one of the trees with every choice of labels."""
    found = []
    for member in members:
        places = np.argwhere(member)
        for choice in itertools.product(range(L), repeat=len(places)):
            value = np.zeros((N, N, L))
            for (u, v), label in zip(places, choice, strict=True):
                value[u, v, label] = 1
            found.append(value)
    return np.array(found)


@functools.cache
def program(name):
    make, _ = GIBBS[name]

    @jax.jit
    def run(weights, other, labels, mask, values, key):
        one, two = (GibbsLabelled(make(x, mask=mask), labels) for x in (weights, other))
        draws = jax.vmap(lambda key: one.sample(key=key))(jax.random.split(key, DRAWS))
        slope = jax.grad(lambda x: GibbsLabelled(make(weights, mask=mask), x).log_prob(values[0]))(labels)
        facts = one.log_partition(), one.entropy(), one.kl(two), one.marginals(), jax.vmap(one.log_prob)(values), slope
        return facts, one.mode(), draws

    return run


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[pytest.mark.slow, pytest.mark.exhaustive] * (x != "free root")) for x in GIBBS]
)
def test_gibbs_distributions_are_those_of_the_listing(name):
    symmetric = (lambda x: (x + np.swapaxes(x, 0, 1)) / 2) if name == "spanning tree" else (lambda x: x)
    weights, other, labels = symmetric(WEIGHTS), symmetric(OTHER), symmetric(LABELS)
    members = labelled(GIBBS[name][1]())
    logs = np.einsum("tuvl,uvl->t", members, weights[:, :, None].astype(np.float64) + labels)
    others = np.einsum("tuvl,uvl->t", members, other[:, :, None].astype(np.float64) + labels)
    total = np.logaddexp.reduce(logs)
    probs, other_probs = np.exp(logs - total), np.exp(others - np.logaddexp.reduce(others))
    shown = members + np.swapaxes(members, 1, 2) if name == "spanning tree" else members
    wrong = shown[:3].copy()
    wrong[0, 3, 1] = 0  # an arc too few, or no arc there, hence a label too many
    wrong[1] *= 2
    wrong[2, 1, 1] = 1
    values = np.concatenate([shown, wrong]).astype(np.float32)
    run = program(name)
    found, mode, draws = jax.device_get(run(weights, other, labels, np.ones(N, bool), values, jax.random.key(0)))
    log_partition, found_entropy, divergence, found_marginals, log_probs, slope = found
    np.testing.assert_allclose(log_partition, total, rtol=1e-5)
    np.testing.assert_allclose(found_entropy, -np.sum(probs * np.log(probs)), rtol=1e-4)
    np.testing.assert_allclose(divergence, np.sum(probs * np.log(probs / other_probs)), rtol=1e-4)
    np.testing.assert_allclose(found_marginals, np.tensordot(probs, shown, 1), atol=1e-5)
    np.testing.assert_allclose(log_probs[: len(shown)], logs - total, rtol=1e-4, atol=1e-5)
    assert (log_probs[len(shown) + 1 :] == -np.inf).all()
    np.testing.assert_allclose(slope, members[0] - np.tensordot(probs, members, 1), atol=1e-5)
    np.testing.assert_array_equal(mode.value, shown[np.argmax(probs)])
    rows = {value.astype(np.float32).tobytes(): row for row, value in enumerate(shown)}
    counts = np.bincount([rows[value.tobytes()] for value in draws.value], minlength=len(shown))
    error = np.sqrt(probs * (1 - probs) / DRAWS)
    assert (np.abs(counts / DRAWS - probs) < 4.5 * error + 1e-4).all()
    nothing, empty, _ = run(weights, other, labels, np.zeros(N, bool), values, jax.random.key(0))
    assert nothing[0] == 0 and nothing[1] == 0 and (empty.value == 0).all() and empty.log_prob == 0
    assert all(np.isfinite(leaf).all() for leaf in (*nothing[:4], nothing[5]))


RACES = {
    "spanning tree": (lambda x, mask=None: SpanningTree((x + x.T) / 2, mask=mask), 3),
    "fixed root": (Arborescence, 3),
    "free root": (functools.partial(Arborescence, root=None), 3),
    "single root": (functools.partial(Arborescence, multiroot=False), 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RACES)
@pytest.mark.exhaustive
def test_races_are_the_structure_and_labels_by_themselves(name):
    make, n = RACES[name]
    rates, logits = WEIGHTS[:n, :n], LABELS[:n, :n]

    @jax.jit
    def run(rates, logits, key):
        one = Labelled(make(rates), logits)
        bare = enumerate_values(make(rates))
        every = enumerate_values(one)
        values = every.values
        drawn = one.sample(key=key)
        again = trace_given_value(one, drawn.value, key=key)
        times = one.posterior(again, key=key)
        return {
            "bare": bare,
            "every": every,
            "log_probs": jax.vmap(lambda value: structure_log_prob(one, value))(values),
            "marginals": marginals(one),
            "entropy": entropy(one, level="value"),
            "kl": kl(one, Labelled(make(0 * rates), logits), level="value"),
            "kl bare": kl(make(rates), make(0 * rates), level="value"),
            "again": (one.value(again), one.run(times).winners, again.winners, drawn.value),
        }

    found = jax.device_get(run(rates, logits, jax.random.key(1)))
    there = found["every"].log_probs > -np.inf
    values, log_probs = found["every"].values[there], found["every"].log_probs[there]
    np.testing.assert_allclose(np.exp(log_probs).sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(found["log_probs"][there], log_probs, atol=1e-4)
    bare = {v.tobytes(): p for v, p in zip(*found["bare"], strict=True) if p > -np.inf}
    shares = logits - np.logaddexp.reduce(logits, axis=2)[:, :, None]
    for value, log_prob in zip(values, log_probs, strict=True):
        arcs = value.sum(axis=2)
        once = np.triu(np.ones((n, n)))[:, :, None] if name == "spanning tree" else 1
        expected = bare[(arcs * (1 - np.eye(n))).astype(np.float32).tobytes()] + np.sum(value * shares * once)
        np.testing.assert_allclose(log_prob, expected, atol=1e-4)
    np.testing.assert_allclose(found["marginals"], np.tensordot(np.exp(log_probs), values, 1), atol=1e-5)
    np.testing.assert_allclose(found["kl"], found["kl bare"], atol=1e-4)  # the same labels
    shown, back, winners, value = found["again"]
    np.testing.assert_array_equal(shown, value)
    np.testing.assert_array_equal(back, winners)


@pytest.mark.slow
def test_estimates_of_costs_of_labels():
    costs = RNG.normal(size=(3, 3, L)).astype(np.float32)
    cost = lambda value: jnp.sum(value * costs) ** 2
    one = lambda x: Labelled(Arborescence(x[0]), x[1])
    two = lambda x: GibbsLabelled(GibbsArborescence(x[0]), x[1])
    point = WEIGHTS[:3, :3], LABELS[:3, :3]

    def exact(x):
        every = enumerate_values(one(x))
        return jnp.sum(jnp.exp(every.log_probs) * jax.vmap(cost)(every.values))

    def exact_gibbs(x):
        every = enumerate_values(one(jax.lax.stop_gradient(x))).values
        return jnp.sum(
            jnp.exp(jax.vmap(two(x).log_prob)(every)) * jax.vmap(cost)(every) * _first(every).astype(jnp.float32)
        )

    for make, right, estimator in ((one, exact, LeaveOneOut(2)), (two, exact_gibbs, ScoreFunction(2))):
        estimate = lambda x, key, make=make, estimator=estimator: expect(cost, make(x), estimator=estimator, key=key)
        run = jax.jit(jax.vmap(jax.value_and_grad(estimate), (None, 0)))
        found = jax.device_get(run(point, jax.random.split(jax.random.key(3), 8000)))
        expected = jax.device_get(jax.jit(jax.value_and_grad(right))(point))
        for mine, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            error = mine.std(axis=0, dtype=np.float64) / 8000**0.5
            assert (np.abs(mine.mean(axis=0, dtype=np.float64) - wanted) < 4.5 * error + 1e-4).all()


def _first(every):
    """Which of the rows come first among their equals."""
    flat = every.reshape(every.shape[0], -1)
    same = jnp.all(flat[:, None] == flat[None], axis=2)
    return ~jnp.any(same & (jnp.arange(len(flat))[None, :] < jnp.arange(len(flat))[:, None]), axis=1)


def test_what_is_refused():
    with pytest.raises(TypeError, match="the value of BinaryTree has no entry for each key"):
        Labelled(BinaryTree(jnp.zeros(3)), jnp.zeros((3, 2)))
    for labels in (jnp.zeros((3, 3)), jnp.zeros((3, 3, 0)), jnp.zeros((2, 3, 2))):
        with pytest.raises(ValueError, match=r"log_labels must have the shape \(3, 3\)"):
            Labelled(Arborescence(jnp.zeros((3, 3))), labels)
        with pytest.raises(ValueError, match=r"log_labels must have the shape \(3, 3\)"):
            GibbsLabelled(GibbsSpanningTree(jnp.zeros((3, 3))), labels)
    one = GibbsLabelled(GibbsArborescence(jnp.zeros((3, 3))), jnp.zeros((3, 3, 2)))
    with pytest.raises(ValueError, match="same options"):
        one.kl(GibbsLabelled(GibbsArborescence(jnp.zeros((3, 3)), 1), jnp.zeros((3, 3, 2))))
