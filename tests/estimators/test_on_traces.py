"""Expectations of what depends on the trace: the divergence of traces, by enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import (
    BiasedRelaxation,
    Exact,
    GivenSet,
    LeaveOneOut,
    Relax,
    ScoreFunction,
    SetScore,
    expect,
    expect_trace,
)
from vestige.structures import Arborescence, Categorical, Permutation, Subset, enumerate_traces

from .cases import CONTEXT, POINTS, SEQUENTIAL, UNBIASED, critic, curved, quick_first, quickly, within

PRIORS = {name: np.random.default_rng(100 + point.seed).normal(size=point.rates) for name, point in POINTS.items()}


def bound(make, rates, prior, coefficients, estimator, key):
    """E_q[f(X(T)) + log q(T) - log p(T)], the negative evidence lower bound with the KL of traces."""
    q, p = make(rates), make(prior)

    def cost(value, trace):
        return curved(coefficients, value) + q.log_prob(trace) - p.log_prob(trace)

    return expect_trace(cost, q, estimator=estimator, key=key, context=CONTEXT)


def listed(make, rates, prior, coefficients):
    """The same as a sum over all traces, whose derivative has no estimator in it."""
    q, p = enumerate_traces(make(rates)), enumerate_traces(make(prior))
    costs = jax.vmap(lambda value: curved(coefficients, value))(jax.lax.stop_gradient(q.values))
    return jnp.sum(jnp.exp(q.log_probs) * (costs + q.log_probs - p.log_probs))


@quickly
def exact(make, rates, prior, coefficients):
    return jax.value_and_grad(listed, (1, 2, 3))(make, rates, prior, coefficients)


@quickly
def many(make, rates, prior, coefficients, estimator, keys):
    def row(key):
        return jax.value_and_grad(bound, (1, 2, 3))(make, rates, prior, coefficients, estimator, key)

    return jax.vmap(row)(keys)


def at(point):
    rates, coefficients = POINTS[point].arrays()
    return POINTS[point].make, rates, PRIORS[point].astype(np.float32), coefficients


@pytest.mark.parametrize("point", [quick_first(point, point) for point in POINTS])
@pytest.mark.few(1)
def test_exact_is_the_sum_over_traces(point):
    value, slopes = exact(*at(point))
    found, found_slopes = many(*at(point), Exact(), jax.random.split(jax.random.key(0), 1))
    np.testing.assert_allclose(found[0], value, rtol=1e-4)
    for one, other in zip(found_slopes, slopes, strict=True):
        np.testing.assert_allclose(one[0], other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("estimator", [LeaveOneOut(2), Relax(critic(9), 2)], ids=["score", "relax"])
def test_the_algorithm_runs_as_often_as_for_a_cost_of_the_value(estimator):
    """Loops of the program; that of the algorithm is one."""
    tree = Arborescence(jnp.zeros((3, 3)))

    def loops(estimate, fn):
        program = lambda key: estimate(fn, tree, estimator=estimator, key=key, context=CONTEXT)
        return str(jax.make_jaxpr(program)(jax.random.key(0))).count("while[")

    assert loops(expect_trace, lambda value, trace: jnp.sum(value[0])) == loops(expect, lambda value: jnp.sum(value[0]))


@pytest.mark.slow
def test_of_a_category_it_is_the_closed_form():
    """And zero, with a gradient of zero, where prior and posterior are the same."""
    q, p = jnp.array([0.3, -1.0, 0.7]), jnp.array([-0.2, 0.4, 0.1])

    def divergence(q, p):
        inner, prior = Categorical(q), Categorical(p)
        cost = lambda value, trace: inner.log_prob(trace) - prior.log_prob(trace)
        return expect_trace(cost, inner, estimator=Exact(), key=jax.random.key(0))

    both = quickly(jax.value_and_grad(divergence, (0, 1)))
    value, (slope, slope_p) = both(q, p)
    log_q, log_p = jax.nn.log_softmax(q), jax.nn.log_softmax(p)
    prob = jnp.exp(log_q)
    kl = jnp.sum(prob * (log_q - log_p))
    np.testing.assert_allclose(value, kl, rtol=1e-5)
    np.testing.assert_allclose(slope, prob * (log_q - log_p - kl), atol=1e-6)
    np.testing.assert_allclose(slope_p, jnp.exp(log_p) - prob, atol=1e-6)
    value, slopes = both(q, q)
    assert abs(float(value)) < 1e-6 and np.abs(slopes).max() < 1e-6


def able(estimator, point):
    if "set" in estimator:
        return False
    if estimator == "without replacement":
        return point in SEQUENTIAL
    return point == "subset" or (estimator, point) == ("leave one out", "arborescence")


PAIRS = [(estimator, point) for point in POINTS for estimator in UNBIASED if able(estimator, point)]


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "point"), PAIRS)
def test_every_estimator_gives_value_and_gradients(estimator, point):
    make, rates, prior, coefficients = at(point)
    keys = jax.random.split(jax.random.key(1), 20_000)
    value, slopes = many(make, rates, prior, coefficients, UNBIASED[estimator](rates.size), keys)
    expected, expected_slopes = exact(make, rates, prior, coefficients)
    within(value, expected)
    for found, other in zip(slopes, expected_slopes, strict=True):
        within(found, other)
        assert np.max(np.abs(other)) > 0.05


@pytest.mark.slow
def test_leave_one_out_of_a_tree():
    make, rates, prior, coefficients = at("spanning tree")
    keys = jax.random.split(jax.random.key(1), 4000)
    value, slopes = many(make, rates, prior, coefficients, LeaveOneOut(2), keys)
    expected, expected_slopes = exact(make, rates, prior, coefficients)
    within(value, expected)
    for found, other in zip(slopes, expected_slopes, strict=True):
        within(found, other)


@pytest.mark.parametrize(
    ("estimator", "structure", "text"),
    [
        (ScoreFunction(1, SetScore()), Subset(jnp.zeros(4), 2), "SetScore is defined for Subset"),
        (Relax(critic(4), 1, GivenSet()), Subset(jnp.zeros(4), 2), "SetScore is defined for Subset"),
        (BiasedRelaxation(), Permutation(jnp.zeros(3)), "no relaxation"),
    ],
)
@pytest.mark.few(1)
def test_what_does_not_know_the_trace_refuses(estimator, structure, text):
    with pytest.raises(TypeError, match=text):
        expect_trace(lambda value, trace: jnp.sum(value), structure, estimator=estimator, key=jax.random.key(0))


@pytest.mark.slow
def test_value_and_trace_belong_together(key):
    """Of a masked permutation too."""
    permutation = Permutation(jnp.array([0.3, -0.4, 1.0, 2.0]), mask=jnp.array([True, True, False, True]))

    def cost(value, trace):
        return jnp.sum(jnp.abs(value - permutation.value(trace))) + jnp.sum(value)

    assert expect_trace(cost, permutation, estimator=LeaveOneOut(2), key=key) == 3
