"""Recordings of one's own, on data whose answers are known."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.filtering.filters import Leaky
from vestige.data import FrameSet, Recorded
from vestige.errors import UsageError
from vestige.models.families import Bernoulli, Poisson, UnitGaussian
from vestige.tasks.filtering import custom_recordings
from vestige.tasks.filtering.specs import RecordingsSpec

evaluated = eqx.filter_jit(lambda task, model, size, key: task.evaluate(model, size=size, key=key))
DRAW = np.random.default_rng(0)


def recorded(observations, *lengths, outcomes=None):
    frames = np.asarray(observations, np.float64)
    lengths = lengths or (len(frames),)
    names = tuple(f"value {j}" for j in range(frames.shape[1]))
    outcomes = np.zeros((len(frames), 0)) if outcomes is None else np.asarray(outcomes)
    return Recorded(FrameSet(frames, np.array(lengths, np.int32), names), outcomes.astype(np.float32))


def test_the_end_of_each_recording_is_held_out():
    task = custom_recordings(recorded(np.arange(40)[:, None], 10, 30), "counts", held_out=0.2)
    assert task.train.frames[:, 0].tolist() == [*range(8), *range(10, 34)]
    assert task.test.frames[:, 0].tolist() == [8, 9, *range(34, 40)]
    assert task.test.lengths.tolist() == [2, 6] and task.outcomes == ()


@pytest.mark.parametrize(
    ("kind", "values", "family"),
    [
        ("counts", [[1, 0], [3, 0], [2, 1], [0, 0], [4, 1]], Poisson),
        ("bits", [[1, 0], [0, 0], [1, 1], [0, 1], [1, 1]], Bernoulli),
        ("numbers", [[1.0, 0], [3, 5], [2, 4], [2, 1], [4, 1]], UnitGaussian),
    ],
)
def test_metrics_by_hand(kind, values, family, key):
    """Trained on three steps and evaluated on two, by a model that predicts the last observation again."""
    values = np.array(values, float)
    task = custom_recordings(recorded(values), kind, held_out=0.4)
    train, test = values[:3], values[3:]
    mean, scale = (train.mean(0), train.std(0)) if kind == "numbers" else (np.zeros(2), np.ones(2))
    assert isinstance(task.family, family)
    found = evaluated(task, Leaky(jnp.zeros(1), 2), 1, key)
    error = np.sum(np.square((test[1] - test[0]) / scale))
    np.testing.assert_allclose([found["frame_error"], found["repeat_error"]], error, rtol=1e-5)
    seen = (test - mean) / scale
    rate = (train.sum(0) + 0.5) / 4
    logs = {
        "counts": lambda: seen * np.log(rate) - rate - np.log([[1, 1], [24, 1]]),
        "bits": lambda: seen * np.log(rate) + (1 - seen) * np.log(1 - rate),
        "numbers": lambda: -0.5 * (seen**2 + np.log(2 * np.pi)),
    }
    np.testing.assert_allclose(found["independent_log_likelihood"], logs[kind]().sum() / 2, rtol=1e-5)
    before = np.array([np.zeros(2), seen[0]])  # Leaky scores less than the squared distance from its state, by up to 1
    assert 0 <= -np.square(seen - before).sum(1).mean() - found["log_likelihood"] <= 1


def test_a_missing_step_is_not_judged(key):
    task = custom_recordings(recorded([[1], [2], [0], [3], [np.nan], [5]]), "counts", held_out=0.5)
    found = evaluated(task, Leaky(jnp.zeros(1), 1), 1, key)
    rate = 3.5 / 4
    logs = np.array([3, 5]) * np.log(rate) - rate - np.log([6, 120])
    np.testing.assert_allclose(found["independent_log_likelihood"], logs.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["frame_error"], 4.0)  # from 3 to 5, over the gap


@pytest.mark.slow
def test_outcomes_are_read_out_of_states_and_of_the_observation_alone(key):
    """What was seen a step ago is in the state of a model that keeps it, and in no observation. Steps whose outcome is
    not known, and steps that are missing, spoil nothing."""
    seen = DRAW.normal(size=(400, 1))
    outcomes = np.concatenate([[[0.0]], seen[:-1]])
    outcomes[[50, 390]] = np.nan
    gaps = seen.copy()
    gaps[[120, 385]] = np.nan
    outcomes[[121, 386]] = np.nan
    gaps[:3], outcomes[:4] = np.nan, 100.0  # before anything was seen, nothing can be known
    outcomes[3] = np.nan
    task = custom_recordings(recorded(gaps, 200, 200, outcomes=outcomes), "numbers", held_out=0.25)
    assert task.outcomes == ("outcome 0",)
    # Two sums that forget at different rates of a white sequence hold its last two values between them, nearly.
    found = evaluated(task, Leaky(jnp.array([0.0, 0.2, 0.4]), 1), 2, key)
    assert found["outcome_r2"] > 0.9 and found["outcome_r2_alone"] < 0.1
    assert set(task.bounds(found)) == {"frame_error", "log_likelihood", "outcome_r2"}


def test_a_read_out_is_fitted_on_the_training_recordings(key):
    """What is held out follows the opposite law, so that a readout fitted there would do well."""
    seen = DRAW.normal(size=(80, 1))
    outcomes = np.where(np.arange(80)[:, None] < 40, seen, -seen)
    task = custom_recordings(recorded(seen, outcomes=outcomes), "numbers", held_out=0.5)
    found = evaluated(task, Leaky(jnp.zeros(1), 1), 1, key)
    assert found["outcome_r2"] < -1 and found["outcome_r2_alone"] < -1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: custom_recordings(recorded(np.ones((9, 2)) * [1, 0.5]), "counts"), "counts are 0, 1, 2"),
        (lambda: custom_recordings(recorded(2.0 * np.eye(9)), "bits"), "bits are 0 or 1"),
        (lambda: custom_recordings(recorded(np.full((9, 1), np.inf)), "counts"), "counts are 0, 1, 2"),
        (
            lambda: custom_recordings(recorded(np.arange(9.0)[:, None] * [1, 0, 0]), "numbers"),
            r"got constant value 1, value 2; leave them out \(--task.leave-out\)",
        ),
        (
            lambda: custom_recordings(recorded(np.ones((9, 2))), "numbers", leave_out=True),
            "there is nothing to learn",
        ),
        (lambda: custom_recordings(recorded(np.ones((9, 1))), "counts", changes=True), "changes are those of numbers"),
        (lambda: custom_recordings(recorded(np.ones((2, 1))), "counts", held_out=0.01), "leaves a recording empty"),
        (
            lambda: recorded(np.ones((3, 1)), outcomes=np.ones((2, 1))),
            r"outcomes must be \(3, numbers\), .* got \(2, 1\)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(make, message):
    with pytest.raises((ValueError, UsageError), match=message):
        make()


def test_constant_numbers_can_be_left_out():
    task = custom_recordings(recorded(np.arange(9.0)[:, None] * [1, 0, 2]), "numbers", leave_out=True)
    assert task.width == 2 and jnp.isfinite(task.train.frames).all()


def test_channels_of_very_different_size_are_all_kept():
    """A share, bytes and requests: each is scaled by itself, in float64."""
    t, draw = np.arange(600), np.random.default_rng(0)
    share = 0.5 + 0.3 * np.sin(t / 10) + 0.05 * draw.normal(size=600)
    seen = np.stack([share, 8e9 + 1e6 * np.cumsum(draw.normal(size=600)), 500 + 200 * np.sin(t / 10)], axis=1)
    task = custom_recordings(recorded(seen), "numbers")
    assert task.width == 3
    frames = np.asarray(task.train.frames)
    np.testing.assert_allclose(frames.std(axis=0), 1.0, rtol=1e-4)
    again = task.mean + task.scale * frames.astype(float)
    rounding = task.scale * np.abs(frames) * 2.0**-24 + 1e-15 * np.abs(seen[: len(again)])  # of float32, of float64
    assert np.all(np.abs(again - seen[: len(again)]) <= rounding)


def test_a_level_that_is_large_beside_its_changes_keeps_them():
    seen = 1e7 + np.cumsum(DRAW.normal(size=(400, 1)), axis=0)
    task = custom_recordings(recorded(seen), "numbers", held_out=0.2)
    assert len(np.unique(task.train.frames)) == 320
    changes = custom_recordings(recorded(seen), "numbers", held_out=0.2, changes=True).train.frames[:, 1]
    np.testing.assert_allclose(np.corrcoef(changes[1:], np.diff(seen[:320, 0]))[0, 1], 1.0, atol=1e-6)


def test_a_channel_of_rounding_errors_is_constant():
    seen = np.stack([np.arange(50.0), np.full(50, 8e9 / 3) + 1e-7 * DRAW.normal(size=50)], axis=1)
    with pytest.raises(ValueError, match="got constant value 1"):
        custom_recordings(recorded(seen), "numbers")


def test_large_counts_are_counts():
    """Monthly passengers: the family's scale is that of the training counts, and the net sees numbers of order 1."""
    passengers = np.round(500 + 280 * np.sin(np.arange(120) / 2))[:, None]
    task = custom_recordings(recorded(passengers), "counts")
    assert isinstance(task.family, Poisson)
    np.testing.assert_allclose(task.family.mean(task.alone), passengers[:96].mean(), rtol=0.02)
    shown = np.asarray(jax.vmap(task.family.encoder_input)(task.train.frames))
    np.testing.assert_allclose([shown.mean(), shown.std()], [0, 1], atol=0.1)


