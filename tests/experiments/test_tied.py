import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from vestige.cli.compare import variants
from vestige.cli.parse import RunSettings, parse
from vestige.cli.tables import print_results
from vestige.errors import UsageError
from vestige.experiments import CATALOGUE, Experiment
from vestige.models.tied.specs import TIES, ClassifierSpec, TiedPairSpec
from vestige.plain import from_plain, to_plain
from vestige.report import write_report
from vestige.rules.tied.specs import TWO_WAY_RULES, ExactLikelihoodSpec, WakeSleepSpec
from vestige.runs import execute
from vestige.runs.migrate import migrated
from vestige.tasks.tied.diagnostics import first_weights
from vestige.tasks.tied.specs import BarsAndStripesSpec, BinaryDigitsSpec, CalibratedDigitsSpec
from vestige.training.optimisers import AdamSpec

FEW = {"steps": 30, "batch_size": 20, "num_evals": 1}
PATTERNS = Experiment(BarsAndStripesSpec(2), TiedPairSpec("3-2"), optimiser=AdamSpec(2e-2, "tenth"), **FEW)
DIGITS = Experiment(BinaryDigitsSpec(train=60, test=20, samples=5), TiedPairSpec("6"), eval_size=10, **FEW)
CALIBRATION = Experiment(CalibratedDigitsSpec(passes=5), ClassifierSpec(5), **{**FEW, "steps": 20})


@pytest.mark.parametrize("rule", TWO_WAY_RULES)
@pytest.mark.parametrize("tie", ["full", "soft"])
def test_options_survive_yaml(rule, tie):
    experiment = PATTERNS.choose({"rule": rule}).replace("model.tie", TIES[tie])
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


def test_a_model_without_a_rule_learns_by_its_own():
    assert PATTERNS.rule == WakeSleepSpec()
    assert CALIBRATION.rule == CALIBRATION.choose({"rule": "gradient"}).rule
    assert CATALOGUE["calibration"].preset("small").rule.clip is None


def test_the_strongest_of_the_first_weights_as_pictures():
    """Of filters what they look at, of other layers whole images; the strongest first, grey for zero."""
    kernel = np.arange(-5, 7, dtype=np.float64).reshape(3, 1, 2, 2)
    np.testing.assert_allclose(first_weights(kernel, (9, 9)), 0.5 + kernel[[2, 0, 1], 0] / 12)
    dense = kernel.reshape(3, 4).T
    np.testing.assert_allclose(first_weights(dense, (2, 2)), 0.5 + kernel[[2, 0, 1], 0] / 12)


