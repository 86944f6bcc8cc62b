"""Weights of 16 bits: every registered model is trained with them, and keeps them."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import quick_first
from tests.conformance.test_rules import SMALL
from vestige.experiments import Experiment
from vestige.registries import registry
from vestige.tasks.filtering.specs import SensorsSpec
from vestige.tasks.frame_specs import PerfectRecallSpec
from vestige.tasks.structured.specs import GraphLayoutSpec, ObjectTrackingSpec
from vestige.tasks.text.specs import ExplainSpec, ListOpsSpec, ParenthesesSpec, ParseSpec
from vestige.tasks.tied.specs import BarsAndStripesSpec, CalibratedDigitsSpec
from vestige.tasks.tmaze.specs import TMazeSpec
from vestige.tasks.toy_specs import ToyArborescenceSpec
from vestige.training import fit

TASKS = {
    "frames": PerfectRecallSpec(3, 2),
    "named frames": PerfectRecallSpec(3, 2),
    "outcomes": SMALL["long-term memory"].task,
    "observations": SensorsSpec(length=40),
    "bits": BarsAndStripesSpec(2),
    "labels": CalibratedDigitsSpec(passes=1),
    "maze": TMazeSpec(length=6, jitter=2),
    "cost": ToyArborescenceSpec(),
    "moving graphs": GraphLayoutSpec(nodes=4, steps=4),
    "detections": ObjectTrackingSpec(3, 4),
    "labelled texts": ListOpsSpec(depths=1, longest=9, train=40, test=20),
    "sentences": ParseSpec(longest=16, train=20, test=10),
    "token sequences": ParenthesesSpec(2),
    "marked texts": ExplainSpec(k=2, longest=8, train=20, test=10),
}
"""By what a model needs of a task; none for recordings of the game, which is not installed everywhere."""
NEEDS_THE_GAME = "recorded game"
SIZES = {
    "hidden": 4,
    "width": 8,
    "latent_size": 3,
    "controller_size": 8,
    "features": 4,
    "heads": 4,
    "detector_width": 3,
}
UPDATES = 3


def small(name: str) -> Experiment:
    spec = registry("model")[name]
    fields = {field.name for field in dataclasses.fields(spec)}
    sizes = {size: value for size, value in SIZES.items() if size in fields}
    if "match_parameters" in fields:
        sizes["match_parameters"] = False
    return Experiment(TASKS[spec.needs], dataclasses.replace(spec, **sizes), batch_size=4, num_evals=1)


def in_precision(tree, dtype):
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, tree)


def leaves(model):
    return [leaf for leaf in jax.tree.leaves(model) if eqx.is_inexact_array(leaf)]


@pytest.mark.slow
@pytest.mark.parametrize("name", quick_first(list(registry("model").items())))
def test_a_model_of_bfloat16_is_trained_and_stays_one(name):
    if registry("model")[name].needs == NEEDS_THE_GAME:
        pytest.skip("its recordings need the game, which is not installed everywhere")
    built = small(name).build(seed=0)
    start = in_precision(built.model, jnp.bfloat16)
    parts = {"rule": built.rule, "optimiser": built.optimiser, "key": built.key}
    with jax.numpy_dtype_promotion("standard"):
        done = fit(start, built.task, steps=UPDATES, batch_size=4, **parts)
    before, after = leaves(start), leaves(done.model)
    assert [leaf.dtype for leaf in after] == [jnp.bfloat16] * len(before)
    assert all(np.isfinite(np.asarray(leaf, np.float32)).all() for leaf in after)
    assert any(np.any(np.asarray(a) != np.asarray(b)) for a, b in zip(after, before, strict=True))
    assert all(np.isfinite(value) for line in done.history for value in line.values() if isinstance(value, float))
