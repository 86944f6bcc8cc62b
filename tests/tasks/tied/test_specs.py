"""The data of two directions as options: what is loaded by them."""

import inspect

import jax
import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.models.tied.specs import TiedPairSpec
from vestige.plain import from_plain, to_plain
from vestige.tasks.spec import TaskSpec
from vestige.tasks.tied import CalibratedDigits, LabelledImages, bars_and_stripes
from vestige.tasks.tied.images import binary, grey, parts
from vestige.tasks.tied.specs import TWO_WAY_TASKS, BarsAndStripesSpec, BinaryDigitsSpec, CalibratedDigitsSpec


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


def test_grey_images_are_those_of_the_same_split():
    (train, labels), _ = grey("digits")
    (images, same), _ = parts("digits")
    np.testing.assert_array_equal(train, images.astype(np.float32) / 255)
    np.testing.assert_array_equal(labels, same)


@pytest.mark.parametrize("spec", TWO_WAY_TASKS.values(), ids=TWO_WAY_TASKS)
def test_options_survive(spec):
    assert from_plain(TaskSpec, to_plain(spec), where="x") == spec
    assert spec.summary() and spec.metric


def test_defaults_are_those_of_the_tasks():
    images, calibrated = (inspect.signature(kind).parameters for kind in (LabelledImages, CalibratedDigits))
    assert BinaryDigitsSpec().samples == images["samples"].default
    assert BinaryDigitsSpec().sweeps == images["sweeps"].default
    assert CalibratedDigitsSpec().passes == calibrated["passes"].default


def test_options_reach_the_images():
    task = BinaryDigitsSpec(labels_per_class=2, train=400, test=30, samples=7, sweeps=3).build(seed=0)
    np.testing.assert_array_equal(task.train_labels.sum(axis=0), 2.0)
    assert (len(task.train), len(task.test), len(task.test_labels)) == (400, 30, 30)
    assert (task.samples, task.sweeps, task.image) == (7, 3, (8, 8))
    assert BinaryDigitsSpec(labelled=False).build(seed=0).train_labels is None


def test_digits_for_choosing_are_the_last_to_train_on():
    tested, chosen = BinaryDigitsSpec().build(seed=0), BinaryDigitsSpec().for_choosing().build(seed=0)
    assert len(chosen.test) == 1347 // 5 and len(chosen.train) == 1347 - 1347 // 5
    np.testing.assert_array_equal(np.concatenate([chosen.train, chosen.test]), tested.train)
    labels = np.argmax(np.asarray(tested.train_labels), axis=1)
    np.testing.assert_array_equal(chosen.test_labels, labels[len(chosen.train) :])


def test_shortcuts_need_classes(key):
    task = BinaryDigitsSpec(labelled=False, train=50, test=10).build(seed=0)
    with pytest.raises(ValueError, match="these data have no classes"):
        TiedPairSpec("8-4", shortcuts="all").build(task, key=key)
    task = BinaryDigitsSpec(train=50, test=10).build(seed=0)
    assert len(TiedPairSpec("8-4", shortcuts="all").build(task, key=key).shortcuts) == 2
    assert len(TiedPairSpec("8-4", shortcuts="hidden").build(task, key=key).shortcuts) == 1
    with pytest.raises(ValueError, match="shortcuts 'hidden' join no layer"):
        TiedPairSpec("8", shortcuts="hidden").build(task, key=key)


def test_patterns_as_a_model_sees_them():
    spec = BarsAndStripesSpec(3)
    task = spec.build(seed=0)
    np.testing.assert_array_equal(task.train, bars_and_stripes(3))
    assert (task.train_labels, task.image, spec.side) == (None, (3, 3), 3)


def test_digits_of_a_classifier():
    black, shades = (CalibratedDigitsSpec(binary=binary, passes=9).build(seed=0) for binary in (True, False))
    assert set(np.unique(black.train)) == {0.0, 1.0} and len(np.unique(shades.train)) > 10
    assert black.train.shape == (1347, 64) and black.test.shape == (450, 64) and black.passes == 9


@pytest.mark.slow
def test_noise_stands_for_missing_files(monkeypatch, key):
    def missing(source):
        raise UsageError("not here")

    monkeypatch.setattr("vestige.tasks.tied.images.parts", missing)
    task = BinaryDigitsSpec("mnist").dummy_build(key=key)
    assert task.train.shape == (2048, 784) and task.image == (28, 28)
    with pytest.raises(UsageError, match="not here"):
        BinaryDigitsSpec("mnist").build(seed=0)
    assert jax.numpy.unique(task.train).size == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BinaryDigitsSpec(labelled=False, labels_per_class=3), "with labelled off there are none"),
        (lambda: BinaryDigitsSpec("mnits"), "source: data set 'mnits' is unknown"),
        (lambda: BinaryDigitsSpec("music"), "source: data set 'music' is not a set of images"),
        (lambda: BinaryDigitsSpec(samples=0), "samples must be at least 1, got 0"),
        (lambda: CalibratedDigitsSpec(passes=0), "passes must be at least 1, got 0"),
        (lambda: BarsAndStripesSpec(1), "side must be at least 2, got 1"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