@pytest.mark.parametrize(
    ("name", "experiment", "wanted"),
    [
        ("bars-and-stripes", PATTERNS, {"nll", "consistency_gap", "nll_star", "log_z2"}),
        pytest.param(
            *("tied-digits", DIGITS, {"nll", "error", "ece", "consistency_gap", "round_trip"}), marks=pytest.mark.slow
        ),
        pytest.param("calibration", CALIBRATION, {"error", "ece", "ece_sampled"}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_a_run(name, experiment, wanted, tmp_path, how, capsys):
    """From options to a page that shows what it should."""
    results = execute(CATALOGUE[name], experiment, seed=0, folder=tmp_path / "run", **how)
    assert wanted <= results["metrics"].keys()
    assert all(np.isfinite(value) for value in results["metrics"].values())
    page = write_report(tmp_path / "run").read_text()
    print_results(tmp_path / "run")
    shown = capsys.readouterr().out
    assert all(name in shown for name in wanted)  # however many: beside or below each other
    assert "left out" not in page
    titles = {"Its probabilities"} if name != "bars-and-stripes" else {"What it makes", "What it fills in"}
    if name == "tied-digits":
        titles |= {
            "What it makes",
            "What it makes again",
            "What it fills in",
            "What it looks for",
            "Its two directions",
        }
    assert all(title in page for title in titles)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: dataclasses.replace(PATTERNS, task=BinaryDigitsSpec(), model=TiedPairSpec("50-8c5")).check(),
            "write 8c5s1-50, not 50-8c5s1",
        ),
        (
            lambda: dataclasses.replace(DIGITS, model=TiedPairSpec("8c9")).check(),
            "filters of 9 x 9 pixels look at an image of 8 x 8",
        ),
        (
            lambda: dataclasses.replace(DIGITS, model=TiedPairSpec("8c5s2")).build(seed=0),
            "a kernel of 5 with stride 2 and padding 0 cannot be transposed",
        ),
        (
            lambda: Experiment(BarsAndStripesSpec(), TiedPairSpec("16-8")).build(seed=0),
            "evaluated by enumeration, at most 20 hidden bits, got 16-8",
        ),
        (
            lambda: CATALOGUE["tied-digits"].preset("small").choose({"rule": "exact"}).build(seed=0),
            "rule exact sums over all hidden states: at most 20 hidden bits, got 150; use rule rws",
        ),
        (
            lambda: CATALOGUE["tied-digits"].preset("small").choose({"model": "classifier"}),
            "model classifier needs a task that provides labels .*; task binary-digits provides bits. "
            "Models for it: tied-pair",
        ),
        (
            lambda: CATALOGUE["calibration"].preset("small").choose({"rule": "rws"}),
            "rule rws needs a model that provides two directions",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_tenth_of_the_rate():
    """For the last 40 % of the updates."""
    optimiser = AdamSpec(0.5, "tenth").build(10, task=None, rule=None)
    state = optimiser.init(jnp.zeros(()))
    steps = []
    for _ in range(10):
        change, state = optimiser.update(jnp.ones(()), state)
        steps.append(-float(change))
    np.testing.assert_allclose(steps, [0.5] * 6 + [0.05] * 4, rtol=1e-4)


def test_published_numbers_are_those_of_the_same_layers():
    entry = CATALOGUE["tied-mnist"]
    paper = entry.preset("paper")
    assert entry.published(paper)["metrics"]["RWS"] == {"nll": 93.4}
    assert entry.published(paper.replace("model.layers", "300")) == {}
    assert entry.published(paper.replace("task.labelled", True)) == {}
    assert entry.published(paper.replace("task.source", "digits")) == {}


def test_an_option_may_be_what_makes_a_rule_fit():
    """The rule is chosen before the layers are known."""
    parsed = parse("run", ["tied-digits", "--rule", "exact", "--layers", "8-4"], RunSettings).experiment
    assert isinstance(parsed.rule, ExactLikelihoodSpec) and parsed.model == TiedPairSpec("8-4")
    with pytest.raises(UsageError, match="at most 20 hidden bits, got 150"):
        parse("run", ["tied-digits", "--rule", "exact"], RunSettings)


def test_rules_that_cannot_run_are_not_compared():
    entry = CATALOGUE["tied-digits"]
    small = entry.preset("small")
    assert list(variants(small, entry.vary, entry.name)[1]) == [name for name in TWO_WAY_RULES if name != "exact"]
    with pytest.raises(UsageError, match="--vary rule: rule exact sums over all hidden states"):
        variants(small, "rule=rws,exact", entry.name)


VERSION_ONE = {
    "bars-and-stripes": """
data: {kind: BarsAndStripes, pixels: 4}
layers: 8-4
tie: {kind: FullyTied}
rule: {kind: Reweighted, samples: 5, real: 0.5, gain: 0.0, reading: 0.0}
scale: 0.1
samples: 200
optimiser: {rate: 0.005, decay: tenth, warmup: 0}
steps: 12000
batch: 100
evaluations: 10
evaluation_size: 450
""",
    "tied-mnist": """
data: {kind: BinaryDigits, source: mnist, labelled: false, known: null, train: 5000, test: 500}
layers: 200-200
tie: {kind: FullyTied}
rule: {kind: WakeSleep, gain: 0.0, real: 0.0, reading: 0.0}
scale: 0.1
samples: 100
optimiser: {rate: 0.001, decay: tenth, warmup: 0}
steps: 3000
batch: 100
evaluations: 4
evaluation_size: 200
""",
    "calibration": """
source: digits
binary: true
width: 100
depth: 2
passes: 200
optimiser: {rate: 0.003, decay: tenth, warmup: 0}
steps: 2100
batch: 100
evaluations: 10
evaluation_size: 450
""",
}


@pytest.mark.parametrize("name", VERSION_ONE)
def test_configurations_of_version_one_mean_the_small_presets(name):
    options = migrated({"experiment": name, "options": yaml.safe_load(VERSION_ONE[name])}, where="x")
    assert from_plain(Experiment, options, where="x") == CATALOGUE[name].preset("small")


def test_ties_and_rules_of_version_one():
    options = yaml.safe_load(VERSION_ONE["tied-mnist"])
    options |= {"tie": {"kind": "NotTied", "alike": True}, "rule": {"kind": "Hybrid", "weight": 10.0}}
    options["data"] |= {"labelled": True, "known": 3}
    experiment = from_plain(
        Experiment, migrated({"experiment": "tied-mnist", "options": options}, where="x"), where="x"
    )
    assert experiment.model.tie == TIES["init-only"] and experiment.rule == TWO_WAY_RULES["hybrid"]
    assert experiment.task.labels_per_class == 3


def test_command_lines_of_version_one(capsys):
    words = ["tied-digits", "--data.known", "3", "--samples", "7", "--tie", "none", "--batch", "8", "--scale", "0.2"]
    experiment = parse("run", words, RunSettings).experiment
    assert (experiment.task.labels_per_class, experiment.task.samples, experiment.batch_size) == (3, 7, 8)
    assert experiment.model.tie == TIES["none"] and experiment.model.scale == 0.2
    told = capsys.readouterr().err
    assert "--data.known is now --task.labels-per-class" in told and "--samples is now --task.samples" in told
    assert "--tie is now" not in told and "--scale is now" not in told
    with pytest.raises(UsageError, match="--samples is no longer an option of bars-and-stripes; leave it out"):
        parse("run", ["bars-and-stripes", "--samples", "7"], RunSettings)
