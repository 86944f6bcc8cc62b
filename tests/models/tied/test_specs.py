"""The pair, its ties and the classifier as options: what is built of them."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.tied import Convolution, Dense, OneHot, OnVector
from vestige.models.tied.specs import TIED_MODELS, TIES, ClassifierSpec, SoftTieSpec, TiedPairSpec, TieSpec
from vestige.plain import from_plain, to_plain
from vestige.rules.specs import GradientSpec
from vestige.rules.tied.specs import WakeSleepSpec
from vestige.tasks.tied.specs import BarsAndStripesSpec, BinaryDigitsSpec, CalibratedDigitsSpec


@pytest.fixture(autouse=True)
def _double():
    """Data are single precision, as in a run."""


DIGITS = BinaryDigitsSpec(train=60, test=20, samples=5)


def test_ties_are_built():
    down, up = jnp.ones((2, 3)), jnp.zeros((2, 3))
    made = {name: tie.build()(down, up, 1) for name, tie in TIES.items()}
    kinds = {"full": "Full", "none": "Untied", "init-only": "Untied", "scaled": "Scaled", "soft": "Soft"}
    assert {name: type(tie).__name__ for name, tie in made.items()} == kinds
    assert float(made["none"].recognition().sum()) == 0 and float(made["init-only"].recognition().sum()) == 6
    assert SoftTieSpec(0.5).build()(down, up, 1).strength == 0.5
    for tie in TIES.values():
        assert from_plain(TieSpec, to_plain(tie), where="x") == tie


def test_a_pair_for_images_with_classes(key):
    task = DIGITS.build(seed=0)
    model = TiedPairSpec("6", scale=0.5).build(task, key=key)
    assert [units.size for units in model.units] == [64, 6, 10]
    assert isinstance(model.units[-1], OneHot)
    np.testing.assert_allclose(jnp.sum(jnp.exp(model.prior)), 1.0, rtol=1e-5)
    assert float(jnp.std(model.ties[0].kernel)) == pytest.approx(0.5, abs=4 * 0.5 / (2 * 384) ** 0.5)
    soft = TiedPairSpec("6", SoftTieSpec(0.25)).build(task, key=key)
    assert soft.ties[0].strength == 0.25


def test_a_pair_for_patterns(key):
    model = TiedPairSpec("3-2").build(BarsAndStripesSpec(2).build(seed=0), key=key)
    assert [units.size for units in model.units] == [4, 3, 2]


@pytest.mark.slow
def test_filters_below_other_layers(key):
    """Images are rows of pixels to the task, and images to the filters."""
    task = DIGITS.build(seed=0)
    spec = TiedPairSpec("3c4s2p1-2c3-6")
    model = spec.build(task, key=key)
    assert [units.shape for units in model.units] == [(64,), (3, 4, 4), (2, 2, 2), (6,), (10,)]
    assert spec.hidden_bits(DIGITS) == 48 + 8 + 6
    first, second, third, _ = model.ups
    assert isinstance(first, OnVector) and isinstance(second, Convolution) and isinstance(third, Dense)
    assert (first.kernel_shape, second.kernel_shape) == ((3, 1, 4, 4), (2, 3, 3, 3))
    rule, batch = WakeSleepSpec().build(spec, task), task.batch(size=5, key=jax.random.key(0))
    grads = eqx.filter_jit(rule.step)(model, None, batch, key=jax.random.key(1)).grads
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(grads))


def test_a_classifier(key):
    spec = ClassifierSpec(7, 3)
    task = CalibratedDigitsSpec().build(seed=0)
    model = spec.build(task, key=key)
    assert [layer.weight.shape for layer in model.layers] == [(7, 64), (7, 7), (7, 7), (10, 7)]
    example = jax.tree.map(lambda leaf: leaf[0], task.batch(size=1, key=key))
    value, metrics = spec.objective(task)(model, example, key=key)
    expected = jax.nn.log_softmax(model(example.inputs))[jnp.argmax(example.targets)]
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(metrics["label_nll"], -expected, rtol=1e-6)


def test_a_classifier_does_not_clip():
    assert ClassifierSpec().suited(GradientSpec()).clip is None
    assert ClassifierSpec().suited(WakeSleepSpec()) == WakeSleepSpec()


@pytest.mark.parametrize("name", TIED_MODELS)
def test_options_survive(name):
    changed = {
        "tied-pair": {"layers": "5", "tie": TIES["init-only"]},
        "tied-rows": {"layers": "5", "tie": TIES["init-only"]},
        "classifier": {"width": 3},
    }[name]
    spec = dataclasses.replace(TIED_MODELS[name], **changed)
    assert from_plain(type(spec), to_plain(spec), where="x") == spec


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TiedPairSpec("8,4"), "layers must be sizes from the data upward, such as 100-50, .* got '8,4'"),
        (lambda: TiedPairSpec("8-0"), "layers must be sizes"),
        (lambda: TiedPairSpec("8c0"), "layers must be sizes"),
        (lambda: TiedPairSpec("50-8c5").check(BinaryDigitsSpec()), "write 8c5s1-50, not 50-8c5s1"),
        (lambda: TiedPairSpec("8c9").check(BinaryDigitsSpec()), "filters of 9 x 9 pixels look at an image of 8 x 8"),
        (
            lambda: TiedPairSpec("8c5s2").build(DIGITS.build(seed=0), key=jax.random.key(0)),
            "a kernel of 5 with stride 2 and padding 0 cannot be transposed",
        ),
        (
            lambda: TiedPairSpec("16-8").check(BarsAndStripesSpec()),
            "evaluated by enumeration, at most 20 hidden bits, got 16-8",
        ),
        (lambda: TiedPairSpec(scale=0.0), "scale must be positive, got 0"),
        (lambda: SoftTieSpec(-1.0), "strength must be at least 0, got -1"),
        (lambda: ClassifierSpec(depth=0), "depth must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
