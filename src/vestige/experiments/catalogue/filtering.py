"""The experiments with models that only go forward in time."""

from typing import Any

from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import filtering as published
from vestige.models.filters.specs import FactorSpec, RVAESpec
from vestige.models.harmonium.specs import REFHSpec
from vestige.rules.local_specs import LocalSpec, MultiStepSpec
from vestige.tasks.filtering.specs import (
    BallsSpec,
    FilteringSpec,
    MotionSpec,
    MusicSpec,
    PlacesSpec,
    RecordingsSpec,
    RingSpec,
    SensorsSpec,
    TextSpec,
)
from vestige.training.optimisers import AdamSpec

SYSTEM = "temporally local rules"
PAPER = "Makin, Dichter & Sabes 2016 (arXiv:1605.05799); Abdulsalam & Makin 2023"

FILTER = LocalSpec(clip=5.0, update_interval=10)
BALLS = RVAESpec(128, 512)
WALKS = RVAESpec(128, 256, horizon=1)
POSTURES = {"changes": True, "length": 50}


def _every(steps: int) -> MultiStepSpec:
    """The usual rule of a recurrent autoencoder, an update every so many steps."""
    return MultiStepSpec(5.0, steps, target="transition")


def _experiment(
    task: FilteringSpec,
    model: REFHSpec | RVAESpec | FactorSpec,
    steps: int,
    rule: LocalSpec | MultiStepSpec | None = None,
    *,
    optimiser: AdamSpec | None = None,
    batch_size: int = 40,
    num_evals: int = 12,
    eval_size: int = 40,
) -> Experiment:
    chosen: dict[str, Any] = {"rule": rule, "optimiser": optimiser}
    chosen = {part: spec for part, spec in chosen.items() if spec is not None}  # the others are the model's default
    return Experiment(
        task, model, **chosen, steps=steps, batch_size=batch_size, num_evals=num_evals, eval_size=eval_size
    )


