"""The registered estimators and baselines: every option reaches the part, and what they need of structures is true."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige import estimators as parts
from vestige.errors import UsageError
from vestige.estimators import expect
from vestige.estimators.specs import (
    BASELINES,
    ESTIMATORS,
    BaselineSpec,
    EstimatorSpec,
    LeaveOneOutSpec,
    MeanOfOthersSpec,
    RelaxSpec,
    RunningMeanSpec,
    ScoreFunctionSpec,
)
from vestige.plain import from_plain, to_plain
from vestige.structures.specs import STRUCTURES, CategoricalSpec


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_is_built(name):
    spec = BASELINES[name]
    costs = jnp.asarray([1.0, 2.0])
    expected = {"none": [0.0, 0.0], "mean-of-others": [2.0, 1.0], "running-mean": [0.5, 0.5]}[name]
    given = dataclasses.replace(spec, value=0.5) if isinstance(spec, RunningMeanSpec) else spec
    np.testing.assert_allclose(given.build()(costs, None), expected)
    assert from_plain(BaselineSpec, to_plain(given), where="x") == given


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_is_built(name, key):
    spec = dataclasses.replace(ESTIMATORS[name], draws=7)
    built = spec.build(6, key=key)
    assert type(built).__name__ == type(spec).part.rpartition(":")[2]
    assert built.draws == 7
    assert from_plain(EstimatorSpec, to_plain(spec), where="x") == spec


def test_options_reach_the_parts(key):
    by = {name: ESTIMATORS[name].build(6, key=key) for name in ESTIMATORS}
    assert isinstance(by["score-function"].score, parts.TraceScore)
    assert isinstance(by["score-function-times"].score, parts.TimesScore)
    assert isinstance(by["leave-one-out-set"].score, parts.SetScore)
    assert isinstance(by["relax"].noise, parts.GivenTrace) and by["relax"].trained
    assert isinstance(by["relax-set"].noise, parts.GivenSet)
    assert isinstance(by["relax-times"].noise, parts.AllTimes)
    assert not by["relax-untrained"].trained
    assert isinstance(by["relax-leave-one-out"].baseline, parts.MeanOfOthers)
    assert isinstance(ScoreFunctionSpec(2, baseline=MeanOfOthersSpec()).build(6, key=key).baseline, parts.MeanOfOthers)
    relax = RelaxSpec(2, redraws=3, width=5, baseline=RunningMeanSpec(0.5)).build(6, key=key)
    assert relax.noise.redraws == 3 and relax.critic.hidden.weight.shape == (5, 6) and relax.baseline.value == 0.5
    assert RelaxSpec(2, "set", redraws=4).build(6, key=key).noise.redraws == 4
    warm = dataclasses.replace(ESTIMATORS["biased-straight-through"], temperature=0.5).build(6, key=key)
    assert warm.temperature == 0.5


QUICK = {"subset", "spanning-tree"}  # one provides all there is to need, one nothing


@pytest.mark.parametrize(
    "structure", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in STRUCTURES]
)
@pytest.mark.parametrize("name", [name for name in ESTIMATORS if ESTIMATORS[name].needs])
@pytest.mark.few(3)
def test_what_an_estimator_needs_decides_where_it_is_defined(name, structure, key):
    """Where a structure provides it a gradient can be traced, elsewhere the estimator refuses."""
    spec, there = ESTIMATORS[name], type(STRUCTURES[structure])(3)
    estimator = spec.build(math.prod(there.rates_shape), key=key)

    def loss(rates):
        return expect(lambda value: jnp.sum(value), there.build(rates), estimator=estimator, key=key)

    def traced():
        return eqx.filter_eval_shape(jax.grad(loss), jnp.zeros(there.coordinates))

    if spec.needs in there.provides:
        assert traced().shape == (there.coordinates,)
        return
    with pytest.raises(TypeError, match="is defined for|has no relaxation|has no entry for each key"):
        traced()


@pytest.mark.slow
def test_an_untrained_critic_stays_as_it_is(key):
    """And the estimate is the same."""

    @eqx.filter_jit
    def slopes(estimator):
        def loss(both):
            rates, estimator = both
            cost = lambda v: jnp.sum(jnp.arange(4.0) * v)
            return expect(cost, CategoricalSpec(4).build(rates), estimator=estimator, key=key)

        return eqx.filter_grad(loss)((jnp.linspace(-1.0, 1.0, 4), estimator))

    (rates, learning), (same, still) = (
        slopes(RelaxSpec(2, trained=trained).build(4, key=key)) for trained in (True, False)
    )
    np.testing.assert_array_equal(rates, same)
    assert float(jnp.abs(learning.critic.hidden.weight).max()) > 0
    assert all(not leaf.any() for leaf in jax.tree.leaves(eqx.filter(still.critic, eqx.is_array)))


def test_names_of_the_paper_are_further_names():
    expected = {"e": "score-function-times", "t": "score-function", "e-plus": "leave-one-out-times"}
    expected |= {"t-plus": "leave-one-out", "relax-e": "relax-times"}
    for name, listed in expected.items():
        assert ESTIMATORS.find(name) is ESTIMATORS[listed]
        assert from_plain(EstimatorSpec, name, where="x") == ESTIMATORS[listed]
        assert name not in ESTIMATORS
    assert to_plain(ESTIMATORS.find("t-plus")) == {"name": "leave-one-out"}
    with pytest.raises(UsageError, match="the name is taken by vestige"):
        ESTIMATORS.add("t-plus", LeaveOneOutSpec())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeaveOneOutSpec(1), "draws must be at least 2, got 1"),
        (lambda: ScoreFunctionSpec(0), "draws must be at least 1, got 0"),
        (
            lambda: ScoreFunctionSpec(1, baseline=MeanOfOthersSpec()),
            "draws must be at least 2 with this baseline, got 1",
        ),
        (lambda: RelaxSpec(width=0), "width must be at least 1, got 0"),
        (lambda: RelaxSpec(noise="times", redraws=2), "nothing is drawn anew, so it must be 1, got 2"),
        (lambda: type(ESTIMATORS["biased-relaxation"])(temperature=0.0), "temperature must be positive, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
