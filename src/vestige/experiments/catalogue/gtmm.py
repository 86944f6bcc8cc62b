"""The experiments with generative temporal models: the seven tasks of Gemici et al. 2017, in its order."""

from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import gtmm as published
from vestige.memory.specs import AttentionSpec
from vestige.models.temporal.specs import MixturePriorSpec, TemporalSpec
from vestige.tasks.frame_specs import (
    AbstractFramesSpec,
    DynamicDependencySpec,
    MapNavigationSpec,
    ParityRecallSpec,
    PerfectRecallSpec,
    RoomRotationSpec,
    SimilarityRecallSpec,
)
from vestige.tasks.image_options import ImageOptions
from vestige.training.optimisers import AdamSpec

SYSTEM = "generative temporal models with memory"
PAPER = "Gemici et al. 2017"

FULL = TemporalSpec(latent_size=32, controller_size=256, width=192, backbone="visual")  # about 1.9 million parameters
MIDDLE = TemporalSpec(latent_size=16, controller_size=128, width=256)
SMALL = TemporalSpec()

INK = ImageOptions(binarise="stochastic")  # digits that are never quite the same: 1,415 of them are soon known by heart
MNIST = ImageOptions("mnist")


def _experiment(
    task: AbstractFramesSpec, model: TemporalSpec, rate: float, steps: int, batch_size: int = 32
) -> Experiment:
    optimiser = AdamSpec(rate, warmup=500)
    return Experiment(task, model, optimiser=optimiser, steps=steps, batch_size=batch_size, num_evals=30, eval_size=256)


def _small(task: AbstractFramesSpec, steps: int, rate: float = 2e-3) -> Experiment:
    return _experiment(task, SMALL, rate, steps)


def _cpu(task: AbstractFramesSpec) -> Experiment:
    return _experiment(task, MIDDLE, 2e-3, 20_000)


def _paper(task: AbstractFramesSpec, model: TemporalSpec = FULL) -> Experiment:
    return _experiment(task, model, 3e-4, 1_000_000, 64)


def _in_a_room(latent: int, controller: int, width: int) -> TemporalSpec:
    """What learns that a view has been seen: a prior that names one, with a memory that holds latents."""
    return TemporalSpec(AttentionSpec(), MixturePriorSpec(), latent, controller, width)


def _durations(small: str, cpu: str) -> dict[str, str]:
    return {"small": f"{small}, 2 CPU cores", "cpu": f"{cpu}, 2 CPU cores", "paper": "hours, 1 GPU"}


GTMM = (
    Entry(
        name="perfect-recall",
        title="Perfect recall",
        summary="l images, then the first k again: what was stored must cost nothing",
        system=SYSTEM,
        paper=f"{PAPER}, algorithm 1, figures 3, 4, 19-21",
        presets={
            "small": _small(PerfectRecallSpec(images=INK), 6000),
            "cpu": _experiment(PerfectRecallSpec(images=MNIST), MIDDLE, 1e-3, 20_000),
            "paper": _paper(PerfectRecallSpec(images=MNIST)),
        },
        durations=_durations("1-2 min", "5-8 min"),
        published=published.by_length(published.PERFECT_RECALL),
        vary="model.memory",
        bench="model.memory",
    ),
    Entry(
        name="parity-recall",
        title="Parity recall",
        summary="digits, then for each of the first of them whether it was even",
        system=SYSTEM,
        paper=f"{PAPER}, algorithm 2, figures 5, 6, 22-24",
        presets={
            "small": _small(ParityRecallSpec(images=INK), 10_000, 3e-3),
            "cpu": _cpu(ParityRecallSpec(images=MNIST)),
            "paper": _paper(ParityRecallSpec(images=MNIST)),
        },
        durations=_durations("1-2 min", "5-10 min"),
        published=published.by_length(published.PARITY_RECALL),
        vary="model.memory",
        bench="model.memory",
    ),
    Entry(
        name="one-shot-recall",
        title="One-shot recall",
        summary="perfect recall of characters whose classes were never met in training",
        system=SYSTEM,
        paper=f"{PAPER}, algorithm 1 on Omniglot, figures 7, 8, 25",
        presets={
            "small": _experiment(PerfectRecallSpec(images=ImageOptions("glyphs")), MIDDLE, 2e-3, 3000),
            "cpu": _experiment(
                PerfectRecallSpec(20, images=ImageOptions("omniglot", "stochastic")),
                TemporalSpec(latent_size=32, controller_size=128, width=256),
                1e-3,
                12_000,
            ),
            "paper": _paper(PerfectRecallSpec(20, images=ImageOptions("omniglot"))),
        },
        durations=_durations("1-2 min", "8-16 min"),
        published=published.by_length(published.ONE_SHOT_RECALL),
        vary="model.memory",
        bench="model.memory",
    ),
    Entry(
        name="dynamic-dependency",
        title="Dynamic dependency",
        summary="each recalled digit says which position comes next",
        system=SYSTEM,
        paper=f"{PAPER}, algorithm 3, figures 9, 10, 26",
        presets={
            "small": _small(DynamicDependencySpec(images=INK), 12_000),
            "cpu": _cpu(DynamicDependencySpec(20, 5, images=MNIST)),
            "paper": _paper(DynamicDependencySpec(20, 5, images=MNIST)),
        },
        durations=_durations("1-3 min", "10-20 min"),
        published=published.by_length(published.DYNAMIC_DEPENDENCY),
        vary="model.memory",
        bench="model.memory",
    ),
    Entry(
        name="similarity-recall",
        title="Similarity-cued recall",
        summary="a stretch of the past comes again from a random place on: the cue is new, the rest is not",
        system=SYSTEM,
        paper=f"{PAPER}, algorithm 4, figures 11, 12, 27",
        presets={
            "small": _small(SimilarityRecallSpec(images=INK), 8000),
            "cpu": _cpu(SimilarityRecallSpec(20, 5, images=MNIST)),
            "paper": _paper(SimilarityRecallSpec(20, 5, images=MNIST)),
        },
        durations=_durations("1-3 min", "10-20 min"),
        published=published.by_length(published.SIMILARITY_RECALL),
        vary="model.memory",
        bench="model.memory",
    ),
    Entry(
        name="map-navigation",
        title="Map navigation",
        summary="a walk on a map of images, given the moves: a place that was seen must cost nothing",
        system=SYSTEM,
        paper=f"{PAPER}, section 4.4, figures 13-15",
        presets={
            "small": _small(MapNavigationSpec(3, 20, images=INK), 8000),
            "cpu": _cpu(MapNavigationSpec(images=MNIST)),
            "paper": _paper(MapNavigationSpec(images=MNIST)),
        },
        durations=_durations("2-4 min", "10-20 min"),
        published=published.on_a_map,
        vary="model.memory",
        bench="model.memory",
    ),
    Entry(
        name="room-rotation",
        title="Room rotation",
        summary="turning on the spot in a new room: after one turn nothing is new",
        system=SYSTEM,
        paper=f"{PAPER}, section 4.5, figures 16, 17, 28",
        presets={
            "small": _experiment(RoomRotationSpec(12), _in_a_room(16, 96, 128), 3e-3, 5000, 16),
            "cpu": _experiment(RoomRotationSpec(16), _in_a_room(32, 128, 256), 1e-3, 20_000),
            "paper": _paper(
                RoomRotationSpec(64),
                TemporalSpec(latent_size=64, controller_size=256, width=256, backbone="visual"),
            ),
        },
        durations=_durations("5-10 min", "1-2 hours"),
        published=published.in_a_room,
        vary="model.prior",
        bench="model.prior",
    ),
)
