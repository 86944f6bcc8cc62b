"""Costs of many draws at once, of the whole draw, with auxiliary output, and infinite ones."""

import functools
import inspect
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import (
    AbstractEstimator,
    BiasedRelaxation,
    BiasedStraightThrough,
    Critic,
    Exact,
    LeaveOneOut,
    Relax,
    RunningMean,
    ScoreFunction,
    WithoutReplacement,
    expect,
    expect_draw,
    expect_trace,
)
from vestige.structures import Categorical, SpanningTree, Subset

from .cases import within

RATES = jnp.array([0.3, -0.5, 0.1, 0.8])
WEIGHTS = jnp.array([1.0, -2.0, 0.5, 3.0])
KEY = jax.random.key(3)
ESTIMATORS = {
    "leave one out": LeaveOneOut(3),
    "running mean": ScoreFunction(2, baseline=RunningMean(0.5)),
    "without replacement": WithoutReplacement(3),
    "exact": Exact(),
    "relax": Relax(Critic(4, 4, key=jax.random.key(1)), 2),
    "biased": BiasedRelaxation(1.0, 2),
    "straight through": BiasedStraightThrough(1.0, 2),
}
QUICK = {"leave one out", "running mean", "exact", "without replacement"}
each = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in ESTIMATORS]
)


def cost(weights, value):
    score = jnp.dot(weights, value)
    return score + score**2


@eqx.filter_jit
def everything(estimator, rates, weights, key):
    """Value and slopes in three ways, and the auxiliary output of the last two."""

    def one(parts, batched, has_aux):
        rates, weights, estimator = parts
        of_one = lambda value: (cost(weights, value), {"sum": value @ jnp.arange(4.0), "value": value})
        fn = jax.vmap(of_one) if batched else of_one
        found = expect(
            fn if has_aux else lambda value: fn(value)[0],
            Subset(rates, 2),
            estimator=estimator,
            key=key,
            batched=batched,
            has_aux=has_aux,
        )
        return found if has_aux else (found, {})

    of = lambda **how: eqx.filter_value_and_grad(functools.partial(one, **how), has_aux=True)(
        (rates, weights, estimator)
    )
    return of(batched=False, has_aux=False), of(batched=True, has_aux=True), of(batched=False, has_aux=True)


@each
@pytest.mark.few(1)
def test_all_ways_of_calling_give_the_same(name):
    plain, batched, aux = everything(ESTIMATORS[name], RATES, WEIGHTS, KEY)
    for other in (batched, aux):
        np.testing.assert_allclose(other[0][0], plain[0][0], rtol=1e-5)
        jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), other[1], plain[1])
        np.testing.assert_allclose(other[0][1]["sum"], other[0][1]["value"] @ np.arange(4.0), rtol=1e-5)
        if name != "without replacement":  # whose weights add up to one on average only
            np.testing.assert_allclose(other[0][1]["value"].sum(), 2, rtol=1e-5)


def test_auxiliary_output_has_the_mean_of_the_draws():
    """Exactly where the expectation is exact, and where draws are weighed in the mean over estimates."""
    aux = lambda value: (value[0], (value, value[0] > 0))
    value, (marginals, first) = jax.jit(
        lambda key: expect(aux, Subset(RATES, 2), estimator=Exact(), key=key, has_aux=True)
    )(KEY)
    np.testing.assert_allclose(marginals[0], value, rtol=1e-6)
    np.testing.assert_allclose(first, value, rtol=1e-6)
    np.testing.assert_allclose(marginals.sum(), 2, rtol=1e-6)
    run = lambda key: expect(aux, Subset(RATES, 2), estimator=WithoutReplacement(3), key=key, has_aux=True)[1][0]
    within(jax.jit(jax.vmap(run))(jax.random.split(KEY, 4000)), marginals)


def test_many_draws_are_one_call():
    shapes = []

    def fn(values):
        shapes.append(values.shape)
        return values @ WEIGHTS

    jax.jit(lambda key: expect(fn, Subset(RATES, 2), estimator=LeaveOneOut(5), key=key, batched=True))(KEY)
    assert shapes == [(1, 4), (5, 4)]  # once to look at what it returns


@eqx.filter_jit
def of_draws(estimator, rates, keys):
    """A cost of the trace, of its log-probability, and of noise with mean 1."""

    def one(rates, key):
        def fn(draw):
            noise = jax.random.exponential(draw.key)
            return noise * (draw.value @ WEIGHTS) + draw.log_prob**2 + draw.trace.winners[0].astype(float), None

        return expect_draw(fn, Subset(rates, 2), estimator=estimator, key=key, has_aux=True)[0]

    return jax.vmap(jax.value_and_grad(one), (None, 0))(rates, keys)


@pytest.mark.slow
def test_the_whole_draw():
    def expected(rates):
        def fn(value, trace):
            return value @ WEIGHTS + Subset(rates, 2).log_prob(trace) ** 2 + trace.winners[0].astype(float)

        return expect_trace(fn, Subset(rates, 2), estimator=Exact(), key=KEY)

    value, slope = jax.jit(jax.value_and_grad(expected))(RATES)
    values, slopes = of_draws(LeaveOneOut(2), RATES, jax.random.split(KEY, 10_000))
    within(values, value)
    within(slopes, slope)


