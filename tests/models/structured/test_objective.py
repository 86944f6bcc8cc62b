"""The bound and its gradient against the enumeration of all traces, for every kind of estimator."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from vestige.estimators import (
    BiasedRelaxation,
    Critic,
    Exact,
    LeaveOneOut,
    MeanOfOthers,
    Relax,
    ScoreFunction,
    TimesScore,
)
from vestige.models.structured import (
    FirstEdges,
    IndependentEdges,
    StructureBound,
    StructureModel,
    Trees,
    importance_weighted_structures,
    times_divergence,
)
from vestige.structures import Categorical, SpanningTree, enumerate_traces
from vestige.typing import Batch

KEYS = 4000
GRAPHS = {"trees": Trees(4), "independent edges": IndependentEdges(3), "first edges": FirstEdges(4, 2)}


class Small(eqx.Module):
    """Scores and predictions that are linear in what is seen."""

    encoder: jax.Array
    decoder: jax.Array
    estimator: eqx.Module
    graphs: eqx.Module

    def posterior(self, example):
        n = self.graphs.nodes
        return self.graphs.over((self.encoder @ example.inputs).reshape(n, n))

    def prior(self, example):
        n = self.graphs.nodes
        return self.graphs.over(jnp.linspace(-0.5, 0.5, n * n).reshape(n, n) * (1 - 0.5 * jnp.eye(n)))

    def log_likelihood(self, value, example):
        found = self.decoder @ self.graphs.adjacency(value).reshape(-1)
        return -jnp.sum(jnp.square(found - example.inputs))


def small(name, estimator):
    graphs = GRAPHS[name]
    noise = np.random.default_rng(1)
    n = graphs.nodes
    encoder = 0.4 * noise.normal(size=(n * n, 3)).astype(np.float32)
    decoder = 0.6 * noise.normal(size=(3, n * n)).astype(np.float32)
    if name != "independent edges":  # the prior of undirected edges is symmetrised, as scores are
        encoder = (encoder.reshape(n, n, 3) + encoder.reshape(n, n, 3).swapaxes(0, 1)).reshape(n * n, 3) / 2
    return Small(jnp.asarray(encoder), jnp.asarray(decoder), estimator, graphs)


EXAMPLE = Batch(jnp.array([0.7, -0.4, 1.1]))


def enumerated(model, bound):
    """The bound with every trace weighed by its probability."""
    q, p = model.posterior(EXAMPLE), model.prior(EXAMPLE)
    table = enumerate_traces(q)
    probs = jnp.exp(table.log_probs)
    likelihoods = jax.vmap(lambda value: model.log_likelihood(value, EXAMPLE))(table.values)
    total = jnp.sum(probs * likelihoods)
    if bound.divergence == "trace":
        total -= bound.weight * jnp.sum(probs * (table.log_probs - jax.vmap(p.log_prob)(table.traces)))
    if bound.divergence == "times":
        total -= bound.weight * times_divergence(q, p)
    return total / bound.per


def arrays(model):
    return model.encoder, model.decoder


def put(model, weights):
    return eqx.tree_at(arrays, model, weights)


@functools.cache
def truth(name, bound):
    model = small(name, None)
    value, slopes = jax.jit(jax.value_and_grad(lambda w: enumerated(put(model, w), bound)))(arrays(model))
    return float(value), [np.asarray(slope) for slope in slopes]


def estimates(name, bound, estimator, keys):
    model = small(name, estimator)

    @jax.jit
    @functools.partial(jax.vmap, in_axes=(None, 0))
    def one(weights, key):
        return jax.value_and_grad(lambda w: bound(put(model, w), EXAMPLE, key=key)[0])(weights)

    return one(arrays(model), keys)


def keys_of(name, estimator):
    seed = sum(map(ord, name)) + len(type(estimator).__name__)
    return jax.random.split(jax.random.key(seed), KEYS)


BOUNDS = {
    "times": StructureBound("times", 2.0, 4.0),
    "trace": StructureBound("trace", 1.0, 2.0),
    "none": StructureBound("none"),
}


def critic(name):
    return Critic(small(name, None).posterior(EXAMPLE).log_rates.size, 8, key=jax.random.key(10))


ESTIMATORS = {
    "leave one out": lambda name: LeaveOneOut(3),
    "leave one out, times": lambda name: LeaveOneOut(3, TimesScore()),
    "score function": lambda name: ScoreFunction(2),
    "relax": lambda name: Relax(critic(name), 2, baseline=MeanOfOthers()),
}


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("name", ["first edges", *(pytest.param(n, marks=pytest.mark.slow) for n in list(GRAPHS)[:2])])
@pytest.mark.few(1)
def test_exact_is_the_enumeration(name, bound):
    model = small(name, Exact())
    assert isinstance(model, StructureModel)
    value, slopes = estimates(name, BOUNDS[bound], Exact(), jax.random.split(jax.random.key(0), 1))
    expected, expected_slopes = truth(name, BOUNDS[bound])
    np.testing.assert_allclose(value[0], expected, rtol=1e-4)
    for found, reference in zip(slopes, expected_slopes, strict=True):
        np.testing.assert_allclose(found[0], reference, rtol=1e-3, atol=1e-4)
        assert np.abs(reference).max() > 0.05


QUICK = {("trees", "leave one out", "times"), ("trees", "leave one out", "trace")}
CASES = [
    pytest.param(name, estimator, bound, marks=[pytest.mark.slow] * ((name, estimator, bound) not in QUICK))
    for name in GRAPHS
    for estimator in ESTIMATORS
    for bound in ("times", "trace")
]


@pytest.mark.parametrize(("name", "estimator", "bound"), CASES)
@pytest.mark.slow
def test_the_mean_of_estimates_is_the_bound_and_its_gradient(name, estimator, bound):
    made = ESTIMATORS[estimator](name)
    value, slopes = estimates(name, BOUNDS[bound], made, keys_of(name + bound, made))
    expected, expected_slopes = truth(name, BOUNDS[bound])
    for found, reference in zip((value, *slopes), (np.asarray(expected), *expected_slopes), strict=True):
        found = np.asarray(found, np.float64)
        error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        assert np.all(np.abs(found.mean(axis=0) - reference) <= 4 * error + 1e-5)


def test_a_posterior_at_its_prior_has_no_slope_of_the_divergence_of_traces():
    """For every key, not in the mean alone: what log q(T) itself would bring is noise of mean zero."""
    graphs = GRAPHS["trees"]
    rates = jnp.asarray(np.random.default_rng(2).normal(size=(4, 4)).astype(np.float32))
    prior = graphs.over((rates + rates.T) / 2)

    @jax.jit
    @jax.vmap
    def slopes(key):
        def loss(rates):
            model = AtItsPrior(graphs.over(rates), prior, LeaveOneOut(2))
            return StructureBound("trace")(model, EXAMPLE, key=key)[0]

        return jax.grad(loss)((rates + rates.T) / 2)

    assert float(jnp.abs(slopes(jax.random.split(jax.random.key(0), 20))).max()) < 1e-5


class AtItsPrior(NamedTuple):
    """A decoder that says nothing."""

    q: Any
    p: Any
    estimator: Any

    def posterior(self, example):
        return self.q

    def prior(self, example):
        return self.p

    def log_likelihood(self, value, example):
        return 0.0 * jnp.sum(value)


def test_the_three_divergences_are_in_order():
    """KL(X) ≤ KL(T) ≤ KL(E), and each is that of the enumeration or of one-dimensional integrals."""
    model = small("trees", None)

    @jax.jit
    def all_three(weights):
        q, p = (getattr(put(model, weights), side)(EXAMPLE) for side in ("posterior", "prior"))
        table = enumerate_traces(q)
        other = jax.vmap(p.log_prob)(table.traces)
        return table.values, table.log_probs, other, times_divergence(q, p), q.log_rates, p.log_rates

    values, mine, theirs, times, rates, prior_rates = (np.asarray(x, np.float64) for x in all_three(arrays(model)))
    of_traces = np.sum(np.exp(mine) * (mine - theirs))
    trees = {value.tobytes(): np.all(values == value, axis=(1, 2)) for value in values}
    sums = [(np.exp(mine[same]).sum(), np.exp(theirs[same]).sum()) for same in trees.values()]
    of_trees = sum(a * np.log(a / b) for a, b in sums)
    assert 0.01 < of_trees < of_traces < times

    def of_times(a, b):
        return quad(lambda t: a * np.exp(-a * t) * (np.log(a / b) - (a - b) * t), 0, np.inf)[0]

    upper = np.triu_indices(4, 1)
    by_hand = sum(of_times(a, b) for a, b in zip(np.exp(rates[upper]), np.exp(prior_rates[upper]), strict=True))
    assert times == pytest.approx(by_hand, rel=1e-4)


def test_impossible_keys():
    some = Categorical(jnp.array([0.0, -jnp.inf, 1.0]))
    all_ = Categorical(jnp.zeros(3))
    assert float(times_divergence(some, some)) == 0
    assert float(times_divergence(some, all_)) == np.inf == float(times_divergence(all_, some))
    slope = jax.grad(lambda x: times_divergence(Categorical(x), some))(some.log_rates + 0.5)
    np.testing.assert_allclose(slope, [1 - np.exp(-0.5), 0, 1 - np.exp(-0.5)], rtol=1e-5)
    with pytest.raises(ValueError, match=r"must have the same keys, got log-rates of shapes \(3,\) and \(2,\)"):
        times_divergence(all_, Categorical(jnp.zeros(2)))


@pytest.mark.slow
def test_importance_samples_close_the_bound():
    """One is the bound in the mean; two are above; many are the evidence."""
    model = small("trees", None)
    single = eqx.filter_jit(
        lambda m, keys: jax.vmap(lambda k: importance_weighted_structures(m, EXAMPLE, samples=1, key=k))(keys)
    )
    keys = jax.random.split(jax.random.key(4), KEYS)
    ones = np.asarray(single(model, keys), np.float64)
    bound = truth("trees", StructureBound("trace"))[0]
    assert abs(ones.mean() - bound) < 4 * ones.std() / np.sqrt(KEYS)
    pairs = np.logaddexp(ones[::2], ones[1::2]) - np.log(2)
    assert pairs.mean() > bound + 4 * pairs.std() / np.sqrt(KEYS / 2)
    q, p = model.posterior(EXAMPLE), model.prior(EXAMPLE)
    table = enumerate_traces(q)
    evidence = jax.nn.logsumexp(
        jax.vmap(p.log_prob)(table.traces) + jax.vmap(lambda v: model.log_likelihood(v, EXAMPLE))(table.values)
    )
    many = importance_weighted_structures(model, EXAMPLE, samples=20_000, key=jax.random.key(5))
    weights = np.exp(ones - float(evidence))
    assert abs(weights.mean() - 1) < 4 * weights.std() / np.sqrt(KEYS)
    assert float(many) == pytest.approx(float(evidence), abs=0.1)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        importance_weighted_structures(small("trees", None), EXAMPLE, samples=0, key=jax.random.key(0))
    relaxed = small("trees", BiasedRelaxation())
    with pytest.raises(TypeError, match="no relaxation"):
        jax.eval_shape(lambda key: BOUNDS["trace"](relaxed, EXAMPLE, key=key)[0], jax.random.key(0))


def test_two_bounds_with_the_same_options_share_a_program():
    assert StructureBound("times", 2.0, 4.0) == BOUNDS["times"] and hash(BOUNDS["times"]) == hash(
        StructureBound("times", 2.0, 4.0)
    )
    assert SpanningTree(jnp.zeros((4, 4))).log_rates.shape == (4, 4)
