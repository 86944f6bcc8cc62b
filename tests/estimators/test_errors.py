"""What is refused, and how it is said."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from vestige.debug import checks
from vestige.estimators import (
    BiasedRelaxation,
    BiasedStraightThrough,
    Critic,
    Exact,
    LeaveOneOut,
    MeanOfOthers,
    Relax,
    RunningMean,
    ScoreFunction,
    TimesScore,
    WithoutReplacement,
    expect,
)
from vestige.structures import Categorical, Matching, Permutation, SpanningTree, exact

KEY = jax.random.key(0)
THREE = Categorical(jnp.array([0.1, 0.2, 0.3]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeaveOneOut(1), "at least 2, got 1"),
        (lambda: ScoreFunction(0), "at least 1, got 0"),
        (lambda: Relax(lambda perturbed, context: perturbed[0], 0), "at least 1, got 0"),
        (lambda: WithoutReplacement(1), "at least 2, got 1"),
        (lambda: BiasedRelaxation(0.0), "temperature must be positive"),
        (lambda: BiasedStraightThrough(0.0), "temperature must be positive"),
        (lambda: BiasedRelaxation(1.0, 0), "at least 1, got 0"),
    ],
)
def test_impossible_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.slow
def test_the_mean_of_no_others():
    with pytest.raises(ValueError, match="at least 2 draws"):
        expect(jnp.sum, THREE, estimator=ScoreFunction(1, baseline=MeanOfOthers()), key=KEY)


def test_without_replacement_knows_sequences_alone():
    with pytest.raises(TypeError, match="not for SpanningTree"):
        expect(jnp.sum, SpanningTree(jnp.zeros((3, 3))), estimator=WithoutReplacement(2), key=KEY)


@pytest.mark.parametrize("fn", [lambda x: x, lambda x: x[:1], lambda x: jnp.sum(x) > 0, lambda x: 1])
def test_the_cost_must_be_one_number(fn):
    with pytest.raises(TypeError):
        expect(fn, THREE, estimator=LeaveOneOut(2), key=KEY)


def test_too_many_traces(monkeypatch):
    assert exact.LIMIT == 200_000
    monkeypatch.setattr(exact, "LIMIT", 100)  # listing the others takes a while
    with pytest.raises(ValueError, match="more than 100 traces"):
        expect(jnp.sum, Permutation(jnp.zeros(5)), estimator=Exact(), key=KEY)


@pytest.mark.slow
def test_exact_and_traces_that_end_early():
    structure = Matching(jnp.array([[0.0, -jnp.inf], [0.0, 0.0]]))  # the diagonal, or a dead end
    estimate = lambda structure: expect(jnp.sum, structure, estimator=Exact(), key=KEY)
    with pytest.raises(ValueError, match="do not add up"):
        estimate(structure)
    assert jnp.isnan(eqx.filter_jit(estimate)(structure))
    with checks(), pytest.raises(eqx.EquinoxRuntimeError, match="do not add up"):
        eqx.filter_jit(estimate)(structure)


LOST = (
    Categorical(jnp.zeros(3)).with_log_rates(jnp.full(3, -jnp.inf, jnp.float32)),
    Categorical(jnp.zeros(3)).with_log_rates(jnp.array([0.0, jnp.nan, 0.0])),
)


@eqx.filter_jit
def slopes(parts):
    """An estimate from a structure and an estimator, and its slopes in both."""
    value = lambda parts: expect(lambda x: jnp.sum(x * jnp.arange(3.0)), parts[0], estimator=parts[1], key=KEY)
    return eqx.filter_value_and_grad(value)(parts)


@pytest.mark.parametrize("structure", LOST, ids=["nothing possible", "nan"])
@pytest.mark.parametrize(
    "estimator",
    [
        LeaveOneOut(2),
        ScoreFunction(1, TimesScore()),
        ScoreFunction(2, baseline=RunningMean(0.5)),
        Relax(Critic(3, 4, key=KEY)),
        WithoutReplacement(2),
        Exact(),
        BiasedStraightThrough(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.few(4)
def test_compiled_estimates_of_nothing_are_nan_gradients_included(estimator, structure):
    """Never a finite number that means nothing."""
    value, slope = slopes((structure, estimator))
    assert jnp.isnan(value)
    possible = structure.log_rates > -jnp.inf
    assert not jnp.any(possible) or jnp.any(jnp.isnan(slope[0].rates.finite))
    assert all(bool(jnp.any(jnp.isnan(leaf))) for leaf in jax.tree.leaves(slope[1]))