def test_every_draw_has_a_key_of_its_own():
    aux = lambda draw: (draw.value[0], jax.nn.one_hot(jax.random.randint(draw.key, (), 0, 1000), 1000))
    run = lambda key: expect_draw(aux, Subset(RATES, 2), estimator=LeaveOneOut(8), key=key, has_aux=True)[1]
    counts = jax.jit(jax.vmap(run))(jax.random.split(KEY, 3)) * 8
    assert (np.count_nonzero(counts, axis=1) >= 7).all()
    assert np.count_nonzero(counts.sum(axis=0)) > 15


def test_draws_in_one_call():
    def fn(draws):
        assert draws.value.shape == (4, 4) or draws.value.shape == (1, 4)
        return draws.value @ WEIGHTS + draws.log_prob

    batched = lambda key: expect_draw(fn, Subset(RATES, 2), estimator=LeaveOneOut(4), key=key, batched=True)
    single = lambda key: expect_draw(
        lambda draw: draw.value @ WEIGHTS + draw.log_prob, Subset(RATES, 2), estimator=LeaveOneOut(4), key=key
    )
    np.testing.assert_allclose(*jax.jit(lambda key: (batched(key), single(key)))(KEY), rtol=1e-6)


@eqx.filter_jit
def infinite(estimator, rates, bad, infeasible=None):
    """The first item costs `bad`."""

    def one(parts):
        rates, estimator = parts
        fn = lambda value: jnp.where(value[0] > 0, bad, value @ jnp.arange(4.0))
        return expect(fn, Categorical(rates), estimator=estimator, key=KEY, infeasible=infeasible)

    return eqx.filter_value_and_grad(one)((rates, estimator))


@each
@pytest.mark.few(2)
def test_what_an_infinite_cost_does(name):
    """With so high a rate that it is met."""
    if name == "biased":
        pytest.skip("looks between the values")
    rates = jnp.array([9.0, 0.0, 0.0, 0.0])
    for bad in (jnp.inf, jnp.nan, -jnp.inf):
        value, slopes = infinite(ESTIMATORS[name], rates, jnp.asarray(bad))
        np.testing.assert_array_equal(value, bad)
        assert all(np.isnan(leaf).any() for leaf in jax.tree.leaves(slopes) if jnp.issubdtype(leaf.dtype, jnp.inexact))
    value, slopes = infinite(ESTIMATORS[name], rates, jnp.asarray(jnp.inf), 100.0)
    finite, same = infinite(ESTIMATORS[name], rates, jnp.asarray(100.0))
    np.testing.assert_allclose(value, finite)
    jax.tree.map(np.testing.assert_allclose, slopes, same)
    assert np.isnan(infinite(ESTIMATORS[name], rates, jnp.asarray(jnp.nan), 100.0)[0])


@each
def test_what_cannot_happen_does_not_count(name):
    if name == "biased":
        pytest.skip("looks between the values")
    value, slopes = infinite(ESTIMATORS[name], jnp.array([-jnp.inf, 0.2, 0.0, 0.0]), jnp.asarray(jnp.inf))
    assert np.isfinite(value) and np.isfinite(slopes[0][1:]).all()


def test_what_costs_must_return():
    one = Subset(RATES, 2)
    how = {"estimator": LeaveOneOut(2), "key": KEY}
    with pytest.raises(TypeError, match=r"for each draw, \(draws,\), got float32\[\] for one draw"):
        expect(jnp.sum, one, batched=True, **how)
    with pytest.raises(TypeError, match="must return a pair"):
        expect(jnp.sum, one, has_aux=True, **how)
    with pytest.raises(TypeError, match="axis of the draws first"):
        expect(lambda values: (values[:, 0], jnp.zeros(3)), one, has_aux=True, batched=True, **how)
    with pytest.raises(ValueError, match="infeasible must be a finite cost, or None, got inf"):
        expect(jnp.sum, one, infeasible=float("inf"), **how)
    with pytest.raises(TypeError, match="relaxation"):
        expect_draw(lambda draw: draw.log_prob, one, estimator=BiasedRelaxation(), key=KEY)


class Plain(AbstractEstimator):
    """As the contract was before: the cost of one value at a time."""

    def estimate(self, fn, structure: Any, context, *, key):
        def one(key):
            draw = structure.sample(key=key)
            cost = fn(structure.value(draw.trace))
            surrogate = jax.lax.stop_gradient(cost) * draw.log_prob
            return cost + surrogate - jax.lax.stop_gradient(surrogate)

        return jnp.mean(jax.vmap(one)(jax.random.split(key, 2)))


def test_estimators_from_outside():
    """One that knows nothing of batches serves costs of many draws, and says that it has no auxiliary output."""
    structure, estimator = SpanningTree(jnp.zeros((3, 3))), Plain()
    total = lambda key: expect(lambda x: jnp.sum(x, (1, 2)), structure, estimator=estimator, key=key, batched=True)
    assert float(jax.jit(total)(KEY)) == 4
    with pytest.raises(TypeError, match="Plain serves no auxiliary output"):
        jax.jit(lambda key: expect(lambda x: (jnp.sum(x), x), structure, estimator=estimator, key=key, has_aux=True))(
            KEY
        )


def test_the_three_take_the_same_options():
    options = [set(inspect.signature(fn).parameters) for fn in (expect, expect_trace, expect_draw)]
    assert options[0] == options[1] == options[2]
