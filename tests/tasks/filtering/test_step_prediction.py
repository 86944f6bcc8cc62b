"""Predictions of tables step by step: the same as the task's own evaluation, however they are cut."""

import functools
import math
import tracemalloc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet, Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.errors import RunError, UsageError
from vestige.models.filters import FactorFilter
from vestige.runs.scoring import check_alarms, scored
from vestige.tasks.filtering import custom_recordings
from vestige.tasks.filtering.calibration import Calibration, Widths
from vestige.tasks.filtering.loading import unread
from vestige.tasks.filtering.scaling import Scaling
from vestige.tasks.filtering.step_prediction import RecordingsPredictor
from vestige.tasks.order_statistics import Sorted
from vestige.tasks.step_predictions import StepPredictions

COLUMNS = RecordedColumns(("a", "b"), (), "day", "time")
LONG = 120
"""Steps of each of two recordings; the last quarter is held out."""


def walks():
    draw = np.random.default_rng(3)
    return [5 + 3 * np.cumsum(draw.normal(size=(LONG, 2)), axis=0) for _ in range(2)]


@functools.cache
def made():
    """Task, model, and what the held-out part says of the model; the changes are seen too."""
    frames = FrameSet(np.concatenate(walks()), np.array([LONG, LONG]), ("a", "b"))
    task = custom_recordings(
        Recorded(frames, np.zeros((2 * LONG, 0))), "numbers", held_out=0.25, changes=True, columns=COLUMNS
    )
    model = FactorFilter(4, 1, key=jax.random.key(0))
    return task, model, task.predictor(model, None)


def table(parts, **more):
    """A table of documents; further columns stand between."""
    rows = np.concatenate(parts)
    days = np.repeat([f"day {n}" for n in range(len(parts))], [len(part) for part in parts])
    return {"b": rows[:, 1], "time": np.arange(len(rows)), "day": days, **more, "a": rows[:, 0]}


def predicted(source, *, chunk=64, interval=0.9):
    """All steps at once, and the predictions."""
    found = StepPredictions(made()[2], source, interval=interval, chunk=chunk)
    parts = list(found)
    names = ("mean", "low", "high", "surprise", "seen", "last", "linear", "begun")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}, found


