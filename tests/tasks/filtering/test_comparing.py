"""Baselines, seasons and the model beside them, each against what is written out by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from tests.tasks.filtering.filters import Leaky
from vestige.data import FrameSet, Recorded
from vestige.tasks.filtering.baselines import Steps, baselines
from vestige.tasks.filtering.comparing import compared
from vestige.tasks.filtering.custom_data import custom_recordings
from vestige.tasks.filtering.seasons import season_of

DRAW = np.random.default_rng(0)
WALK = np.cumsum(DRAW.normal(size=(100, 2)), axis=0)


def steps(frames, starts=(0,), share=0.2):
    held = np.zeros(len(frames), bool)
    for start, end in zip(starts, [*starts[1:], len(frames)], strict=True):
        held[end - round(share * (end - start)) : end] = True
    return Steps.of(frames, np.array(starts), held)


def test_baselines_are_what_they_say():
    frames = WALK.copy()
    frames[[10, 95]] = np.nan
    found = {each.name: each for each in baselines(steps(frames, (0, 50)), 7)}
    rows = [t for t in (*range(40, 50), *range(90, 100)) if t != 95]
    before = [t - 1 if t != 96 else 94 for t in rows]
    np.testing.assert_array_equal(found["last value"].predicted, WALK[before])
    train = [t for t in (*range(40), *range(50, 90)) if t != 10]
    np.testing.assert_allclose(found["mean"].predicted[3], WALK[train].mean(axis=0))
    np.testing.assert_array_equal(found["seasonal"].predicted[0], WALK[33])
    np.testing.assert_array_equal(found["seasonal"].predicted[-1], WALK[91])  # seven that are there, without 95
    pairs = [(t - 1 if t != 11 else 9, t) for t in train if t not in (0, 50)]
    early, late = zip(*pairs, strict=True)
    linear = LinearRegression().fit(WALK[list(early)], WALK[list(late)])
    np.testing.assert_allclose(found["linear regression"].predicted, linear.predict(WALK[before]))


def test_what_is_missing_in_part_is_neither_fitted_to_nor_scored():
    frames = WALK.copy()
    frames[[10, 93], 0] = np.nan
    made = steps(frames)
    found = {each.name: each for each in baselines(made, None)}
    last = WALK[79:99].copy()
    last[14, 0] = WALK[92, 0]  # the last that was seen
    np.testing.assert_array_equal(found["last value"].predicted, last)
    np.testing.assert_allclose(found["mean"].predicted[0], np.nanmean(frames[:80], axis=0))
    kept = np.delete(np.arange(1, 80), 9)
    before = np.where(np.arange(100)[:, None] == [10, -1], WALK[9], WALK)[kept - 1]
    linear = LinearRegression().fit(before, WALK[kept])
    np.testing.assert_allclose(found["linear regression"].predicted, linear.predict(last))
    task = custom_recordings(Recorded(FrameSet(frames, np.array([100]), ("a", "b")), np.zeros((100, 0))), "numbers")
    scored = compared(task, Leaky(jnp.zeros(1), 2), season=None)
    errors = np.square(last - frames[80:])
    np.testing.assert_allclose(
        list(scored.as_plain()["last value"]["rmse"].values()), np.sqrt(np.nanmean(errors, axis=0)), rtol=1e-4
    )
    frames[80:, 0] = np.nan
    task = custom_recordings(Recorded(FrameSet(frames, np.array([100]), ("a", "b")), np.zeros((100, 0))), "numbers")
    assert compared(task, Leaky(jnp.zeros(1), 2), season=None).channels == ("value 1",)


def test_ridge_autoregression_finds_a_second_order_and_one_channel_stays_one():
    noise, x = DRAW.normal(size=800), np.zeros(800)
    for t in range(2, 800):
        x[t] = 1.4 * x[t - 1] - 0.8 * x[t - 2] + noise[t]
    made = steps(x[:, None])
    found = {each.name: each for each in baselines(made, None)}
    assert "seasonal" not in found and all(each.predicted.shape == (160, 1) for each in found.values())
    error = np.square(found["ridge autoregression"].predicted - x[640:, None]).mean()
    assert error == pytest.approx(1.0, abs=0.25)  # the noise
    assert error < 0.5 * np.square(found["linear regression"].predicted - x[640:, None]).mean()


def test_a_season_is_found_where_there_is_one():
    season = np.tile(DRAW.normal(size=12), 30)[:, None]
    at = np.array([0])
    found = [season_of(season + 0.2 * DRAW.normal(size=season.shape), at) for _ in range(20)]
    assert found.count(12) >= 18 and all(period is not None and period % 12 == 0 for period in found)
    assert season_of(season + 0.05 * np.arange(360)[:, None], at) == 12  # on a slope
    assert season_of(np.cumsum(DRAW.normal(size=(500, 3)), axis=0), at) is None
    assert season_of(np.zeros((50, 1)), at) is None and season_of(season[:5], at) is None


def test_the_model_reads_on_from_the_training_part():
    recorded = Recorded(FrameSet(WALK, np.array([60, 40]), ("a", "b")), np.zeros((100, 0)))
    task = custom_recordings(recorded, "numbers", held_out=0.2)
    found = compared(task, Leaky(jnp.zeros(1), 2), season=None)  # whose state is the last observation
    assert found.steps == 20 and found.channels == ("value 0", "value 1")
    np.testing.assert_allclose(found.squares["model"], found.squares["last value"], rtol=1e-4)
    last = np.square(np.concatenate([np.diff(WALK, axis=0)[47:59], np.diff(WALK, axis=0)[91:]])).mean(axis=0)
    plain = found.as_plain()
    np.testing.assert_allclose(list(plain["last value"]["rmse"].values()), np.sqrt(last), rtol=1e-4)
    assert found.best_other() in found.squares and found.best_other() != "model"
