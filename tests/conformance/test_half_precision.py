"""Weights of 16 bits: every registered model is trained with them, keeps them, and does as with 32 but for rounding."""

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
from vestige.tasks.structured.specs import GraphLayoutSpec
from vestige.tasks.text.specs import ExplainSpec, ListOpsSpec, ParseSpec
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
    "labelled texts": ListOpsSpec(depths=1, longest=9, train=40, test=20),
    "sentences": ParseSpec(longest=16, train=20, test=10),
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
    changes = {}
    for dtype in (jnp.float32, jnp.bfloat16):
        start = in_precision(in_precision(built.model, jnp.bfloat16), dtype)  # the same numbers in both
        with jax.numpy_dtype_promotion("standard"):
            done = fit(
                start,
                built.task,
                rule=built.rule,
                optimiser=built.optimiser,
                steps=UPDATES,
                key=built.key,
                batch_size=4,
            )
        assert [leaf.dtype for leaf in leaves(done.model)] == [dtype] * len(leaves(start))
        assert all(np.isfinite(np.asarray(leaf, np.float32)).all() for leaf in leaves(done.model))
        pairs = zip(leaves(done.model), leaves(start), strict=True)
        changes[dtype] = np.concatenate(
            [np.ravel(np.asarray(a, np.float64) - np.asarray(b, np.float64)) for a, b in pairs]
        )
    exact, rounded = changes[jnp.float32], changes[jnp.bfloat16]
    assert np.abs(exact).max() > 0
    assert np.abs(rounded).max() > 0
    assert exact @ rounded > 0
