"""The experiments with long-term memories: the tasks of Sorokin et al. 2022 that are not played, the one that shows the
limit of the method, the one that mixes two systems, and your own files."""

from typing import Literal

from vestige.cells.specs import CELLS, LSTMSpec, TapeSpec
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published.memup import published
from vestige.models.longterm.specs import GenerativeMemorySpec, RecurrentSpec
from vestige.rules.memup_specs import MemUPSpec
from vestige.tasks.image_options import ImageOptions
from vestige.tasks.longterm.specs import AddSpec, CopySpec, GapRecallSpec, PixelsSpec, RecallSpec, XorSpec
from vestige.tasks.longterm.stream_spec import StreamSpec
from vestige.tasks.spec import TaskSpec
from vestige.training.optimisers import AdamSpec, MuonSpec, OptimiserSpec

SYSTEM = "memory trained on distant outcomes (MemUP)"
PAPER = "Sorokin et al. 2022, MemUP"

SHUT = CELLS["hard-lstm"]
PAPER_CELL = LSTMSpec(128, 2, None)  # two layers, chrono initialisation
STEADY = AdamSpec(decay="constant")


def _experiment(
    task: TaskSpec,
    model: RecurrentSpec,
    steps: int,
    *,
    rollout: int = 10,
    targets: int = 1,
    optimiser: OptimiserSpec = STEADY,
    batch_size: int = 64,
    num_evals: int = 30,
    eval_size: int = 128,
) -> Experiment:
    return Experiment(
        task,
        model,
        MemUPSpec(rollout, targets),
        optimiser,
        steps=steps,
        batch_size=batch_size,
        num_evals=num_evals,
        eval_size=eval_size,
    )


def _recall(distance: int) -> Experiment:
    task, model = RecallSpec(distance, min_distance=10), RecurrentSpec(SHUT)
    return _experiment(task, model, 4000, rollout=20, optimiser=MuonSpec(3e-3), num_evals=4, eval_size=64)


def _copies(layout: Literal["block", "scattered"]) -> dict[str, Experiment]:
    def learned(length: int, steps: int, num_evals: int) -> Experiment:
        task = CopySpec(length, layout=layout, min_length=1)
        model = RecurrentSpec(TapeSpec(), context_window=11, width=128)
        optimiser = MuonSpec()
        return _experiment(task, model, steps, rollout=20, targets=10, optimiser=optimiser, num_evals=num_evals)

    return {
        "small": learned(100, 3000, 12),
        "cpu": learned(5000, 6000, 6),
        "paper": _experiment(
            CopySpec(5000, layout=layout),
            RecurrentSpec(PAPER_CELL, context_window=11, width=256),
            1_000_000,
            rollout=100,
            targets=10,
            optimiser=AdamSpec(2e-4, "constant"),
            batch_size=128,
        ),
    }


