"""The experiments with a recognition and a generation network."""

from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import tied as published
from vestige.models.tied.specs import ClassifierSpec, TiedPairSpec, TiedRowsSpec
from vestige.rules.tied.specs import AbstractWakeSpec, HybridSpec, ReweightedWakeSleepSpec, WakeSleepSpec
from vestige.tasks.tied.specs import BarsAndStripesSpec, BinaryDigitsSpec, CalibratedDigitsSpec
from vestige.tasks.tied.table_specs import LabelledTableSpec
from vestige.training.optimisers import AdamSpec

SYSTEM = "recognition and generation from one stack of weights"
PAPER = "Flach, Shekhovtsov, Fikar 2017 (arXiv:1709.08524)"

GUIDED = ReweightedWakeSleepSpec(gain=0.2, reading=1.0)
SLOW = AdamSpec(1e-3, "tenth")


def _patterns(side: int, layers: str, steps: int, samples: int = 5) -> Experiment:
    rule = ReweightedWakeSleepSpec(samples=samples)
    return Experiment(
        BarsAndStripesSpec(side), TiedPairSpec(layers), rule, steps=steps, batch_size=100, num_evals=10, eval_size=450
    )


def _digits(source: str, layers: str, optimiser: AdamSpec, steps: int) -> Experiment:
    return Experiment(
        BinaryDigitsSpec(source),
        TiedPairSpec(layers),
        GUIDED,
        optimiser,
        steps=steps,
        batch_size=100,
        num_evals=10,
        eval_size=450,
    )


def _mnist(task: BinaryDigitsSpec, rule: AbstractWakeSpec, steps: int, num_evals: int, eval_size: int) -> Experiment:
    return Experiment(
        task,
        TiedPairSpec("200-200"),
        rule,
        SLOW,
        steps=steps,
        batch_size=100,
        num_evals=num_evals,
        eval_size=eval_size,
    )


def _calibration(source: str, width: int, steps: int, eval_size: int, passes: int = 200) -> Experiment:
    task = CalibratedDigitsSpec(source, passes=passes)
    return Experiment(task, ClassifierSpec(width), steps=steps, batch_size=100, num_evals=10, eval_size=eval_size)


def _unlabelled(samples: int, train: int | None = None, test: int | None = None) -> BinaryDigitsSpec:
    return BinaryDigitsSpec("mnist", labelled=False, train=train, test=test, samples=samples)


def _rows(layers: str, steps: int) -> Experiment:
    return Experiment(
        LabelledTableSpec(),
        TiedRowsSpec(layers),
        HybridSpec(10.0, samples=5),
        AdamSpec(1e-2, "tenth"),
        steps=steps,
        batch_size=50,
        num_evals=5,
        eval_size=250,
    )


TIED = (
    Entry(
        name="bars-and-stripes",
        title="Bars and stripes",
        summary="thirty patterns, generated and recognised by one stack of weights; everything exact",
        system=SYSTEM,
        paper=f"{PAPER}; a task of ours, the paper's body could not be read",
        presets={
            "small": _patterns(4, "8-4", 12_000),
            "cpu": _patterns(4, "10-6", 40_000),
            "paper": _patterns(5, "12-7", 200_000, 10),
        },
        durations={"small": "1-2 min, 2 CPU cores", "cpu": "10 min, 2 CPU cores", "paper": "an hour, 2 CPU cores"},
    ),
    Entry(
        name="tied-digits",
        title="Digits, both ways",
        summary="small digits with labels, recognised, generated and completed by one stack of weights",
        system=SYSTEM,
        paper=f"{PAPER}; a setting of ours, the paper's body could not be read",
        presets={
            "small": _digits("digits", "100-50", AdamSpec(3e-3, "tenth"), 20_000),
            "cpu": _digits("digits", "100-50", AdamSpec(3e-3, "tenth"), 100_000),
            "paper": _digits("mnist", "500-500", SLOW, 120_000),
        },
        durations={"small": "1-3 min, 2 CPU cores", "cpu": "5-15 min, 2 CPU cores", "paper": "an hour, 1 GPU"},
    ),
    Entry(
        name="tied-mnist",
        title="MNIST, both ways",
        summary="binarised MNIST without labels, 784-200-200: likelihood beside that of the literature",
        system=SYSTEM,
        paper=f"{PAPER}; layers of Bornschein and Bengio 2015",
        presets={
            "small": _mnist(_unlabelled(100, train=5000, test=500), WakeSleepSpec(), 3000, 4, 200),
            "cpu": _mnist(_unlabelled(1000, test=1000), ReweightedWakeSleepSpec(), 150_000, 8, 200),
            "paper": _mnist(_unlabelled(10_000), ReweightedWakeSleepSpec(samples=10), 300_000, 10, 500),
        },
        durations={"small": "1-3 min, 2 CPU cores", "cpu": "30 min, 2 CPU cores", "paper": "hours, 1 GPU"},
        published=published.mnist,
    ),
    Entry(
        name="calibration",
        title="Calibration",
        summary="how far a classifier's probabilities can be believed: as it is, with variances, and sampled",
        system=SYSTEM,
        paper=f"{PAPER}, its first claim: a forward pass is approximate inference",
        presets={
            "small": _calibration("digits", 100, 2100, 450),
            "cpu": _calibration("mnist", 200, 12_000, 500),
            "paper": _calibration("mnist", 500, 60_000, 1000, passes=1000),
        },
        durations={"small": "1 min, 2 CPU cores", "cpu": "10 min, 2 CPU cores", "paper": "minutes, 1 GPU"},
        vary="optimiser",
        bench="optimiser",
    ),
    Entry(
        name="labelled",
        title="A table with classes",
        summary="your own examples with a class each, recognised, generated and completed by one stack of weights",
        system=SYSTEM,
        paper=f"{PAPER}; visible units of other kinds than bits are ours",
        presets={"small": _rows("32", 1000), "cpu": _rows("64-32", 5000), "paper": _rows("200-200", 20_000)},
        durations={"small": "1 min, 2 CPU cores", "cpu": "3 min, 2 CPU cores", "paper": "10 min, 2 CPU cores"},
    ),
)
"""One network for both directions, and an ordinary one read that way."""
