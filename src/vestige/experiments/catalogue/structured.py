"""The experiments in which a structure is the latent of a network."""

import dataclasses

from vestige.estimators.specs import LeaveOneOutSpec
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import structured as published
from vestige.models.structured.graph_specs import RelationalSpec
from vestige.models.structured.tracking_specs import TrackingSpec
from vestige.tasks.structured.specs import GraphLayoutSpec, ObjectTrackingSpec
from vestige.training.optimisers import AdamSpec

SYSTEM = "structured latents"

_LAYOUT = Experiment(
    GraphLayoutSpec(10, 10),
    RelationalSpec(width=256, rollout=9, estimator=LeaveOneOutSpec(4)),
    optimiser=AdamSpec(3e-4, "constant"),
    steps=50_000,
    batch_size=128,
    num_evals=100,
    eval_size=1024,
)


def _scaled(nodes: int, width: int, draws: int, rate: float, batch: int, steps: int) -> Experiment:
    return Experiment(
        GraphLayoutSpec(nodes, 10),
        RelationalSpec(width=width, estimator=LeaveOneOutSpec(draws)),
        optimiser=AdamSpec(rate),
        steps=steps,
        batch_size=batch,
        num_evals=10,
        eval_size=256,
    )


def _tracked(objects: int, width: int, rate: float, batch: int, steps: int, num_evals: int) -> Experiment:
    return Experiment(
        ObjectTrackingSpec(objects),
        TrackingSpec(width=width),
        optimiser=AdamSpec(rate),
        steps=steps,
        batch_size=batch,
        num_evals=num_evals,
        eval_size=256,
    )


STRUCTURED = (
    Entry(
        name="graph-layout",
        title="Graph layout",
        summary="the tree behind nodes that springs move, inferred without ever being shown",
        system=SYSTEM,
        paper="Struminsky et al. 2021, in the setting of Paulus et al. 2020",
        presets={
            "small": _scaled(5, 32, 8, 3e-3, 16, 1500),
            "cpu": _scaled(10, 64, 8, 2e-3, 32, 10_000),
            "paper": dataclasses.replace(_LAYOUT, task=GraphLayoutSpec(10, 10, train=50_000)),
        },
        durations={"small": "2 min, 2 CPU cores", "cpu": "an hour, 2 CPU cores", "paper": "hours, 1 GPU"},
        published=published.graph_layout,
        vary="model.estimator",
        bench="model.estimator",
    ),
    Entry(
        name="object-tracking",
        title="Object tracking",
        summary="which detection is of which object, when names are given in the first frame alone",
        system=SYSTEM,
        paper="ours: the matchings of Struminsky et al. 2021 as latents of a sequence",
        presets={
            "small": _tracked(4, 32, 3e-3, 16, 2000, 5),
            "cpu": _tracked(6, 64, 2e-3, 32, 10_000, 10),
            "paper": _tracked(8, 128, 1e-3, 128, 50_000, 50),
        },
        durations={"small": "1 min, 1 CPU core", "cpu": "20 min, 1 CPU core", "paper": "not measured, 1 GPU"},
        vary="optimiser",
        bench="optimiser",
    ),
)
"""Structures behind data."""
