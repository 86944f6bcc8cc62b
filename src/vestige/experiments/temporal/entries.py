"""The experiments of the catalogue with generative temporal models."""

import dataclasses

from vestige.experiments.entry import Entry
from vestige.experiments.optimisers import Adam
from vestige.experiments.temporal import published
from vestige.experiments.temporal.architecture import Architecture
from vestige.experiments.temporal.images import Images
from vestige.experiments.temporal.options import Temporal
from vestige.experiments.temporal.published import by_length, in_a_room, on_a_map
from vestige.experiments.temporal.tasks import (
    DynamicDependency,
    MapNavigation,
    ParityRecall,
    PerfectRecall,
    RoomRotation,
    Sequences,
    SimilarityRecall,
)

PAPER = Architecture(latent=32, controller=256, width=192, frames="visual")  # about 1.9 million parameters

MNIST = Architecture(latent=16, controller=128, width=256)

SMALL = Architecture()

INK = Images(binarise="stochastic")  # digits that are never quite the same: 1,415 of them are soon known by heart


def _small(task: Sequences, steps: int, *, rate: float = 2e-3, model: Architecture = SMALL) -> Temporal:
    return Temporal(task=task, model=model, optimiser=Adam(rate), steps=steps)


def _cpu(task: Sequences) -> Temporal:
    return Temporal(task=task, model=MNIST, optimiser=Adam(2e-3), steps=20_000)


def _paper(task: Sequences) -> Temporal:
    return Temporal(task=task, model=PAPER, optimiser=Adam(3e-4), steps=1_000_000, batch=64)


PERFECT_RECALL = Entry(
    name="perfect-recall",
    title="Perfect recall",
    summary="l images, then the first k again: what was stored must cost nothing",
    paper="Gemici et al. 2017, algorithm 1, figures 3, 4, 19-21",
    presets={
        "small": _small(PerfectRecall(images=INK), 6000),
        "cpu": Temporal(
            task=PerfectRecall(images=Images("mnist")),
            model=Architecture(latent=16, controller=128, width=256),
            steps=20_000,
        ),
        "paper": Temporal(
            task=PerfectRecall(images=Images("mnist")),
            model=PAPER,
            optimiser=Adam(3e-4),
            steps=1_000_000,
            batch=64,
        ),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "5-8 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.PERFECT_RECALL),
)

ONE_SHOT_RECALL = Entry(
    name="one-shot-recall",
    title="One-shot recall",
    summary="perfect recall of characters whose classes were never met in training",
    paper="Gemici et al. 2017, algorithm 1 on Omniglot, figures 7, 8, 25",
    presets={
        "small": _small(PerfectRecall(images=Images("glyphs")), 3000, model=MNIST),
        "cpu": Temporal(
            task=PerfectRecall(l=20, images=Images("omniglot", "stochastic")),
            model=Architecture(latent=32, controller=128, width=256),
            steps=12_000,
        ),
        "paper": Temporal(
            task=PerfectRecall(l=20, images=Images("omniglot")),
            model=PAPER,
            optimiser=Adam(3e-4),
            steps=1_000_000,
            batch=64,
        ),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "8-16 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.ONE_SHOT_RECALL),
)

PARITY_RECALL = Entry(
    name="parity-recall",
    title="Parity recall",
    summary="digits, then for each of the first of them whether it was even",
    paper="Gemici et al. 2017, algorithm 2, figures 5, 6, 22-24",
    presets={
        "small": _small(ParityRecall(images=INK), 10_000, rate=3e-3),
        "cpu": _cpu(ParityRecall(images=Images("mnist"))),
        "paper": _paper(ParityRecall(images=Images("mnist"))),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "5-10 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.PARITY_RECALL),
)

DYNAMIC_DEPENDENCY = Entry(
    name="dynamic-dependency",
    title="Dynamic dependency",
    summary="each recalled digit says which position comes next",
    paper="Gemici et al. 2017, algorithm 3, figures 9, 10, 26",
    presets={
        "small": _small(DynamicDependency(images=INK), 12_000),
        "cpu": _cpu(DynamicDependency(20, 5, images=Images("mnist"))),
        "paper": _paper(DynamicDependency(20, 5, images=Images("mnist"))),
    },
    durations={"small": "1-3 min, 2 CPU cores", "cpu": "10-20 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.DYNAMIC_DEPENDENCY),
)

SIMILARITY_RECALL = Entry(
    name="similarity-recall",
    title="Similarity-cued recall",
    summary="a stretch of the past comes again from a random place on: the cue is new, the rest is not",
    paper="Gemici et al. 2017, algorithm 4, figures 11, 12, 27",
    presets={
        "small": _small(SimilarityRecall(images=INK), 8000),
        "cpu": _cpu(SimilarityRecall(20, 5, images=Images("mnist"))),
        "paper": _paper(SimilarityRecall(20, 5, images=Images("mnist"))),
    },
    durations={"small": "1-3 min, 2 CPU cores", "cpu": "10-20 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=by_length(published.SIMILARITY_RECALL),
)

MAP_NAVIGATION = Entry(
    name="map-navigation",
    title="Map navigation",
    summary="a walk on a map of images, given the moves: a place that was seen must cost nothing",
    paper="Gemici et al. 2017, section 4.4, figures 13-15",
    presets={
        "small": _small(MapNavigation(3, 20, images=INK), 8000),
        "cpu": _cpu(MapNavigation(images=Images("mnist"))),
        "paper": _paper(MapNavigation(images=Images("mnist"))),
    },
    durations={"small": "2-4 min, 2 CPU cores", "cpu": "10-20 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=on_a_map,
)

ROOM_ROTATION = Entry(
    name="room-rotation",
    title="Room rotation",
    summary="turning on the spot in a new room: after one turn nothing is new",
    paper="Gemici et al. 2017, section 4.5, figures 16, 17, 28",
    presets={
        "small": dataclasses.replace(
            _small(RoomRotation(12), 5000, rate=3e-3, model=Architecture(latent=16, controller=96, width=128)), batch=16
        ),
        "cpu": Temporal(task=RoomRotation(16), model=Architecture(latent=32, controller=128, width=256), steps=20_000),
        "paper": Temporal(
            task=RoomRotation(64),
            model=Architecture(latent=64, controller=256, width=256, frames="visual"),
            optimiser=Adam(3e-4),
            steps=1_000_000,
            batch=64,
        ),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "20-40 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=in_a_room,
)

GTMM = (
    PERFECT_RECALL,
    PARITY_RECALL,
    ONE_SHOT_RECALL,
    DYNAMIC_DEPENDENCY,
    SIMILARITY_RECALL,
    MAP_NAVIGATION,
    ROOM_ROTATION,
)
"""The seven tasks of the paper, in its order."""
