import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from vestige.experiments.construct import construct
from vestige.experiments.optimisers import Adam
from vestige.experiments.serial import from_plain, to_plain

from vestige import rules
from vestige.cli.tables import print_results
from vestige.experiments.execution import execute
from vestige.experiments.tied import RULES, TIES, BarsAndStripes, BinaryDigits, Calibration, Tied
from vestige.experiments.tied.entries import BARS_AND_STRIPES, CALIBRATION, TIED_DIGITS, TIED_MNIST
from vestige.experiments.tied.examine import first_weights
from vestige.experiments.tied.images import binary
from vestige.models.tied import Convolution, Dense, OneHot, OnVector
from vestige.report import write_report

FEW = {"steps": 30, "batch": 20, "evaluations": 1}
PATTERNS = Tied(BarsAndStripes(2), "3-2", optimiser=Adam(2e-2, "tenth", 0), **FEW)
DIGITS = Tied(BinaryDigits(train=60, test=20), "6", samples=5, evaluation_size=10, **FEW)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("tie", ["full", "soft"])
def test_options_survive_yaml(rule, tie):
    options = dataclasses.replace(PATTERNS, rule=RULES[rule], tie=TIES[tie])
    assert from_plain(Tied, yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


def test_what_is_built():
    expected = {
        "wake-sleep": rules.WakeSleep,
        "rws": rules.ReweightedWakeSleep,
        "rws-guided": rules.ReweightedWakeSleep,
        "bihm": rules.BidirectionalHelmholtz,
        "nvil": rules.NVIL,
        "vimco": rules.VIMCO,
        "hybrid": rules.Hybrid,
        "exact": rules.ExactLikelihood,
    }
    assert {name: type(option.build()) for name, option in RULES.items()} == expected
    assert isinstance(RULES["rws-guided"].build().proposal, rules.Guided)
    kinds = [type(tie.build()(jnp.ones((2, 3)), jnp.zeros((2, 3)), 1)).__name__ for tie in TIES.values()]
    assert kinds == ["Full", "Untied", "Untied", "Scaled", "Soft"]
    built = construct(DIGITS, seed=0)
    assert [units.size for units in built.model.units] == [64, 6, 10]
    assert isinstance(built.model.units[-1], OneHot)
    np.testing.assert_allclose(jnp.sum(jnp.exp(built.model.prior)), 1.0, rtol=1e-5)
    few = construct(dataclasses.replace(DIGITS, data=BinaryDigits(known=2)), seed=0).task
    np.testing.assert_array_equal(few.train_labels.sum(axis=0), 2.0)


def test_filters_below_other_layers():
    """Images are rows of pixels to the task, and images to the filters."""
    options = dataclasses.replace(DIGITS, layers="3c4s2p1-2c3-6")
    built = construct(options, seed=0)
    assert [units.shape for units in built.model.units] == [(64,), (3, 4, 4), (2, 2, 2), (6,), (10,)]
    first, second, third, _ = built.model.ups
    assert isinstance(first, OnVector) and isinstance(second, Convolution) and isinstance(third, Dense)
    assert (first.kernel_shape, second.kernel_shape) == ((3, 1, 4, 4), (2, 3, 3, 3))
    batch = built.task.batch(size=5, key=jax.random.key(0))
    grads = eqx.filter_jit(built.rule.step)(built.model, None, batch, key=jax.random.key(1)).grads
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(grads))


def test_the_strongest_of_the_first_weights_as_pictures():
    """Of filters what they look at, of other layers whole images; the strongest first, grey for zero."""
    kernel = np.arange(-5, 7, dtype=np.float64).reshape(3, 1, 2, 2)
    np.testing.assert_allclose(first_weights(kernel, (9, 9)), 0.5 + kernel[[2, 0, 1], 0] / 12)
    dense = kernel.reshape(3, 4).T
    np.testing.assert_allclose(first_weights(dense, (2, 2)), 0.5 + kernel[[2, 0, 1], 0] / 12)


