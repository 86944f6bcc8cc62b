"""What is refused, and how it is said."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from vestige.estimators import (
    BiasedRelaxation,
    BiasedStraightThrough,
    Exact,
    LeaveOneOut,
    MeanOfOthers,
    Relax,
    ScoreFunction,
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


def test_exact_and_traces_that_end_early():
    structure = Matching(jnp.zeros((3, 3)), mask=jnp.array([True, True, False]))
    with pytest.raises(Exception, match="do not add up"):
        eqx.filter_jit(lambda s: expect(jnp.sum, s, estimator=Exact(), key=KEY))(structure)
