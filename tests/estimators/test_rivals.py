"""What is here for comparison: Sinkhorn's scaling, implicit maximum likelihood, perturbed Fenchel-Young losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from vestige.estimators import BiasedImplicitMLE, BiasedRelaxation, Exact, expect, fenchel_young_loss, sinkhorn
from vestige.structures import (
    Arborescence,
    Categorical,
    GibbsSpanningTree,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
    marginals,
)

from .cases import within

KEY = jax.random.key(2)
scaled = jax.jit(sinkhorn)


def test_sinkhorn_is_doubly_stochastic_and_scales_rows_and_columns():
    weights = np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32)
    found = np.asarray(scaled(weights))
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    ratio = np.log(found) - weights  # a sum of a number for each row and one for each column
    np.testing.assert_allclose(ratio - ratio[:1] - ratio[:, :1] + ratio[0, 0], 0, atol=1e-5)


def test_sinkhorn_ends_in_the_best_assignment_and_knows_masks():
    weights = np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32)
    found = np.asarray(scaled(weights / 0.02))
    np.testing.assert_array_equal(found.argmax(axis=1), linear_sum_assignment(-weights)[1])
    weights[2] = weights[:, 2] = -np.inf
    found = np.asarray(scaled(weights))
    others = np.delete(np.arange(5), 2)
    np.testing.assert_allclose(found[np.ix_(others, others)], scaled(weights[np.ix_(others, others)]), rtol=1e-5)
    assert (found[2] == 0).all() and (found[:, 2] == 0).all()


def test_relaxed_matchings_have_slopes():
    cost = lambda value: jnp.sum(value * jnp.arange(9.0).reshape(3, 3))
    estimate = lambda x: expect(cost, Matching(x), estimator=BiasedRelaxation(0.7, 2), key=KEY)
    value, slope = jax.jit(jax.value_and_grad(estimate))(jnp.zeros((3, 3)))
    assert 0 < value < 24 and jnp.all(jnp.isfinite(slope)) and jnp.any(slope != 0)


WEIGHTS = jnp.array([1.0, -2.0, 0.5, 3.0])


def test_implicit_mle_is_the_difference_of_two_draws():
    """By the definition, with the same noise; the value and what the cost closes over are those of plain draws."""
    rates, step, draws = jnp.array([0.3, -0.5, 0.1, 0.8]), 0.7, 6

    @jax.jit
    def both(rates, weights):
        cost = lambda weights, value: jnp.dot(weights, value) ** 2
        estimate = lambda rates, weights: expect(
            lambda value: cost(weights, value), Subset(rates, 2), estimator=BiasedImplicitMLE(step, draws), key=KEY
        )
        found = jax.value_and_grad(estimate, (0, 1))(rates, weights)

        def one(key):
            draw = Subset(rates, 2).sample(key=key)
            slope = jax.grad(lambda value: cost(weights, value))(jax.lax.stop_gradient(draw.value))
            again = Subset(rates, 2).solve(draw.log_times + step * slope)
            return cost(weights, draw.value), (draw.value - again.value) / step, jax.grad(cost)(weights, draw.value)

        return found, jax.tree.map(lambda x: jnp.mean(x, 0), jax.vmap(one)(jax.random.split(KEY, draws)))

    (value, slopes), expected = both(rates, WEIGHTS)
    for mine, right in zip((value, *slopes), expected, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("make", [Categorical, SpanningTree, Matching, Arborescence])
def test_implicit_mle_points_down(make):
    """With a small step: at 1 the estimate for an arborescence is 49 degrees off."""
    shape = (4,) if make is Categorical else (4, 4)
    rates = jax.random.normal(jax.random.key(0), shape)
    rates = (rates + rates.T) / 2 if make is SpanningTree else rates
    costs = jax.random.normal(jax.random.key(9), shape)
    run = lambda estimator: lambda x, key: expect(lambda v: jnp.sum(v * costs), make(x), estimator=estimator, key=key)
    exact = jax.jit(jax.grad(run(Exact())))(rates, KEY)
    keys = jax.random.split(KEY, 3000)
    found = jax.jit(jax.vmap(jax.grad(run(BiasedImplicitMLE(0.2, 2))), (None, 0)))(rates, keys).mean(axis=0)
    assert jnp.sum(found * exact) / jnp.linalg.norm(found) / jnp.linalg.norm(exact) > 0.8


def test_the_slope_of_the_loss_is_what_the_marginals_lack():
    structure = Subset(jnp.array([0.3, -0.5, 0.1, 0.8]), 2)
    value = jnp.array([1.0, 0.0, 0.0, 1.0])
    run = lambda x, key: fenchel_young_loss(structure.with_log_rates(x), value, draws=2, key=key)
    keys = jax.random.split(KEY, 4000)
    losses, slopes = jax.jit(jax.vmap(jax.value_and_grad(run), (None, 0)))(structure.log_rates, keys)
    within(slopes, jax.jit(marginals)(structure) - value)
    assert losses.mean() > 0


@pytest.mark.slow
def test_the_loss_of_trees():
    x = jnp.asarray(np.random.default_rng(3).normal(size=(4, 4)), jnp.float32)
    x = (x + x.T) / 2
    value = SpanningTree(x).mode().value
    run = lambda x, key: fenchel_young_loss(SpanningTree(x), value, draws=2, key=key)
    slopes = jax.jit(jax.vmap(jax.grad(run), (None, 0)))(x, jax.random.split(KEY, 4000))
    within(slopes, (jax.jit(marginals)(SpanningTree(x)) - value) / 2)  # each entry of an edge gets half


def test_what_is_refused():
    with pytest.raises(TypeError, match="draws of Matching are not the best"):
        fenchel_young_loss(Matching(jnp.zeros((3, 3))), jnp.eye(3), draws=1, key=KEY)
    with pytest.raises(ValueError, match="draws must be at least 1"):
        fenchel_young_loss(Categorical(jnp.zeros(3)), jnp.ones(3) / 3, draws=0, key=KEY)
    with pytest.raises(ValueError, match="step must be positive, got 0"):
        BiasedImplicitMLE(0.0)
    for structure, error in (
        (Permutation(jnp.zeros(3)), "no entry for each key"),
        (GibbsSpanningTree(jnp.zeros((3, 3))), "needs arrival times"),
    ):
        with pytest.raises(TypeError, match=error):
            jax.jit(lambda key, one=structure: expect(jnp.sum, one, estimator=BiasedImplicitMLE(), key=key))(KEY)