@pytest.mark.parametrize(
    ("frames", "outcomes", "message"),
    [
        ([[1.0], [2], [4], [np.nan]], None, "at least one held-out recording must hold two steps"),
        ([[1.0], [2], [4], [5], [np.nan], [np.nan]], None, "at least one held-out recording must hold two steps"),
        (
            np.arange(8.0)[:, None],
            [1, 2, 3, 4, np.nan, np.nan, np.nan, np.nan],
            "outcome 0 .* held-out .* got 0 values",
        ),
        (np.arange(8.0)[:, None], [1, 2, 3, 4, 5, 5, 5, 5], "outcome 0 .* held-out .* got 1 value"),
        (np.arange(8.0)[:, None], [1, 1, 1, 1, 5, 6, 7, 8], "outcome 0 .* training .* got 1 value"),
        (np.arange(8.0)[:, None], [1, 2, np.inf, 4, 5, 6, 7, 8], "outcomes must be finite, or NaN"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_and_never_nan(frames, outcomes, message):
    outcomes = None if outcomes is None else np.asarray(outcomes)[:, None]
    with pytest.raises(ValueError, match=message):
        custom_recordings(recorded(frames, outcomes=outcomes), "numbers", held_out=0.5)


def test_what_drifts_is_predicted_by_its_change(key):
    """Told no change beyond the mean one of a ramp, the next step is predicted exactly."""
    ramp = np.arange(40.0)[:, None]
    task = custom_recordings(recorded(ramp), "numbers", changes=True)
    found = evaluated(task, Leaky(jnp.ones(1), 2), 1, key)  # a memory that never takes anything up: it says 0
    assert task.width == 2 and float(found["frame_error"]) < 1e-6 < float(found["repeat_error"])


def test_a_table_is_seen_by_the_names_of_its_columns(tmp_path):
    draw = np.random.default_rng(4)
    level, load = 1e7 + draw.normal(size=50), draw.normal(size=50)
    rows = [f"{a!r},{b!r},{c!r}" for a, b, c in zip(level.tolist(), load.tolist(), np.abs(load).tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["level,load,target", *rows]) + "\n")
    spec = RecordingsSpec(path=str(tmp_path / "t.csv"), length=5)
    task = spec.build(seed=0)
    assert task.outcomes == ("target",) and task.train.frames.shape == (40, 2)
    np.testing.assert_allclose(np.std(task.train.frames, axis=0), 1.0, atol=1e-5)
    fitted = json.loads(json.dumps(spec.fitted(task)))
    names = {"inputs": ["level", "load"], "outcomes": ["target"], "document": None}
    assert fitted["columns"] == {**names, "time": None}

    swapped = [",".join(row.split(",")[i] for i in (2, 1, 0)) for row in rows]
    (tmp_path / "o.csv").write_text("\n".join(["target,load,level", *swapped]) + "\n")
    again = dataclasses.replace(spec, path=str(tmp_path / "o.csv")).build_fitted(fitted, seed=0)
    np.testing.assert_array_equal(again.test.frames, task.test.frames)
    np.save(tmp_path / "a.npy", np.zeros((9, 1)))
    with pytest.raises(UsageError, match="are columns of a table"):
        dataclasses.replace(spec, path=str(tmp_path / "a.npy"), inputs="level").build(seed=0)
