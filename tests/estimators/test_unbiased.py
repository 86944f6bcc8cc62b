"""Whatever calls itself unbiased is, everywhere, for the rates and for what the cost closes over."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige import estimators
from vestige.estimators import (
    AbstractEstimator,
    BiasedImplicitMLE,
    BiasedRelaxation,
    BiasedStraightThrough,
    Exact,
    LeaveOneOut,
    Relax,
    ScoreFunction,
    TimesScore,
    TraceScore,
    relaxed,
)
from vestige.structures import Arborescence, BinaryTree, Matching, SpanningTree, Subset

from .cases import (
    PAIRS,
    POINTS,
    UNBIASED,
    curved,
    estimated,
    estimates,
    exact,
    linear,
    many,
    moments,
    one,
    quick_first,
    subset,
    within,
)


@pytest.mark.parametrize(("estimator", "point"), [quick_first(point, name, point) for name, point in PAIRS])
def test_value_and_gradients_are_those_of_the_expectation(estimator, point):
    for found, expected in zip(estimated(estimator, point), exact(point), strict=True):
        within(found, expected)
    assert np.max(np.abs(exact(point)[1])) > 0.05  # there was something to find


def test_the_list_is_complete():
    public = {member for member in vars(estimators).values() if inspect.isclass(member)}
    public = {member for member in public if issubclass(member, AbstractEstimator) and not inspect.isabstract(member)}
    listed = {type(make(4)) for make in UNBIASED.values()} | {Exact}
    assert public - listed == {BiasedImplicitMLE, BiasedRelaxation, BiasedStraightThrough}
    assert {name for name, _ in PAIRS} == set(UNBIASED) and {point for _, point in PAIRS} == set(POINTS)


@pytest.mark.parametrize("point", [quick_first(point, point) for point in POINTS])
@pytest.mark.few(1)
def test_exact_against_differences(point):
    """The reference has a reference of its own: its value, differenced in float64."""
    make = POINTS[point].make
    with jax.enable_x64(True):
        rates, coefficients = (jnp.asarray(x) for x in POINTS[point].arrays(np.float64))
        key, step = jax.random.key(0), 1e-5
        toward, across = (jnp.asarray(x) for x in POINTS[point]._replace(seed=50).arrays(np.float64))
        _, (slope, other) = one(make, curved, rates, coefficients, Exact(), key)
        up, _ = one(make, curved, rates + step * toward, coefficients + step * across, Exact(), key)
        down, _ = one(make, curved, rates - step * toward, coefficients - step * across, Exact(), key)
        expected = float(jnp.sum(slope * toward) + jnp.sum(other * across))
        assert float(up - down) / (2 * step) == pytest.approx(expected, abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("score", "variance"), [(TimesScore(), 27 / 16), (TraceScore(), 9 / 16)])
def test_golden_variances_of_a_matching(score, variance):
    """n = 2, equal rates, the number of fixed points: by hand."""
    _, slopes, _ = estimates(Matching, linear, jnp.zeros((2, 2)), jnp.eye(2), ScoreFunction(1, score), seed=1)
    within(slopes, 0.25 * np.array([[1, -1], [-1, 1]]))
    found = moments(slopes)
    diagonal = np.eye(2, dtype=bool)
    assert np.all(np.abs(found.variance - variance)[diagonal] < 4 * found.variance_error[diagonal])


VARIED = ["spanning tree", "arborescence", "matching", "binary tree", "subset"]


@pytest.mark.parametrize("point", [quick_first(point, point) for point in VARIED])
def test_the_trace_has_no_more_variance_than_the_times(point):
    if point in ("matching", "subset"):
        trace, times = estimated("trace score", point)[1], estimated("times score", point)[1]
        less, more = moments(trace), moments(times)
        assert np.all(less.variance <= more.variance + 4 * (less.variance_error + more.variance_error))
    else:
        trace, times = estimated("leave one out", point)[1], estimated("times score", point)[1]
        less, more = moments(trace), moments(times)
    assert np.sum(less.variance) < np.sum(more.variance)


def on_a_base(costs, value):
    """The last row of the costs is paid by everybody."""
    return linear(costs[:3], value) + costs[3, 0]


@pytest.mark.parametrize("score", [TraceScore(), TimesScore()])
@pytest.mark.few(1)
def test_a_constant_changes_nothing_left_one_out(score, key):
    """With whole numbers and three draws no rounding is left, so that the estimates are the same numbers."""
    rates, _ = POINTS["matching"].arrays()
    costs = np.concatenate([np.arange(9.0).reshape(3, 3), np.zeros((1, 3))]).astype(np.float32)
    raised = np.where(np.arange(4)[:, None] == 3, np.float32(1024), costs)
    keys = jax.random.split(key, 20)
    value, slope, _ = many(Matching, on_a_base, rates, costs, LeaveOneOut(3, score), keys)
    more, same, _ = many(Matching, on_a_base, rates, raised, LeaveOneOut(3, score), keys)
    np.testing.assert_allclose(same, slope, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(more) - np.asarray(value), 1024.0)


def zero(perturbed, context):
    return 0.0 * jnp.sum(perturbed)


@pytest.mark.slow
def test_relax_without_a_critic_is_the_trace_score(key):
    """In distribution: the draws of the same key are others, since the key is split."""
    rates, coefficients = POINTS["matching"].arrays()
    _, slopes, _ = estimates(Matching, curved, rates, coefficients, Relax(zero), seed=2)
    plain = moments(estimated("trace score", "matching")[1])
    found = moments(slopes)
    assert np.all(np.abs(found.mean - plain.mean) < 4 * np.hypot(found.mean_error, plain.mean_error))
    assert np.all(np.abs(found.variance - plain.variance) < 4 * np.hypot(found.variance_error, plain.variance_error))
    # And on one and the same draw.
    value, (slope, other) = one(Matching, curved, rates, coefficients, Relax(zero), key)
    first, _ = jax.random.split(key)
    again, (expected, other_expected) = one(Matching, curved, rates, coefficients, ScoreFunction(1), first)
    assert float(value) == pytest.approx(float(again), rel=1e-5)
    np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(other, other_expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("biased", [BiasedRelaxation(), BiasedStraightThrough()])
def test_biased_ones_are(biased):
    rates, coefficients = POINTS["subset"].arrays()
    _, slopes, _ = estimates(subset, curved, rates, coefficients, biased, seed=3)
    found = moments(slopes)
    assert np.max(np.abs(found.mean - exact("subset")[1]) / found.mean_error) > 10
    assert type(biased).__name__.startswith("Biased")


def test_no_relaxation(key):
    structure = Arborescence(jnp.zeros((3, 3)), None)
    with pytest.raises(TypeError, match="no relaxation"):
        relaxed(structure, structure.log_rates)
    with pytest.raises(TypeError, match="BinaryTree has no relaxation"):
        one(BinaryTree, linear, jnp.zeros(3), jnp.eye(3), BiasedRelaxation(), key)


def masked_tree(rates, mask):
    return SpanningTree((rates + rates.T) / 2, mask=mask)


def masked_arborescence(rates, mask):
    return Arborescence(rates, 1, mask=mask)


def masked_subset(rates, mask):
    return Subset(rates, 2, mask=mask)


def masked_matching(rates, mask):
    return Matching(rates, mask=mask)


def masked_binary(rates, mask):
    return BinaryTree(rates, mask=mask)


MASK = np.array([True, True, False, True])
MASKED = {
    "spanning tree": (masked_tree, 2, LeaveOneOut(2)),
    "arborescence": (masked_arborescence, 2, LeaveOneOut(2)),
    "matching": (masked_matching, 2, LeaveOneOut(2)),
    "subset, relax": (masked_subset, 1, UNBIASED["relax"](4)),
    "subset": (masked_subset, 1, LeaveOneOut(2)),
    "binary tree": (masked_binary, 1, LeaveOneOut(2)),
}


@pytest.mark.parametrize("case", [quick_first(case, case) for case in MASKED])
def test_a_masked_structure_is_the_smaller_one(case):
    make, rank, estimator = MASKED[case]
    noise = np.random.default_rng(9)
    rates = noise.normal(size=(4,) * rank).astype(np.float32)
    shape = (4,) if case.startswith("subset") else (4, 4)
    coefficients = noise.normal(size=shape).astype(np.float32)

    def masked(rates):
        return make(rates, jnp.asarray(MASK))

    def whole(rates):
        return make(rates, None)

    _, slopes, others = estimates(masked, curved, rates, coefficients, estimator, seed=4)
    small = [x[np.ix_(*(MASK,) * x.ndim)] for x in (rates, coefficients)]
    _, expected = one(whole, curved, *small, Exact(), jax.random.key(0))
    for found, reference in zip((slopes, others), expected, strict=True):
        found = np.asarray(found)
        inside = np.ix_(*(MASK,) * (found.ndim - 1))
        within(found[:, *inside], reference)
        outside = np.ones(found.shape[1:], bool)
        outside[inside] = False
        assert not np.any(found[:, outside])