def held_out():
    return table([walk[3 * LONG // 4 :] for walk in walks()])


def test_agrees_with_the_evaluation_of_the_task():
    task, model, _ = made()
    metrics = jax.jit(lambda m: task.evaluate(m, size=2, key=jax.random.key(1)))(model)
    summary = predicted(held_out())[1].summary()
    assert summary.steps == LONG // 2 and summary.missing == 0
    assert summary.mean_surprise == pytest.approx(-float(metrics["log_likelihood"]), rel=1e-4)
    assert summary.error == pytest.approx(float(metrics["frame_error"]), rel=1e-3)
    assert summary.last_error == pytest.approx(float(metrics["repeat_error"]), rel=1e-3)
    assert summary.linear_error == pytest.approx(float(metrics["linear_error"]), rel=1e-3)


def test_the_size_of_chunks_changes_nothing():
    source = held_out()
    whole, _ = predicted(source)
    for chunk in (7, 64):
        cut, _ = predicted(source, chunk=chunk)
        for name, values in whole.items():
            np.testing.assert_allclose(cut[name], values, rtol=1e-5, atol=1e-5, err_msg=name)


class Counted(FactorFilter):
    """Counts how often it is traced."""

    traced: ClassVar[list[int]] = []

    def predict(self, state, *, key):
        self.traced.append(1)
        return super().predict(state, key=key)


def test_a_table_has_one_program_and_keeps_no_steps():
    task, model, _ = made()
    counted = Counted(4, 1, key=jax.random.key(0))
    predictor = RecordingsPredictor(counted, task.scaling, COLUMNS, task.calibration(model))
    walk = np.tile(walks()[0], (20, 1))
    predictions = StepPredictions(predictor, table([walk[:1000], walk[1000:]]), chunk=64)
    tracemalloc.start()
    for number, _ in enumerate(predictions):
        if number == 3:
            early = tracemalloc.get_traced_memory()[0]
    assert tracemalloc.get_traced_memory()[0] < early + 50_000
    tracemalloc.stop()
    assert number == len(walk) // 64 and predictions.summary().steps == len(walk)
    assert len(Counted.traced) <= 2  # of one compilation: the loop's body and its shapes


def test_a_prediction_does_not_know_its_step():
    other = held_out()
    other["a"] = other["a"].copy()
    other["a"][20:] += 100.0
    was, now = predicted(held_out())[0], predicted(other)[0]
    for name in ("mean", "low", "high", "last", "linear"):
        np.testing.assert_array_equal(was[name][:21], now[name][:21])
        assert (was[name][22] != now[name][22]).any()
    assert (was["surprise"][:20] == now["surprise"][:20]).all() and was["surprise"][20] != now["surprise"][20]


def test_each_document_begins_anew():
    first, second = (walk[:30] for walk in walks())
    both, alone = predicted(table([first, second]))[0], predicted(table([second]))[0]
    np.testing.assert_allclose(both["mean"][30:], alone["mean"], rtol=1e-5)
    np.testing.assert_allclose(both["surprise"][30:], alone["surprise"], rtol=1e-5)
    assert list(np.flatnonzero(~both["begun"])) == [0, 30]
    # before anything is seen: the training mean, and an interval for values that know no past
    np.testing.assert_allclose(both["last"][30], made()[0].mean)
    assert (both["high"] - both["low"])[30].min() > (both["high"] - both["low"])[31].max()


def test_missing_steps_are_predicted_and_surprise_nobody():
    source = held_out()
    source["a"], source["b"] = source["a"].copy(), source["b"].copy()
    source["a"][10:13] = source["b"][10:13] = np.nan
    found, predictions = predicted(source)
    assert np.isfinite(found["mean"]).all() and np.isfinite(found["low"]).all()
    assert list(np.flatnonzero(np.isnan(found["surprise"]))) == [10, 11, 12]
    np.testing.assert_array_equal(found["last"][10], found["last"][13])  # the step before the gap
    assert predictions.summary().missing == 3 and predictions.notices == []


def test_columns_are_found_by_name_and_values_checked():
    source = held_out()
    further = {**source, "remark": np.arange(len(source["a"]))}
    assert "are not read: remark" in StepPredictions(made()[2], further).notices[0]
    with pytest.raises(UsageError, match="lacks columns of the training data: a"):
        StepPredictions(made()[2], {name: values for name, values in source.items() if name != "a"})
    infinite = {**source, "a": np.where(np.arange(len(source["a"])) == 4, np.inf, source["a"])}
    with pytest.raises(UsageError, match="column 'a', row 5: a number is expected, got 'inf'"):
        predicted(infinite)
    back = {**source, "day": np.resize(["x", "y"], len(source["a"]))}
    with pytest.raises(UsageError, match="document 'x' goes on after others"):
        predicted(back)
    for wrong in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match=r"interval must be in \(0, 1\)"):
            StepPredictions(made()[2], source, interval=wrong)
    with pytest.raises(UsageError, match="hold out more"):
        StepPredictions(made()[2], source, interval=0.999)


def test_an_array_is_matched_by_place():
    _, model, predictor = made()
    task = made()[0]
    by_place = RecordingsPredictor(model, task.scaling, None, task.calibration(model))
    walk = walks()[0][:30]
    found = np.concatenate([steps.mean for steps in StepPredictions(by_place, walk, chunk=64)])
    named = predicted(table([walk]))[0]["mean"]
    np.testing.assert_allclose(found, named, rtol=1e-6)
    assert predictor.channels == ("a", "b")
    with pytest.raises(UsageError, match="array of 2 values a step, found by their place, and here are 3"):
        StepPredictions(by_place, np.zeros((4, 3)))


def test_no_data_are_needed_to_build_the_task():
    task = made()[0]
    again = unread(Scaling.from_plain(task.scaling.as_plain()), COLUMNS, task.length)
    assert again.family == task.family and again.columns == COLUMNS
    arrays = task.calibration(made()[1]).as_arrays()
    source = held_out()
    steps = [
        next(iter(StepPredictions(each, source, chunk=64))) for each in (again.predictor(made()[1], arrays), made()[2])
    ]
    np.testing.assert_array_equal(steps[0].low, steps[1].low)
    np.testing.assert_array_equal(steps[0].surprise, steps[1].surprise)
    assert again.predictor(made()[1], {}) is None
    with pytest.raises(UsageError, match="calibration is damaged"):
        Calibration.from_arrays({**arrays, "calibration_first": arrays["calibration_first"][:1]}, 2)


def test_a_model_that_diverges_is_named():
    task, model, _ = made()
    wild = eqx.tree_at(lambda m: m.input_loadings, model, jnp.full_like(model.input_loadings, jnp.nan))
    broken = RecordingsPredictor(wild, task.scaling, COLUMNS, task.calibration(model))
    with pytest.raises(RunError, match="row 1: the prediction is not finite"):
        list(StepPredictions(broken, held_out(), chunk=64))
    with pytest.raises(UsageError, match="are not finite, so that there is nothing to calibrate"):
        StepPredictions(task.predictor(wild, None), held_out())


def test_alarms_are_as_rare_as_wanted():
    predictions = StepPredictions(made()[2], held_out(), chunk=64)
    each = [scored(predictions, steps, 0.1) for steps in predictions]
    tails = np.concatenate([part.tail for part in each])
    np.testing.assert_allclose(np.sort(tails), np.arange(2, LONG // 2 + 2) / (LONG // 2 + 1))  # its own held-out steps
    assert sum(part.alarm.sum() for part in each) == 5  # tails of 2/61 to 6/61
    far = held_out()
    far["a"] = np.where(np.arange(len(far["a"])) == 30, 1e3, far["a"])
    predictions = StepPredictions(made()[2], far, chunk=64)
    (steps,) = predictions
    assert scored(predictions, steps, 0.02).alarm[30] and scored(predictions, steps, 0.02).tail[30] == 1 / 61
    with pytest.raises(UsageError, match="at least 0.0164 with 60 held-out steps"):
        check_alarms(predictions, 0.01)


def test_quantiles_are_those_of_split_conformal_prediction():
    nine = Sorted.of(np.arange(9, 0, -1.0)[:, None])
    assert nine.quantile(0.9) == 9 and nine.quantile(0.5) == 5  # ranks ⌈10 · level⌉
    with pytest.raises(UsageError, match="at most 0.9 with 9 held-out steps"):
        nine.quantile(0.91)
    np.testing.assert_allclose(nine.tail(np.array([0.0, 9.0, 9.5, np.nan])), [1.0, 0.2, 0.1, np.nan])
    many = Sorted.of(np.arange(1.0, 100_001)[:, None])
    assert len(many.ranks) == 2000 and 90_000 <= many.quantile(0.9)[0] <= 90_100


def test_widths_follow_errors_as_their_identity_says():
    draw = np.random.default_rng(0)
    errors = np.abs(draw.normal(size=(4000, 2))) * np.linspace(1, 4, 4000)[:, None]
    start = np.array([1.6, 1.6])
    found = Widths(start, 0.9)
    widths = np.concatenate([found.follow(part, np.ones(len(part), bool)) for part in np.split(errors, 4)])
    missed = (errors > widths).mean(axis=0)
    assert (widths[0] == start).all()
    after = found.follow(errors[:1], np.ones(1, bool))[0]
    np.testing.assert_allclose(missed - 0.1, np.log(after / start) / (0.02 * len(errors)), rtol=1e-6)
    assert (np.abs(missed - 0.1) < math.log(5) / (0.02 * 4000)).all()
    assert (errors > start).mean() > 0.4  # which a width that stays would miss
    still = Widths(start, 0.9).follow(errors, np.zeros(len(errors), bool))
    assert (still == start).all()
