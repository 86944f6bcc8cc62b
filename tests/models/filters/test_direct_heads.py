"""Heads that forecast many steps at once, beside scikit-learn on the same windows written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from vestige.models.families import Poisson, UnitGaussian
from vestige.models.filters import Autoregressive, LagScales
from vestige.models.filters.direct_heads import DirectOptions, head_sums, solved_heads, with_spread
from vestige.models.filters.head_choice import chosen_heads
from vestige.models.filters.lag_choice import LagChoice
from vestige.tasks.filtering.forecasting import moved

DRAW = np.random.default_rng(0)
STARTS = np.array([0, 70])
LAST = LagChoice(0, 1.0, "last-value", np.nan, np.nan)
HORIZON, WINDOW = 4, 6


def frames(gaps=()):
    found = np.cumsum(DRAW.normal(size=(180, 2)), axis=0)
    for row, channel in gaps:
        found[row, channel] = np.nan
    return found


def written_out(values, window, horizon):
    """Of one channel: differences before and after each row that was seen."""
    known = np.flatnonzero(np.isfinite(values))
    line = np.interp(np.arange(len(values)), known, values[known])
    x, y = [], []
    for t in known:
        if t - window < known[0] or t + horizon > known[-1]:
            continue
        before, last = [], np.nan
        for s in range(t + 1):
            last = values[s] if np.isfinite(values[s]) else last
            before.append(last)
        x.append([before[t - k] - values[t] for k in range(1, window + 1)])
        y.append([line[t + h] - values[t] for h in range(1, horizon + 1)])
    return np.array(x), np.array(y)


def parts(values, channel, scale):
    pieces = [written_out(values[a:b, channel] / scale[channel], WINDOW, HORIZON) for a, b in ((0, 70), (70, 180))]
    return tuple(np.concatenate(each) for each in zip(*pieces, strict=True))


@pytest.mark.parametrize("pooled", [False, True])
def test_weights_are_those_of_scikit_learn(pooled):
    values, scale = frames([(0, 0), (30, 1), (31, 1), (120, 0), (179, 1)]), np.array([2.0, 0.5])
    sums = head_sums(values, STARTS, window=WINDOW + 3, horizon=HORIZON, scale=scale, pooled=pooled)
    shorter = head_sums(values, STARTS, window=WINDOW, horizon=HORIZON, scale=scale, pooled=pooled)
    assert (sums.windows < shorter.windows).all()
    heads = solved_heads(shorter, scale, window=WINDOW, penalty=0.3)
    found = [parts(values, channel, scale) for channel in (0, 1)]
    if pooled:
        found = [tuple(np.concatenate(each) for each in zip(*found, strict=True))] * 2
    for channel, (x, y) in enumerate(found):
        expected = Ridge(alpha=0.3 * len(x) * x.var(axis=0).mean()).fit(x, y)
        place = 0 if pooled else channel
        np.testing.assert_allclose(heads.weights[place], expected.coef_.T, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(heads.offset[channel], expected.intercept_ * scale[channel], rtol=1e-4, atol=1e-6)


def test_heads_say_what_their_definition_says():
    scale = np.ones(2)
    values = frames()
    heads = solved_heads(
        head_sums(values, STARTS, window=WINDOW, horizon=HORIZON, scale=scale), scale, window=WINDOW, penalty=0.1
    )
    seen = values[100:110]
    said = np.asarray(jax.jit(lambda rows: heads(rows))(jnp.asarray(seen, jnp.float32)))
    weights, offset = np.asarray(heads.weights), np.asarray(heads.offset)
    for channel in (0, 1):
        back = [seen[9 - k, channel] - seen[9, channel] for k in range(1, WINDOW + 1)]
        expected = seen[9, channel] + offset[channel] + np.array(back) @ weights[channel]
        np.testing.assert_allclose(said[:, channel], expected, rtol=1e-4, atol=1e-4)
    few = np.concatenate([np.repeat(seen[:1], 5, axis=0), seen[:2]])
    np.testing.assert_allclose(heads(jnp.asarray(seen[:2])), heads(jnp.asarray(few)), rtol=1e-5)


def test_paths_take_mean_and_spread_of_the_heads():
    scale = np.ones(2)
    sums = head_sums(frames(), STARTS, window=WINDOW, horizon=HORIZON, scale=scale)
    heads = solved_heads(sums, scale, window=WINDOW, penalty=0.1, first=2)
    paths, rows = DRAW.normal(size=(50, 6, 2)), DRAW.normal(size=(9, 2))
    rows[3] = np.nan
    rows[8, 1] = np.nan
    found = moved(paths, heads, rows)
    filled = rows.copy()
    filled[3], filled[8, 1] = rows[2], rows[7, 1]
    expected = np.asarray(heads(jnp.asarray(filled)))
    np.testing.assert_allclose(found[:, 1:4].mean(axis=0), expected[1:4], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(found[:, [0, 4, 5]], paths[:, [0, 4, 5]])
    np.testing.assert_allclose(found.std(axis=0), paths.std(axis=0), rtol=1e-6)  # the heads do not know theirs
    known = with_spread(heads, frames(), STARTS)
    again = moved(paths, known, rows)
    np.testing.assert_allclose(again.mean(axis=0), found.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(again[:, 1:4].std(axis=0), known.spread[1:4], rtol=1e-4)
    order = np.argsort(paths[:, 2, 0])
    np.testing.assert_array_equal(np.argsort(again[:, 2, 0]), order)


@pytest.mark.parametrize("pooled", [False, True])
def test_the_spread_is_that_of_what_is_missed(pooled):
    values, scale = frames([(30, 1), (120, 0)]), np.array([2.0, 0.5])
    sums = head_sums(values, STARTS, window=WINDOW, horizon=HORIZON, scale=scale, pooled=pooled)
    heads = with_spread(solved_heads(sums, scale, window=WINDOW, penalty=0.3), values, STARTS)
    for channel in (0, 1):
        x, y = parts(values, channel, np.ones(2))
        missed = y - x @ np.asarray(heads.weights)[0 if pooled else channel] - np.asarray(heads.offset)[channel]
        free = len(x) - WINDOW / (2 if pooled else 1) - 1
        np.testing.assert_allclose(heads.spread[:, channel], np.sqrt(np.square(missed).sum(axis=0) / free), rtol=1e-4)
    short = with_spread(heads, values[:12], np.array([0]))
    assert np.isnan(np.asarray(short.spread)).all()


def test_heads_are_chosen_where_the_past_repeats_and_not_for_a_walk():
    season = np.tile(DRAW.normal(size=12), 50)[:, None] + 0.3 * DRAW.normal(size=(600, 1))
    found = chosen_heads(season, np.array([0]), LAST, horizon=24, season=12)
    assert found.options is not None and found.options.horizon == 24 and found.options.window >= 8
    assert found.error < 0.5 * found.fed_back_error  # the last value's is twice the variance
    walk = np.cumsum(DRAW.normal(size=(600, 1)), axis=0)
    assert chosen_heads(walk, np.array([0]), LAST, horizon=24).options is None
    assert chosen_heads(walk[:20], np.array([0]), LAST, horizon=24) is None
    assert chosen_heads(np.full((600, 1), np.nan), np.array([0]), LAST, horizon=24) is None


def test_of_walks_few_have_heads_by_chance():
    draw = np.random.default_rng(0)
    walks = [np.cumsum(draw.normal(size=(400, 1)), axis=0) for _ in range(20)]
    found = [chosen_heads(walk, np.array([0]), LAST, horizon=4).options is not None for walk in walks]
    assert sum(found) <= 4  # two; nine if they were fitted to the steps on which they are chosen


def test_what_is_fed_back_is_the_regression_on_its_own_means():
    x = np.zeros((800, 1))
    for t in range(1, 800):
        x[t] = 0.9 * x[t - 1] + DRAW.normal(size=1)
    lags = LagChoice(1, 1e-5, "last-value", np.nan, np.nan)
    found = chosen_heads(x, np.array([0]), lags, horizon=8)
    late = x[640:, 0]
    scale = LagScales.of(x[:640], np.array([0])).value[0]
    slope = np.polyfit(x[:639, 0], x[1:640, 0], 1)
    rows = np.arange(639, 799)
    errors = []
    for h in range(1, 9):
        ahead = x[rows[: 160 - h + 1], 0]
        for _ in range(h):
            ahead = slope[0] * ahead + slope[1]
        errors.append(np.square((ahead - late[h - 1 :]) / scale).mean())
    assert found.fed_back_error == pytest.approx(np.mean(errors), rel=1e-3)


def test_counts_have_no_heads():
    direct = DirectOptions(4, 1, 6, 0.1, False)
    options = {"order": 1, "penalty": 1.0, "width": 0, "direct": direct, "key": jax.random.key(0)}
    with pytest.raises(ValueError, match="direct heads forecast numbers, not counts or bits"):
        Autoregressive.fitted(Poisson(2), None, **options)
    heads = Autoregressive.fitted(UnitGaussian(2), None, **options).heads
    assert heads.weights.shape == (2, 6, 4) and not np.asarray(heads.weights).any()
