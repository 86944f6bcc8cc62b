"""Every registered rule proposes updates in the shape of the model, on a small experiment with what the rule needs."""

import dataclasses
import functools

import equinox as eqx
import jax
import numpy as np
import pytest

from tests.conformance.cases import quick_first
from vestige.cells.specs import LSTMSpec
from vestige.experiments import Experiment
from vestige.models.filters.specs import RVAESpec
from vestige.models.longterm.specs import RecurrentSpec
from vestige.models.policy.specs import AgentSpec
from vestige.models.temporal.specs import TemporalSpec
from vestige.models.tied.specs import TiedPairSpec
from vestige.registries import registry
from vestige.tasks.filtering.specs import SensorsSpec
from vestige.tasks.frame_specs import PerfectRecallSpec
from vestige.tasks.longterm.specs import RecallSpec
from vestige.tasks.tied.specs import BarsAndStripesSpec
from vestige.tasks.tmaze.specs import TMazeSpec

SMALL = {
    "objective": Experiment(
        PerfectRecallSpec(3, 2), TemporalSpec(latent_size=3, controller_size=8, width=8, match_parameters=False)
    ),
    "long-term memory": Experiment(RecallSpec(12), RecurrentSpec(LSTMSpec(4), features=3, width=4, detector_width=3)),
    "step density": Experiment(SensorsSpec(length=40), RVAESpec(hidden=3, width=4)),
    "two directions": Experiment(BarsAndStripesSpec(2), TiedPairSpec(layers="3")),
    "agent": Experiment(TMazeSpec(length=6, jitter=2), AgentSpec(hidden=4, features=4, width=4, heads=4)),
}
"""By what a rule needs of a model."""


@functools.cache
def shared(needs):
    """Task, model and a batch: the same for all rules."""
    built = SMALL[needs].build(seed=0)
    return built, eqx.filter_jit(lambda task, key: task.batch(size=3, key=key))(built.task, jax.random.key(1))


@pytest.mark.parametrize("name", quick_first(list(registry("rule").items()), kind=lambda rule: rule.needs))
@pytest.mark.few(1)
def test_updates_have_the_shape_of_the_model_and_are_finite(name):
    spec = registry("rule")[name]
    assert spec.needs in SMALL, f"no small experiment has a model that provides {spec.needs}: add one above"
    experiment = dataclasses.replace(SMALL[spec.needs].choose({"rule": name}), batch_size=3)
    experiment.check()
    assert (experiment.task, experiment.model) == (SMALL[spec.needs].task, SMALL[spec.needs].model)
    built, batch = shared(spec.needs)
    rule = experiment.rule.build(experiment.model, built.task)
    assert experiment.rule.updates_per_batch(built.task) >= 1 and experiment.rule.steps_per_update >= 1
    key = jax.random.key(1)
    carry = rule.init(built.model, batch, key=key)
    step = eqx.filter_jit(lambda rule, model, carry, batch, key: rule.step(model, carry, batch, key=key))
    done = step(rule, built.model, carry, batch, key)
    weights = eqx.filter(built.model, eqx.is_inexact_array)
    grads = eqx.filter(done.grads, eqx.is_inexact_array)
    shapes = lambda tree: [leaf.shape for leaf in jax.tree.leaves(tree)]
    assert shapes(grads) == shapes(weights)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
    assert any(np.any(np.asarray(leaf) != 0) for leaf in jax.tree.leaves(grads))
    again = step(rule, built.model, done.carry, batch, key)  # the carry of one update is that of the next
    assert shapes(again.carry) == shapes(done.carry)