FILTERING = (
    Entry(
        name="ring-tracking",
        title="Ring tracking",
        summary="something moves on a ring; a population of neurons reports where it is, never how fast",
        system=SYSTEM,
        paper=PAPER,
        presets={
            "small": _experiment(RingSpec(), REFHSpec(), 50_000, eval_size=160, num_evals=5),
            "cpu": _experiment(RingSpec(), REFHSpec(480), 200_000, eval_size=160, num_evals=10),
            "paper": _experiment(RingSpec("two-dimensional"), REFHSpec(1125), 1_200_000),
        },
        durations={"small": "2 min, 2 CPU cores", "cpu": "15 min, 2 CPU cores", "paper": "hours, 1 GPU"},
        vary="model",
    ),
    Entry(
        name="sensor-fusion",
        title="Sensor fusion",
        summary="a number that drifts, seen by several noisy sensors: the rule's fixed point is the Kalman filter",
        system=SYSTEM,
        paper="Makin, Dichter & Sabes 2016 (arXiv:1605.05799), the solvable case of the notes",
        presets={
            "small": _experiment(SensorsSpec(), FactorSpec(), 4000, FILTER),
            "cpu": _experiment(SensorsSpec(), FactorSpec(), 20_000, FILTER),
            "paper": _experiment(SensorsSpec(3), FactorSpec(), 40_000, FILTER),
        },
        durations={"small": "20 s, 2 CPU cores", "cpu": "1 min, 2 CPU cores", "paper": "2 min, 2 CPU cores"},
        vary="model",
    ),
    Entry(
        name="bouncing-balls",
        title="Bouncing balls",
        summary="films of balls in a box; the next frame is to be predicted",
        system=SYSTEM,
        paper=PAPER,
        presets={
            "small": _experiment(BallsSpec(), BALLS, 4000, _every(10), optimiser=AdamSpec(2e-3), batch_size=32),
            "cpu": _experiment(BallsSpec(), BALLS, 40_000, _every(10), optimiser=AdamSpec(2e-3), batch_size=32),
            "paper": _experiment(BallsSpec(resolution=30), REFHSpec(400, sweeps=25), 1_000_000, batch_size=1),
        },
        durations={"small": "3 min, 2 CPU cores", "cpu": "30 min, 2 CPU cores", "paper": "hours, 1 GPU"},
        published=published.balls,
        vary="model",
    ),
    Entry(
        name="mocap",
        title="Motion capture",
        summary="people walk; the next frame of their joint angles is to be predicted",
        system=SYSTEM,
        paper=PAPER,
        presets={
            "small": _experiment(MotionSpec(nth=4, **POSTURES), WALKS, 10_000),
            "cpu": _experiment(MotionSpec(**POSTURES), WALKS, 30_000),
            "paper": _experiment(MotionSpec(nth=4), REFHSpec(200), 15_000, batch_size=400),
        },
        durations={"small": "1 min, 2 CPU cores", "cpu": "2 min, 2 CPU cores", "paper": "1 h, 2 CPU cores"},
        vary="model",
    ),
    Entry(
        name="music",
        title="Polyphonic music",
        summary="piano rolls of 88 keys; how probable is the next chord",
        system=SYSTEM,
        paper=PAPER,
        presets={
            "small": _experiment(MusicSpec(), RVAESpec(), 12_000, _every(2), num_evals=3),
            "cpu": _experiment(MusicSpec(), RVAESpec(128, 256), 60_000, _every(2), batch_size=100, num_evals=3),
            "paper": _experiment(MusicSpec(length=400), REFHSpec(120), 32_000, batch_size=100, num_evals=3),
        },
        durations={"small": "3 min, 2 CPU cores", "cpu": "20 min, 2 CPU cores", "paper": "20 min, 2 CPU cores"},
        published=published.music,
        vary="model",
    ),
    Entry(
        name="text",
        title="Text",
        summary="one character after the other",
        system=SYSTEM,
        paper=PAPER,
        presets={
            "small": _experiment(TextSpec(), RVAESpec(64), 20_000, _every(4), optimiser=AdamSpec(5e-3), num_evals=3),
            "cpu": _experiment(TextSpec(), RVAESpec(256, 512), 60_000, _every(4), num_evals=3),
            "paper": _experiment(TextSpec(), REFHSpec(100), 100_000, batch_size=1, num_evals=3),
        },
        durations={"small": "2 min, 2 CPU cores", "cpu": "20 min, 2 CPU cores", "paper": "20 min, 2 CPU cores"},
        vary="model",
    ),
    Entry(
        name="hippocampus",
        title="Hippocampus",
        summary="spikes of place cells of an animal that runs; where is it",
        system=SYSTEM,
        paper="Makin et al. 2018 (J. Neural Eng.) decode arm movement so; the data are nelpy's",
        presets={
            "small": _experiment(PlacesSpec(), RVAESpec(), 6000),
            "cpu": _experiment(PlacesSpec("w-maze"), RVAESpec(64, 256), 30_000),
            "paper": _experiment(PlacesSpec("w-maze"), RVAESpec(128, 512), 100_000),
        },
        durations={"small": "1 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "30 min, 2 CPU cores"},
        vary="model",
    ),
    Entry(
        name="recordings",
        title="Your own recordings",
        summary="files of your own: the next observation is predicted, outcomes are read out; without any, an example",
        system=SYSTEM,
        paper=PAPER,
        presets={
            "small": _experiment(RecordingsSpec(), RVAESpec(), 6000, num_evals=6),
            "cpu": _experiment(RecordingsSpec(), RVAESpec(64, 256), 60_000),
            "paper": _experiment(RecordingsSpec(), REFHSpec(), 50_000),
        },
        durations={"small": "1 min, 2 CPU cores", "cpu": "10 min, 2 CPU cores", "paper": "2 min, 2 CPU cores"},
        vary="model",
    ),
)
