"""Options of graphs inferred from movement: what does not fit is refused, and the rest builds and learns."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest
import yaml

from vestige.estimators.specs import ESTIMATORS
from vestige.experiments import CATALOGUE, Experiment
from vestige.models.structured import StructureBound
from vestige.models.structured.graph_specs import GRAPHS, RelationalSpec
from vestige.plain import from_plain, to_plain
from vestige.rules.specs import GradientSpec
from vestige.tasks.structured.specs import GraphLayoutSpec

TASK = GraphLayoutSpec(4, 4)


def experiment(estimator="leave-one-out", **options):
    model = RelationalSpec(width=8, estimator=ESTIMATORS.find(estimator), **options)
    return Experiment(TASK, model, steps=2, batch_size=2, num_evals=1, eval_size=8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RelationalSpec(rollout=0), "rollout must be at least 1, got 0"),
        (lambda: RelationalSpec(width=0), "width must be at least 1, got 0"),
        (lambda: RelationalSpec("top-edges", edges=0), "edges must be at least 1, got 0"),
        (lambda: RelationalSpec(edges=3), "edges says how many edges top-edges has; spanning-tree has no such number"),
        (lambda: experiment(rollout=4).check(), "rollout must be at most 3, the frames that follow the first of 4"),
        (lambda: experiment(structure="top-edges", edges=7).check(), "edges must be at most 6, all that 4 nodes can"),
        (
            lambda: experiment("without-replacement").check(),
            "without-replacement needs a structure with distinct traces .*, and spanning-tree has none",
        ),
        (lambda: experiment("leave-one-out-set").check(), "needs a structure with set probability"),
        (lambda: experiment("biased-relaxation", divergence="trace").check(), "divergence trace needs an estimator"),
        (
            lambda: experiment("leave-one-out-set", structure="top-edges", divergence="trace").check(),
            "divergence trace needs an estimator",
        ),
        (
            lambda: experiment("relax-set", structure="top-edges", divergence="trace").check(),
            "divergence trace needs an estimator",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("structure", GRAPHS)
def test_options_survive_yaml_and_reach_the_model(structure):
    made = experiment(structure=structure)
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(made))), where="x") == made
    assert made.rule == GradientSpec(clip=None)
    copies = 1.0 if structure == "edges" else 2.0
    assert made.model.objective(TASK) == StructureBound("times", copies, 4.0)
    assert dataclasses.replace(made.model, divergence="trace").objective(TASK) == StructureBound("trace", 1.0, 4.0)


FITTING = {
    "spanning-tree": ("leave-one-out-times", "relax", "biased-relaxation"),
    "edges": ("leave-one-out", "biased-straight-through"),
    "top-edges": ("leave-one-out-set", "without-replacement", "relax-set"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("structure", "name"), [(kind, name) for kind, names in FITTING.items() for name in names])
def test_estimators_that_fit_give_every_part_a_gradient(structure, name):
    made = experiment(name, structure=structure, rollout=2)
    made.check()
    built = made.build(seed=0)
    example = jax.tree.map(lambda leaf: leaf[0], built.task.batch(size=1, key=jax.random.key(1)))
    objective = made.model.objective(built.task)
    slopes = eqx.filter_jit(eqx.filter_grad(lambda model, key: objective(model, example, key=key)[0]))
    found = slopes(built.model, jax.random.key(2))
    for part in (found.encoder, found.decoder):
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(part)]
        assert all(np.isfinite(leaf).all() for leaf in leaves) and any(leaf.any() for leaf in leaves)


def test_published_numbers_are_those_of_the_same_frames():
    entry = CATALOGUE["graph-layout"]
    told = entry.published(entry.preset("paper"))
    assert told["metrics"]["spanning tree, relaxed"] == {"elbo": -1080, "edge_precision": 0.91, "edge_recall": 0.91}
    twenty = entry.preset("paper").replace("task.steps", 20)
    assert entry.published(twenty)["metrics"]["spanning tree, relaxed"]["elbo"] == -1280
    assert entry.published(entry.preset("small")) == {} and "recalled" in told["source"]
