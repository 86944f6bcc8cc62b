"""What was fitted in training is kept: other files are seen in its units."""

import json

import jax
import numpy as np
import pytest

from vestige.data import FrameSet, Recorded
from vestige.errors import UsageError
from vestige.tasks.filtering import custom_recordings
from vestige.tasks.filtering.scaling import Scaling
from vestige.tasks.filtering.specs import RecordingsSpec

DRAW = np.random.default_rng(0)
NUMBERS = 1e7 + np.cumsum(DRAW.normal(size=(40, 3)), axis=0) * [1, 1e-3, 0]
OTHER = 1e7 + np.cumsum(DRAW.normal(size=(40, 3)), axis=0) * [9, 0, 7]
KINDS = {
    "numbers": (NUMBERS, {"leave_out": True}),
    "changes": (NUMBERS, {"leave_out": True, "changes": True}),
    "counts": (DRAW.poisson([3, 500], (40, 2)), {}),
    "bits": (DRAW.random((40, 2)) < [0.2, 0.9], {}),
}


def saved(path, values):
    np.save(path, values)
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
def test_it_survives_json_to_the_last_digit(kind, tmp_path):
    values, options = KINDS[kind]
    spec = RecordingsSpec(saved(tmp_path / "mine.npy", values), **options)
    task = spec.build(seed=0)
    plain = json.loads(json.dumps(spec.fitted(task)))
    again = spec.build_fitted(plain, seed=0)
    assert spec.fitted(again) == plain
    for one, other in zip(jax.tree.leaves(task), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.observed == task.observed


def test_other_numbers_are_in_units_of_the_training(tmp_path):
    spec = RecordingsSpec(saved(tmp_path / "mine.npy", NUMBERS), leave_out=True)
    fitted = spec.fitted(spec.build(seed=0))
    train = NUMBERS[:32, :2]
    other = RecordingsSpec(saved(tmp_path / "other.npy", OTHER), leave_out=True).build_fitted(fitted, seed=0)
    expected = (OTHER[:, :2] - train.mean(axis=0)) / train.std(axis=0)  # one of them is constant in the other file
    np.testing.assert_allclose(other.train.frames, expected[:32], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(other.test.frames, expected[32:], rtol=1e-6, atol=1e-5)


def test_other_counts_keep_kind_and_scale(tmp_path):
    """Whatever the type of the other file."""
    values = KINDS["counts"][0]
    spec = RecordingsSpec(saved(tmp_path / "mine.npy", values))
    task = spec.build(seed=0)
    other = RecordingsSpec(saved(tmp_path / "other.npy", 3.0 * values)).build_fitted(spec.fitted(task), seed=0)
    assert other.observed == task.observed


def test_another_number_of_values_is_refused():
    frames = FrameSet(NUMBERS, np.array([40], np.int32), ("a", "b", "c"))
    scaling = Scaling.fitted(Recorded(frames, np.zeros((40, 0))), "numbers", leave_out=True)
    narrow = Recorded(FrameSet(NUMBERS[:, :2], np.array([40], np.int32), ("a", "b")), np.zeros((40, 0)))
    with pytest.raises(ValueError, match="trained on 3 values per step, got 2"):
        custom_recordings(narrow, "numbers", scaling=scaling)


def test_a_damaged_scaling_is_one_sentence():
    frames = FrameSet(NUMBERS, np.array([40], np.int32), ("a", "b", "c"))
    plain = Scaling.fitted(Recorded(frames, np.zeros((40, 0))), "numbers", leave_out=True).as_plain()
    for name, value in (("kind", "words"), ("mean", [1.0]), ("scale", [1.0, 0.0]), ("kept", None), ("alone", ["x", 1])):
        with pytest.raises(UsageError, match="stored scaling of the training recordings is damaged"):
            Scaling.from_plain({**plain, name: value})
    with pytest.raises(UsageError, match="damaged"):
        Scaling.from_plain({})
