"""Ridge regression on lags, beside scikit-learn on the same lags written out."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from vestige.models.filters import LagScales, fitted_lags, lag_sums, squared_errors
from vestige.models.filters.lag_choice import chosen_lags

DRAW = np.random.default_rng(0)
STARTS = np.array([0, 60])


def walk(steps=150, width=3):
    return np.cumsum(DRAW.normal(size=(steps, width)), axis=0)


def written_out(frames, starts, order, scales):
    """Lags and changes, one step after the other; a missing value is the last one of the recording."""
    rows, targets = [], []
    mean = np.nanmean(frames, axis=0)
    ends = [*starts[1:], len(frames)]
    for start, end in zip(starts, ends, strict=True):
        seen, whole, last = [], [], mean
        for frame in frames[start:end]:
            if np.isnan(frame).all():
                continue
            last = np.where(np.isnan(frame), last, frame)
            seen.append(last)
            whole.append(not np.isnan(frame).any())
        for t in range(1, len(seen)):
            if not whole[t]:
                continue
            lags = [(seen[t - 1] - scales.centre) / scales.value]
            for back in range(1, order):
                known = t - 1 - back >= 0
                lags.append((seen[t - back] - seen[t - 1 - back]) / scales.change if known else np.zeros(3))
            rows.append(np.concatenate(lags))
            targets.append(seen[t] - seen[t - 1])
    return np.array(rows), np.array(targets)


def test_a_penalty_draws_to_the_last_value_or_to_the_mean():
    frames = walk()
    scales = LagScales.of(frames, STARTS)
    (sums,) = lag_sums(frames, STARTS, 3, scales)
    x, y = written_out(frames, STARTS, 3, scales)
    last = x[:, :3] * scales.value + scales.centre
    found = fitted_lags(sums, 3, 0.3, to_mean=scales.value)
    expected = Ridge(alpha=0.3 * len(x)).fit(x, y + last)  # of the value itself
    np.testing.assert_allclose(last + found.offset + x @ found.weights, expected.predict(x), rtol=1e-8)
    loose = [fitted_lags(sums, 3, 1e-9, to_mean=to).weights for to in (None, scales.value)]
    np.testing.assert_allclose(*loose, rtol=1e-4, atol=1e-6)
    tight = fitted_lags(sums, 3, 1e6, to_mean=scales.value)
    mean = (y + last).mean(axis=0)
    np.testing.assert_allclose(
        last + tight.offset + x @ tight.weights, np.tile(mean, (len(x), 1)), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("order", [1, 2, 5])
def test_weights_and_errors_are_those_of_scikit_learn(order):
    frames = walk()
    frames[[0, 7, 80, 81], 1] = np.nan
    frames[[20, 90]] = np.nan
    scales = LagScales.of(frames, STARTS)
    (sums,) = lag_sums(frames, STARTS, 6, scales)
    x, y = written_out(frames, STARTS, order, scales)
    found = fitted_lags(sums, order, 0.3)
    expected = Ridge(alpha=0.3 * len(x)).fit(x, y)
    np.testing.assert_allclose(found.weights, expected.coef_.T, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.offset, expected.intercept_, rtol=1e-8, atol=1e-12)
    errors = np.square(expected.predict(x) - y).mean(axis=0)
    np.testing.assert_allclose(squared_errors(sums, found), errors, rtol=1e-8)
    np.testing.assert_allclose(found.spread**2, errors, rtol=1e-8)


def test_folds_are_parts_of_the_whole_and_order_0_is_the_last_value(monkeypatch):
    frames = walk()
    scales = LagScales.of(frames, STARTS)
    (whole,) = lag_sums(frames, STARTS, 3, scales)
    monkeypatch.setattr("vestige.models.filters.lag_regression.BLOCK", 7)
    folds = lag_sums(frames, STARTS, 3, scales, folds=4)
    total = folds[0].plus(folds[1]).plus(folds[2]).plus(folds[3])
    for mine, theirs in zip(total, whole, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)
    assert [fold.steps for fold in folds] == [15 + 23, 15 + 22, 15 + 22, 14 + 22]  # of 59 and 89
    last = np.square(np.delete(np.diff(frames, axis=0), 59, axis=0)).mean(axis=0)
    np.testing.assert_allclose(squared_errors(whole, fitted_lags(whole, 0, 1.0)), last)


def test_a_level_of_millions_and_a_channel_that_never_changes_are_no_trouble():
    frames = np.column_stack([1e7 + walk(width=2), np.full(150, 3.0)])
    scales = LagScales.of(frames, STARTS)
    assert scales.value[2] == scales.change[2] == 1
    (sums,) = lag_sums(frames, STARTS, 4, scales)
    found = fitted_lags(sums, 4, 1e-3)
    x, y = written_out(frames, STARTS, 4, scales)
    expected = Ridge(alpha=1e-3 * len(x)).fit(x, y)
    np.testing.assert_allclose(found.weights, expected.coef_.T, rtol=1e-6, atol=1e-9)
    assert np.isfinite(found.spread).all() and found.spread[2] == 0


def test_no_step_makes_no_weights():
    scales = LagScales.of(np.zeros((0, 2)), np.zeros(0, int))
    (sums,) = lag_sums(np.zeros((0, 2)), np.zeros(0, int), 3, scales)
    found = fitted_lags(sums, 3, 0.1)
    assert not found.weights.any() and found.weights.shape == (6, 2) and (found.spread == 1).all()


def test_the_last_value_is_kept_where_nothing_is_better():
    walks = np.random.default_rng(1).normal(size=(600, 4)).cumsum(axis=0)
    assert chosen_lags(walks, np.array([0])).order == 0
    assert chosen_lags(walks[:10], np.array([0])).order == 0  # too short for anything


def test_lags_that_matter_are_found():
    noise = np.random.default_rng(2).normal(size=1500)
    second = np.zeros(1500)
    for t in range(2, 1500):
        second[t] = 1.4 * second[t - 1] - 0.8 * second[t - 2] + noise[t]
    found = chosen_lags(second[:, None], np.array([0]))
    assert 2 <= found.order <= 6 and found.error < 0.6 * found.last_error
    assert found.error == pytest.approx(1 / second.var(), rel=0.1)  # nothing but the noise is left
    white = chosen_lags(noise[:, None], np.array([0]))
    assert white.order == 1 and white.toward == "mean" and white.error == pytest.approx(white.last_error / 2, rel=0.1)
    season = np.tile(np.random.default_rng(3).normal(size=9), 80) + 0.05 * noise[:720]
    assert chosen_lags(season[:, None], np.array([0]), orders=[9]).order >= 8
