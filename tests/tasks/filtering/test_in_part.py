"""Recordings that are missing in part, from the table to errors, intervals and alarms."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet, Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.models.families import Gaussian, InPart
from vestige.models.filters import FactorFilter, RecurrentVAE
from vestige.models.filters.specs import FactorSpec, RVAESpec
from vestige.models.harmonium.specs import REFHSpec
from vestige.rules import ELBO, TemporallyLocal, TransitionTarget
from vestige.runs.forecasting import ForecastOptions, Forecasts
from vestige.runs.scoring import scored
from vestige.tasks.filtering import Bare, WithChanges, custom_recordings, stretches
from vestige.tasks.filtering.next_frame import frame_errors, next_regression, repeated
from vestige.tasks.order_statistics import Sorted
from vestige.tasks.step_predictions import StepPredictions

COLUMNS = RecordedColumns(("a", "b"))
NAN = np.nan


def walk(gaps=0.2, steps=240):
    draw = np.random.default_rng(7)
    seen = 5 + np.cumsum(draw.normal(size=(steps, 2)), axis=0)
    seen[draw.random(seen.shape) < gaps] = NAN
    return seen


def task_of(seen, **options):
    recorded = Recorded(FrameSet(seen, np.array([len(seen)]), ("a", "b")), np.zeros((len(seen), 0)))
    return custom_recordings(recorded, options.pop("kind", "numbers"), held_out=0.25, columns=COLUMNS, **options)


@functools.cache
def made(changes=True):
    task = task_of(walk(), changes=changes)
    model = FactorFilter(4 if changes else 2, 1, key=jax.random.key(0)).seeing_parts()
    return task, model, task.predictor(model, None)


def test_baselines_by_hand():
    frames = jnp.array([[1.0, 2.0], [NAN, 3.0], [4.0, NAN], [5.0, 6.0]])
    last = repeated(frames, in_part=True)
    assert last.tolist() == [[1, 2], [1, 3], [4, 3], [5, 6]]
    total, count = frame_errors(last, frames, jnp.ones(4, bool), in_part=True)
    assert (float(total), float(count)) == (1 + 9 + 1 + 9, 2.0)  # four values, two of which make a frame
    whole = jnp.nan_to_num(frames)
    for found, as_ever in zip(
        frame_errors(repeated(whole, in_part=True), whole, jnp.ones(4, bool), in_part=True),
        frame_errors(repeated(whole), whole, jnp.ones(4, bool)),
        strict=True,
    ):
        assert found == as_ever


def test_a_regression_learns_from_what_is_there():
    """y_t = A y_{t-1} exactly; what is not there, and a boundary between recordings, teach nothing."""
    draw = np.random.default_rng(0)
    law = np.array([[0.5, -0.3], [0.2, 0.6]])
    steps = [draw.normal(size=(30, 2))]
    for _ in range(5):
        steps.append(steps[-1] @ law.T)
    frames = np.stack(steps, axis=1).reshape(180, 2)
    regression = eqx.filter_jit(lambda made, at: next_regression(made, in_part=True)(at))
    at = jnp.array([[1.0, 2.0], [-0.5, 0.3]])
    frames[1::6, 1] = frames[3::6, 0] = frames[4::6] = NAN
    # b after a whole row, in steps 2 and 5; a in steps 1 and 2: whoever keeps the last of a gap errs a little
    frames[2::6, 0] = frames[5::6] = NAN
    found = regression(stretches(FrameSet(frames, np.full(30, 6), ("a", "b"))), at)
    np.testing.assert_allclose(found[:, 0], np.asarray(at) @ law[0], atol=1e-3)
    whole = next_regression(stretches(FrameSet(np.stack(steps, 1).reshape(180, 2), np.full(30, 6), ("a", "b"))))
    np.testing.assert_allclose(whole(at), np.asarray(at) @ law.T, atol=1e-3)


def test_changes_of_what_was_not_seen_are_missing():
    featurizer = WithChanges.of([0.0, 0.0], [1.0, 1.0])
    frames = np.array([[1, 2], [2, NAN], [4, 5], [NAN, NAN], [5, 5], [6, 7]])
    found = featurizer.features(frames, np.array([0]))
    expected = [[0, 0], [1, NAN], [2, NAN], [NAN, NAN], [0, 0], [1, 2]]
    np.testing.assert_array_equal(found[:, 2:], np.array(expected, np.float32))
    assert Bare().features(frames, np.array([0])).dtype == np.float32


@pytest.mark.slow
def test_a_task_takes_what_is_there():
    task = made()[0]
    assert task.in_part and task.family == InPart(task.observed)
    whole = task_of(walk(gaps=0.0))
    gone = walk(gaps=0.0)
    gone[3] = gone[200] = NAN
    assert not whole.in_part and not task_of(gone).in_part and whole.family == whole.observed
    seen = walk()
    train = seen[:180]
    np.testing.assert_allclose(task.mean, np.nanmean(train, axis=0))
    counts = task_of(np.abs(np.round(seen)), kind="counts")
    known = np.abs(np.round(train))
    expected = (np.nansum(known, axis=0) + 0.5) / ((~np.isnan(known)).sum(axis=0) + 1)
    np.testing.assert_allclose(counts.observed.scale.rates, expected, rtol=1e-6)
    assert np.isfinite(counts.observed.scale.spreads).all()


def test_models_that_can_and_one_that_cannot():
    task, key = made()[0], jax.random.key(0)
    assert FactorSpec().build(task, key=key).in_part
    assert RVAESpec(hidden=2, width=3).build(task, key=key).family == InPart(Gaussian(4))
    with pytest.raises(ValueError, match="must not be missing in part: a harmonium has no likelihood"):
        REFHSpec().build(task, key=key)


@pytest.mark.slow
def test_the_evaluation_counts_values():
    task, model, _ = made(changes=False)
    found = jax.jit(lambda m: task.evaluate(m, size=1, key=jax.random.key(1)))(model)
    seen = (walk()[180:] - task.mean) / task.scale
    state, scores, alone, errors, last = model.init(), [], [], [], np.full(2, NAN)
    filtered = jax.jit(
        lambda s, y: (
            model.filter(s, y),
            model.log_predictive(s, y, key=jax.random.key(0)),
            model.predict(s, key=jax.random.key(0)),
        )
    )
    for number, y in enumerate(seen.astype(np.float32)):
        state, score, predicted = filtered(state, y)
        there = ~np.isnan(y)
        if there.any():
            scores.append(float(score))
            alone.append(float(-0.5 * np.sum(y[there] ** 2 + np.log(2 * np.pi))))
        if number:
            errors.append([np.square(predicted - y), np.square(np.nan_to_num(last) - y)])
        last = np.where(there, y, last)
    np.testing.assert_allclose(found["log_likelihood"], np.mean(scores), rtol=1e-4)
    np.testing.assert_allclose(found["independent_log_likelihood"], np.mean(alone), rtol=1e-4)
    by_hand = 2 * np.nanmean(np.array(errors), axis=(0, 2))
    np.testing.assert_allclose([found["frame_error"], found["repeat_error"]], by_hand, rtol=1e-4)


def test_learning_from_what_is_there():
    """The gradient of a step that is missing in part is that of its densities; a row of nothing adds nothing."""
    task = made()[0]
    model = RecurrentVAE(task.family, 2, width=4, key=jax.random.key(2))
    rule = TemporallyLocal(ELBO(), TransitionTarget(), update_interval=3)
    seen = jnp.array([[[0.1, 0.2, NAN, NAN], [NAN, 0.3, NAN, 1.0], [NAN] * 4]])
    learn = eqx.filter_jit(lambda y: rule.learn(model, model.init()[None], y, key=jax.random.key(0)))
    found = learn(seen)
    assert int(found.skipped) == 0 and float(found.metrics["loss"]) != 0
    steepness = np.abs(np.asarray(found.grads.observation.bias))
    assert steepness[2] == 0 and (steepness[[0, 1, 3]] > 0).all()  # the third value was never there
    assert np.isfinite(np.asarray(found.states)).all()


def predicted(source, predictor=None, chunk=64):
    found = StepPredictions(predictor or made()[2], source, chunk=chunk)
    parts = list(found)
    return (
        {
            name: np.concatenate([getattr(each, name) for each in parts])
            for name in ("mean", "low", "high", "surprise", "seen", "last")
        },
        found,
        parts,
    )


def test_a_table_is_predicted_by_what_is_there():
    task, model, _ = made()
    held_out = walk()[180:]
    source = {"a": held_out[:, 0], "b": held_out[:, 1]}
    found, predictions, parts = predicted(source)
    summary = predictions.summary()
    metrics = jax.jit(lambda m: task.evaluate(m, size=1, key=jax.random.key(1)))(model)
    assert summary.mean_surprise == pytest.approx(-float(metrics["log_likelihood"]), rel=1e-4)
    missing = np.isnan(held_out).all(axis=1)
    assert summary.missing == missing.sum() and (np.isnan(found["surprise"]) == missing).all()
    np.testing.assert_array_equal(found["seen"], held_out)
    errors = np.square((found["mean"] - held_out) / task.scale)[1:]
    np.testing.assert_allclose(summary.error, np.nansum(np.nanmean(errors, axis=0)), rtol=1e-6)
    covered = (found["low"] <= held_out) & (held_out <= found["high"])
    assert summary.coverage == covered.sum() / (~np.isnan(held_out)).sum() and 0.8 < summary.coverage <= 1
    assert "missing in some of their values; what is there counts" in predictions.notices[-1]
    cut, _, _ = predicted(source, chunk=7)
    for name, values in found.items():
        np.testing.assert_allclose(cut[name], values, rtol=1e-4, atol=1e-4, err_msg=name)
    # a missing value changes nothing before it, and something after it
    fuller = {**source, "a": np.where(np.arange(60) == 30, 100.0, np.where(np.arange(60) == 31, 4.0, source["a"]))}
    more, _, _ = predicted(fuller)
    np.testing.assert_array_equal(found["mean"][:31], more["mean"][:31])
    # of its own held-out steps alarms are as rare as wanted, however many of their values are there
    tails = np.concatenate([scored(predictions, part, 0.1).tail for part in parts])
    kept = np.sort(tails[~missing])
    np.testing.assert_allclose(kept, np.arange(2, len(kept) + 2) / (len(kept) + 1))


@pytest.mark.slow
def test_a_model_that_was_trained_on_whole_rows_takes_others():
    whole = walk(gaps=0.0)
    task = task_of(whole)
    model = FactorFilter(2, 1, key=jax.random.key(0))
    predictor = task.predictor(model, None)
    rows = whole[180:].copy()
    before, _, _ = predicted({"a": rows[:, 0], "b": rows[:, 1]}, predictor)
    rows[40, 0] = NAN
    after, _, _ = predicted({"a": rows[:, 0], "b": rows[:, 1]}, predictor, chunk=20)
    plain, _, _ = predicted({"a": whole[180:, 0], "b": whole[180:, 1]}, predictor, chunk=20)
    for name in ("mean", "surprise"):
        np.testing.assert_array_equal(after[name][:40], plain[name][:40])  # the same program where nothing is missing
        np.testing.assert_allclose(plain[name], before[name], rtol=1e-5)
    assert np.isfinite(after["surprise"]).all() and (after["mean"][41] != plain["mean"][41]).any()
    ahead = Forecasts(predictor, {"a": rows[:, 0], "b": rows[:, 1]}, ForecastOptions(3, paths=8, origins=30))
    assert np.isfinite(ahead.back_test.errors["model"]).all() and len(list(ahead)) == 1


def test_channels_with_fewer_values_keep_wider_quantiles():
    values = np.stack([np.arange(1.0, 20), np.where(np.arange(19) < 9, np.arange(1.0, 20), NAN)], axis=1)
    found = Sorted.of(values)
    assert found.count == 9
    assert found.quantile(0.9).tolist() == [18.0, 9.0] and found.quantile(0.5).tolist() == [10.0, 5.0]
    with pytest.raises(Exception, match="channel 2 of 2 has no value in the held-out steps"):
        Sorted.of(values * [1, NAN])