def test_the_split_of_the_notes():
    """Naive Bayes on it errs in 10.7 % (section 5.3)."""
    (train, labels), (test, test_labels) = binary("digits")
    assert (len(train), len(test)) == (1347, 450)
    train, test = train.reshape(-1, 64), test.reshape(-1, 64)
    on = np.stack([(train[labels == c].sum(axis=0) + 1) / ((labels == c).sum() + 2) for c in range(10)])
    prior = np.log([np.mean(labels == c) for c in range(10)])
    joint = test @ np.log(on).T + (1 - test) @ np.log(1 - on).T + prior
    assert np.mean(joint.argmax(axis=1) != test_labels) == pytest.approx(0.1067, abs=1e-3)
    assert -np.mean(np.logaddexp.reduce(joint, axis=1)) == pytest.approx(19.82, abs=0.01)


@pytest.mark.parametrize(
    ("entry", "options", "wanted"),
    [
        (BARS_AND_STRIPES, PATTERNS, {"nll", "consistency_gap", "nll_star", "log_z2"}),
        (TIED_DIGITS, DIGITS, {"nll", "error", "ece", "consistency_gap", "round_trip"}),
        (CALIBRATION, Calibration(width=5, steps=20, passes=5, evaluations=1), {"error", "ece", "ece_sampled"}),
    ],
)
def test_a_run(entry, options, wanted, tmp_path, how, capsys):
    """From options to a page that shows what it should."""
    results = execute(entry, options, seed=0, folder=tmp_path / "run", **how)
    assert wanted <= results["metrics"].keys()
    assert all(np.isfinite(value) for value in results["metrics"].values())
    page = write_report(tmp_path / "run").read_text()
    print_results(tmp_path / "run")
    shown = capsys.readouterr().out
    assert all(name in shown for name in wanted)  # however many: beside or below each other
    assert "left out" not in page
    titles = {"Its probabilities"} if entry is not BARS_AND_STRIPES else {"What it makes", "What it fills in"}
    if entry is TIED_DIGITS:
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
        (lambda: Tied(layers="8,4"), "layers must be sizes from the data upward, such as 100-50, .* got '8,4'"),
        (lambda: Tied(layers="8-0"), "layers must be sizes"),
        (lambda: Tied(BinaryDigits(), "50-8c5"), "write 8c5s1-50, not 50-8c5s1"),
        (lambda: Tied(BinaryDigits(), "8c0"), "layers must be sizes"),
        (lambda: Tied(BinaryDigits(), "8c9"), "filters of 9 x 9 pixels look at an image of 8 x 8"),
        (
            lambda: dataclasses.replace(DIGITS, layers="8c5s2").build(seed=0),
            "a kernel of 5 with stride 2 and padding 0 cannot be transposed",
        ),
        (lambda: Tied(layers="16-8"), "judged by enumeration, at most 20 hidden bits, got 16-8"),
        (
            lambda: dataclasses.replace(TIED_DIGITS.preset("small"), rule=RULES["exact"]).build(seed=0),
            "rule exact sums over all hidden states: at most 20 hidden bits, got layers 100-50; use rule rws",
        ),
        (lambda: Tied(samples=0), "samples must be at least 1, got 0"),
        (lambda: Tied(scale=0.0), "scale must be positive, got 0"),
        (lambda: BinaryDigits(labelled=False, known=3), "with labelled off there are none"),
        (lambda: dataclasses.replace(RULES["rws"], samples=0), "samples must be at least 1, got 0"),
        (lambda: dataclasses.replace(RULES["vimco"], samples=1), "samples must be at least 2, got 1"),
        (lambda: dataclasses.replace(RULES["rws"], real=2.0), r"real must be in \[0, 1\], got 2.0"),
        (lambda: Calibration(depth=0), "depth must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_tenth_of_the_rate():
    """For the last 40 % of the updates."""
    optimiser = Adam(0.5, "tenth", 0).build(10)
    state = optimiser.init(jnp.zeros(()))
    steps = []
    for _ in range(10):
        change, state = optimiser.update(jnp.ones(()), state)
        steps.append(-float(change))
    np.testing.assert_allclose(steps, [0.5] * 6 + [0.05] * 4, rtol=1e-4)


def test_published_numbers_are_those_of_the_same_layers():
    paper = TIED_MNIST.preset("paper")
    assert TIED_MNIST.published(paper)["metrics"]["RWS"] == {"nll": 93.4}
    assert TIED_MNIST.published(dataclasses.replace(paper, layers="300")) == {}
    assert TIED_MNIST.published(dataclasses.replace(paper, data=BinaryDigits("mnist"))) == {}