_COPY_DURATIONS = {"small": "2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "hours, 1 GPU"}


def _add(length: int, steps: int, num_evals: int) -> Experiment:
    task, model = AddSpec(length, min_length=10), RecurrentSpec(SHUT)
    return _experiment(task, model, steps, rollout=20, optimiser=MuonSpec(3e-3), num_evals=num_evals)


def _gap(task: GapRecallSpec) -> Experiment:
    return Experiment(
        task,
        GenerativeMemorySpec(),
        MemUPSpec(20),
        AdamSpec(2e-3),
        steps=3000,
        batch_size=32,
        num_evals=5,
        eval_size=128,
    )


MEMUP = (
    Entry(
        name="recall",
        title="Recall",
        summary="one symbol, queried after a long time",
        system=SYSTEM,
        paper=f"{PAPER}, section 8 of the notes: T-Maze without a maze",
        presets={
            "small": _experiment(
                RecallSpec(1000), RecurrentSpec(LSTMSpec(forget_bias=5.0)), 3000, optimiser=MuonSpec(3e-3), num_evals=12
            ),
            "cpu": _recall(100_000),
            "paper": _recall(1_000_000),
        },
        durations={"small": "1-2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "15 min, 2 CPU cores"},
    ),
    Entry(
        name="copy",
        title="Copy",
        summary="ten symbols, and after a long time the ten again in their order",
        system=SYSTEM,
        paper=f"{PAPER}, table of Copy",
        presets=_copies("block"),
        durations=_COPY_DURATIONS,
        published=published,
    ),
    Entry(
        name="scattered-copy",
        title="Scattered copy",
        summary="ten symbols at random places among blanks, and then the ten in their order",
        system=SYSTEM,
        paper=f"{PAPER}, table of Scattered Copy",
        presets=_copies("scattered"),
        durations=_COPY_DURATIONS,
        published=published,
    ),
    Entry(
        name="add",
        title="Add",
        summary="the sum of two marked numbers among many",
        system=SYSTEM,
        paper=f"{PAPER}, table of Add",
        presets={
            "small": _add(500, 1500, 6),
            "cpu": _add(5000, 4000, 8),
            "paper": _experiment(AddSpec(5000), RecurrentSpec(PAPER_CELL, width=256), 1_000_000, rollout=100),
        },
        durations={"small": "1-2 min, 2 CPU cores", "cpu": "3 min, 2 CPU cores", "paper": "hours, 1 GPU"},
        published=published,
    ),
    Entry(
        name="pixel-mnist",
        title="Pixel by pixel",
        summary="a digit that is seen one pixel after the other, in one random order",
        system=SYSTEM,
        paper=f"{PAPER}, table of permuted MNIST",
        presets={
            "small": _experiment(PixelsSpec(), RecurrentSpec(LSTMSpec(forget_bias=2.0)), 10_000, rollout=16),
            "cpu": _experiment(
                PixelsSpec("mnist", 14),
                RecurrentSpec(LSTMSpec(128), width=128),
                10_000,
                rollout=28,
                optimiser=MuonSpec(3e-3),
                num_evals=10,
                eval_size=512,
            ),
            "paper": _experiment(PixelsSpec("mnist"), RecurrentSpec(PAPER_CELL, width=256), 1_000_000, rollout=100),
        },
        durations={"small": "1-2 min, 2 CPU cores", "cpu": "15-20 min, 2 CPU cores", "paper": "hours, 1 GPU"},
        published=published,
    ),
    Entry(
        name="xor",
        title="Far exclusive or",
        summary="whether two bits far apart differ: what rules with a short memory of gradients cannot learn",
        system=SYSTEM,
        paper=f"{PAPER}, the limit of the method (section 3.11 of the notes)",
        presets={
            "small": _experiment(XorSpec(30), RecurrentSpec(), 4000),
            "cpu": _experiment(XorSpec(100), RecurrentSpec(), 20_000),
            "paper": _experiment(XorSpec(1000), RecurrentSpec(LSTMSpec(forget_bias=5.0)), 100_000, rollout=20),
        },
        durations={"small": "1-2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "10 min, 2 CPU cores"},
    ),
    Entry(
        name="gap-recall",
        title="Perfect recall across a gap",
        summary="a generative model with external memory keeps images over a long time of nothing",
        system=SYSTEM,
        paper="none: Gemici et al. 2017 for the model, Sorokin et al. 2022 for the rule",
        presets={
            "small": _gap(GapRecallSpec(1, 100, min_distance=1)),
            "cpu": _gap(GapRecallSpec(1, 2000, min_distance=1)),
            "paper": Experiment(
                GapRecallSpec(min_distance=1, images=ImageOptions("mnist")),
                GenerativeMemorySpec(),
                MemUPSpec(20, 5),
                steps=200_000,
                batch_size=64,
                num_evals=30,
                eval_size=128,
            ),
        },
        durations={"small": "3-5 min, 2 CPU cores", "cpu": "6-10 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    ),
    Entry(
        name="stream",
        title="A stream of your own",
        summary="your own files, read as training goes; without any, a small invented stream",
        system=SYSTEM,
        paper="none: Sorokin et al. 2022 for the rule",
        presets={
            "small": _experiment(
                StreamSpec(example_segment=200),
                RecurrentSpec(),
                3000,
                targets=3,
                optimiser=MuonSpec(3e-3),
                batch_size=32,
                num_evals=6,
                eval_size=4,
            ),
            "cpu": _experiment(
                StreamSpec(example_segment=1000),
                RecurrentSpec(LSTMSpec(128), width=128),
                6000,
                rollout=20,
                targets=5,
                optimiser=MuonSpec(3e-3),
                num_evals=6,
                eval_size=4,
            ),
            "paper": _experiment(
                StreamSpec(example_segment=10_000),
                RecurrentSpec(LSTMSpec(256, 2, None), features=64, width=256),
                200_000,
                rollout=100,
                targets=10,
                eval_size=4,
            ),
        },
        durations={"small": "1-2 min, 2 CPU cores", "cpu": "15 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    ),
)
