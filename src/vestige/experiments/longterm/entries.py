"""The experiments of the catalogue with long-term memories."""

from typing import Literal

from vestige.experiments.entry import Entry
from vestige.experiments.longterm.architecture import Architecture
from vestige.experiments.longterm.cells import CELLS, LSTM, Tape
from vestige.experiments.longterm.files import Files
from vestige.experiments.longterm.generative import Gap, Generative
from vestige.experiments.longterm.options import LongTerm
from vestige.experiments.longterm.published import published
from vestige.experiments.longterm.streaming import Streaming
from vestige.experiments.longterm.tasks import Add, Copy, Pixels, Recall, Xor
from vestige.experiments.optimisers import Adam, Muon
from vestige.experiments.temporal.images import Images

FALLING = Adam(2e-3, "cosine", 0)
SHUT = CELLS["hard-lstm"]

_PAPER = "Sorokin et al. 2022, MemUP"


def _recall(distance: int) -> LongTerm:
    task = Recall(distance, shortest=10)
    return LongTerm(task, SHUT, rollout=20, optimiser=Muon(3e-3), steps=4000, evaluations=4, evaluation_size=64)


RECALL = Entry(
    name="recall",
    title="Recall",
    summary="one symbol, asked for after a long time",
    paper=f"{_PAPER}, section 8 of the notes: T-Maze without a maze",
    presets={
        "small": LongTerm(Recall(1000), LSTM(keep=5.0), optimiser=Muon(3e-3), steps=3000, evaluations=12),
        "cpu": _recall(100_000),
        "paper": _recall(1_000_000),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "15 min, 2 CPU cores"},
    published=published,
)


def _copies(layout: Literal["block", "scattered"]) -> dict[str, LongTerm]:
    model = Architecture(width=128, nearby=11)

    def learned(length: int, steps: int, evaluations: int) -> LongTerm:
        task = Copy(length, 10, layout, shortest=1)
        return LongTerm(
            task,
            Tape(),
            model,
            rollout=20,
            targets=10,
            optimiser=Muon(),
            steps=steps,
            evaluations=evaluations,
        )

    return {
        "small": learned(100, 3000, 12),
        "cpu": learned(5000, 6000, 6),
        "paper": LongTerm(
            Copy(5000, 10, layout),
            LSTM(128, 2, None),
            Architecture(width=256, nearby=11),
            rollout=100,
            targets=10,
            optimiser=Adam(2e-4, "constant", 0),
            steps=1_000_000,
            batch=128,
        ),
    }


_COPY_DURATIONS = {"small": "2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "hours, 1 GPU"}

COPY = Entry(
    name="copy",
    title="Copy",
    summary="ten symbols, and after a long time the ten again in their order",
    paper=f"{_PAPER}, table of Copy",
    presets=_copies("block"),
    durations=_COPY_DURATIONS,
    published=published,
)

SCATTERED_COPY = Entry(
    name="scattered-copy",
    title="Scattered copy",
    summary="ten symbols at random places among blanks, and then the ten in their order",
    paper=f"{_PAPER}, table of Scattered Copy",
    presets=_copies("scattered"),
    durations=_COPY_DURATIONS,
    published=published,
)

ADD = Entry(
    name="add",
    title="Add",
    summary="the sum of two marked numbers among many",
    paper=f"{_PAPER}, table of Add",
    presets={
        "small": LongTerm(Add(500, shortest=10), SHUT, rollout=20, optimiser=Muon(3e-3), steps=1500, evaluations=6),
        "cpu": LongTerm(Add(5000, shortest=10), SHUT, rollout=20, optimiser=Muon(3e-3), steps=4000, evaluations=8),
        "paper": LongTerm(Add(5000), LSTM(128, 2, None), Architecture(width=256), rollout=100, steps=1_000_000),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "3 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=published,
)

PIXEL_MNIST = Entry(
    name="pixel-mnist",
    title="Pixel by pixel",
    summary="a digit that is seen one pixel after the other, in one random order",
    paper=f"{_PAPER}, table of permuted MNIST",
    presets={
        "small": LongTerm(Pixels(), LSTM(keep=2.0), rollout=16, steps=10_000),
        "cpu": LongTerm(
            Pixels("mnist", 14),
            LSTM(128),
            Architecture(width=128),
            rollout=28,
            optimiser=Muon(3e-3),
            steps=10_000,
            evaluations=10,
            evaluation_size=512,
        ),
        "paper": LongTerm(Pixels("mnist"), LSTM(128, 2, None), Architecture(width=256), rollout=100, steps=1_000_000),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "15-20 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=published,
)

XOR = Entry(
    name="xor",
    title="Far exclusive or",
    summary="whether two bits far apart differ: what rules with a short memory of gradients cannot learn",
    paper=f"{_PAPER}, the limit of the method (section 3.11 of the notes)",
    presets={
        "small": LongTerm(Xor(30), LSTM(), steps=4000),
        "cpu": LongTerm(Xor(100), LSTM(), steps=20_000),
        "paper": LongTerm(Xor(1000), LSTM(keep=5.0), rollout=20, steps=100_000),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "10 min, 2 CPU cores"},
    published=published,
)

GAP_RECALL = Entry(
    name="gap-recall",
    title="Perfect recall across a gap",
    summary="a generative model with external memory keeps images over a long time of nothing",
    paper="none: Gemici et al. 2017 for the model, Sorokin et al. 2022 for the rule",
    presets={
        "small": Generative(Gap(1, 100), rollout=20, optimiser=FALLING, steps=3000, batch=32, evaluations=5),
        "cpu": Generative(Gap(1, 2000), rollout=20, optimiser=FALLING, steps=3000, batch=32, evaluations=5),
        "paper": Generative(Gap(of=Images("mnist")), rollout=20, targets=5, steps=200_000),
    },
    durations={"small": "3-5 min, 2 CPU cores", "cpu": "6-10 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=lambda options: {},
)

STREAM = Entry(
    name="stream",
    title="A stream of one's own",
    summary="files of one's own, read as training goes; without any, a small invented stream",
    paper="none: Sorokin et al. 2022 for the rule",
    presets={
        "small": Streaming(
            Files(example_segment=200), LSTM(), targets=3, optimiser=Muon(3e-3), steps=3000, batch=32, evaluations=6
        ),
        "cpu": Streaming(
            Files(example_segment=1000),
            LSTM(128),
            Architecture(width=128),
            rollout=20,
            targets=5,
            optimiser=Muon(3e-3),
            steps=6000,
            evaluations=6,
        ),
        "paper": Streaming(
            Files(example_segment=10_000),
            LSTM(256, 2, None),
            Architecture(64, width=256),
            rollout=100,
            targets=10,
            reach=10_000,
            steps=200_000,
        ),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "15 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=lambda options: {},
)

MEMUP = (RECALL, COPY, SCATTERED_COPY, ADD, PIXEL_MNIST, XOR, GAP_RECALL)
"""The tasks of the paper that are not played, the one that shows its limit, and the one that mixes two systems."""
