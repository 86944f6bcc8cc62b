"""The experiments of the catalogue with a recognition and a generation network."""

from vestige.experiments.entry import Entry
from vestige.experiments.optimisers import Adam
from vestige.experiments.tied.calibration import Calibration
from vestige.experiments.tied.data import BarsAndStripes, BinaryDigits
from vestige.experiments.tied.options import Tied
from vestige.experiments.tied.published import mnist
from vestige.experiments.tied.rules import Reweighted

_PAPER = "Flach, Shekhovtsov, Fikar 2017 (arXiv:1709.08524)"

BARS_AND_STRIPES = Entry(
    name="bars-and-stripes",
    title="Bars and stripes",
    summary="thirty patterns, generated and recognised by one stack of weights; everything exact",
    paper=f"{_PAPER}; a task of ours, the paper's body could not be read",
    presets={
        "small": Tied(BarsAndStripes(4), "8-4", rule=Reweighted()),
        "cpu": Tied(BarsAndStripes(4), "10-6", rule=Reweighted(), steps=40_000),
        "paper": Tied(BarsAndStripes(5), "12-7", rule=Reweighted(10), steps=200_000),
    },
    durations={"small": "1-2 min, 2 CPU cores", "cpu": "10 min, 2 CPU cores", "paper": "an hour, 2 CPU cores"},
    published=lambda options: {},
)

_DIGITS = Adam(3e-3, "tenth", 0)
_GUIDED = Reweighted(gain=0.2, reading=1.0)

TIED_DIGITS = Entry(
    name="tied-digits",
    title="Digits, both ways",
    summary="small digits with labels, recognised, generated and completed by one stack of weights",
    paper=f"{_PAPER}; a setting of ours, the paper's body could not be read",
    presets={
        "small": Tied(BinaryDigits(), "100-50", rule=_GUIDED, optimiser=_DIGITS, steps=20_000),
        "cpu": Tied(BinaryDigits(), "100-50", rule=_GUIDED, optimiser=_DIGITS, steps=100_000),
        "paper": Tied(BinaryDigits("mnist"), "500-500", rule=_GUIDED, optimiser=Adam(1e-3, "tenth", 0), steps=120_000),
    },
    durations={"small": "1-3 min, 2 CPU cores", "cpu": "5-15 min, 2 CPU cores", "paper": "an hour, 1 GPU"},
    published=lambda options: {},
)

TIED_MNIST = Entry(
    name="tied-mnist",
    title="MNIST, both ways",
    summary="binarised MNIST without labels, 784-200-200: likelihood beside that of the literature",
    paper=f"{_PAPER}; layers of Bornschein and Bengio 2015",
    presets={
        "small": Tied(
            BinaryDigits("mnist", labelled=False, train=5000, test=500),
            "200-200",
            optimiser=Adam(1e-3, "tenth", 0),
            steps=3000,
            samples=100,
            evaluation_size=200,
            evaluations=4,
        ),
        "cpu": Tied(
            BinaryDigits("mnist", labelled=False, test=1000),
            "200-200",
            rule=Reweighted(5),
            optimiser=Adam(1e-3, "tenth", 0),
            steps=150_000,
            samples=1000,
            evaluation_size=200,
            evaluations=8,
        ),
        "paper": Tied(
            BinaryDigits("mnist", labelled=False),
            "200-200",
            rule=Reweighted(10),
            optimiser=Adam(1e-3, "tenth", 0),
            steps=300_000,
            samples=10_000,
            evaluation_size=500,
        ),
    },
    durations={"small": "1-3 min, 2 CPU cores", "cpu": "30 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=mnist,
)

CALIBRATION = Entry(
    name="calibration",
    title="Calibration",
    summary="how far a classifier's probabilities can be believed: as it is, with variances, and sampled",
    paper=f"{_PAPER}, its first claim: a forward pass is approximate inference",
    presets={
        "small": Calibration(),
        "cpu": Calibration("mnist", width=200, steps=12_000, evaluation_size=500),
        "paper": Calibration("mnist", width=500, steps=60_000, passes=1000, evaluation_size=1000),
    },
    durations={"small": "1 min, 2 CPU cores", "cpu": "10 min, 2 CPU cores", "paper": "minutes, 1 GPU"},
    published=lambda options: {},
)

TIED = (BARS_AND_STRIPES, TIED_DIGITS, TIED_MNIST, CALIBRATION)
"""One network for both directions, and an ordinary one read that way."""
