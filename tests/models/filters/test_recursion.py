"""Regressions that follow a stream, against weighted least squares."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet
from vestige.models.families import InPart, UnitGaussian
from vestige.models.filters.recursion import MEMORIES, RecursiveLags
from vestige.models.filters.specs import AutoregressiveSpec
from vestige.online.beginning import EarlyRows
from vestige.tasks.filtering.recordings import stretches

P, ORDER, PENALTY = 2, 2, 0.01
LAW = np.array([[0.7, 0.2], [-0.3, 0.5]])


def model_and_sums(rows, toward="last-value"):
    frames = FrameSet(rows.astype(np.float32), np.array([len(rows)]), ("a", "b"))
    spec = AutoregressiveSpec(order=ORDER, penalty=PENALTY, toward=toward, width=0)
    model = spec.build(EarlyRows(InPart(UnitGaussian(P)), stretches(frames)), key=jax.random.key(0))
    return model, spec.recursion(model)


@eqx.filter_jit
def gone_through(model, recursion, rows):
    arrays, static = eqx.partition((model, recursion, model.init()), eqx.is_array)

    def step(arrays, row):
        model, recursion, state = eqx.combine(arrays, static)
        after = model.filter(state, row)
        model, recursion = recursion.after(model, state, row)
        kept = eqx.filter((model, recursion, after), eqx.is_array)
        return kept, (model.weights, model.offset, model.spread, recursion.solved, model.features(state))

    arrays, said = jax.lax.scan(step, arrays, rows)
    return eqx.combine(arrays, static), said


def walked(steps=300, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.zeros((steps, P))
    for t in range(1, steps):
        rows[t] = LAW @ rows[t - 1] + rng.normal(size=P)
    return rows


ROWS = walked()


@pytest.mark.parametrize("toward", ["last-value", "mean"])
def test_each_regression_is_weighted_ridge_regression(toward):
    """Against the normal equations over all steps, in float64: where no error is an outlier."""
    model, recursion = model_and_sums(ROWS, toward)
    (_, after, _), (*_, features) = gone_through(model, recursion, jnp.asarray(ROWS, jnp.float32))
    x = np.concatenate([np.asarray(features, np.float64), np.ones((len(ROWS), 1))], axis=1)[1:]
    y = np.diff(ROWS, axis=0)
    drawn = np.zeros((P * ORDER + 1, P))
    if toward == "mean":
        drawn[:P] = -np.diag(np.asarray(model.value, np.float64))
    for place, memory in enumerate(MEMORIES):
        weight = np.exp(-np.arange(len(y))[::-1] / memory)
        ridge = weight.sum() * PENALTY * np.diag([1.0] * (P * ORDER) + [0.0])
        wanted = np.linalg.solve((x * weight[:, None]).T @ x + ridge, (x * weight[:, None]).T @ y + ridge @ drawn)
        np.testing.assert_allclose(after.solved[place], wanted, atol=2e-4)


def test_short_memories_win_after_a_change():
    """Soon after a change the mixture is near the conditional mean of the new law, and the longest memory is not."""
    rng = np.random.default_rng(1)
    rows = walked(1200, seed=2)
    for t in range(900, 1200):
        rows[t] = -0.9 * rows[t - 1] + rng.normal(size=P)
    model, recursion = model_and_sums(rows[:200])
    _, (weights, offset, _, solved, features) = gone_through(model, recursion, jnp.asarray(rows, jnp.float32))
    mixed = np.concatenate([weights, np.asarray(offset)[:, None]], axis=1)
    x = np.concatenate([np.asarray(features), np.ones((len(rows), 1))], axis=1)

    def off(weights, law, steps):
        expected = rows[steps - 1] + np.einsum("tl,tlo->to", x[steps], weights[steps - 1])
        return np.square(expected - rows[steps - 1] @ law.T).mean()

    after = -0.9 * np.eye(P), np.arange(960, 1200)
    assert off(mixed, LAW, np.arange(600, 900)) < 0.1 and off(mixed, *after) < 0.6
    assert off(np.asarray(solved)[:, -1], *after) > 2 * off(mixed, *after)


def test_missing_values_leave_the_regressions_of_their_column():
    """With a column missing from some step on, the other's weights go on, and its own stay."""
    rows = ROWS.copy()
    rows[200:, 1] = np.nan
    model, recursion = model_and_sums(ROWS)
    _, (*_, solved, _) = gone_through(model, recursion, jnp.asarray(rows, jnp.float32))
    np.testing.assert_allclose(solved[-1, :, :, 1], solved[199, :, :, 1], atol=2e-3)
    assert np.abs(np.asarray(solved[-1, 0, :, 0] - solved[199, 0, :, 0])).max() > 0.02
    gone, sums = gone_through(model, recursion, jnp.full((5, P), jnp.nan))[0][:2]
    assert eqx.tree_equal((gone, sums), (model, recursion))


def test_one_outlier_moves_little():
    rows = ROWS.copy()
    rows[250] = 1e6
    model, recursion = model_and_sums(ROWS)
    _, (*_, spread, _, _) = gone_through(model, recursion, jnp.asarray(rows[:251], jnp.float32))
    assert np.all(np.asarray(spread[250] / spread[249]) < 1.4)


def test_what_follows_no_stream_has_no_sums():
    frames = stretches(FrameSet(np.ones((3, 2), np.float32), np.array([3]), ("a", "b")))
    spec = AutoregressiveSpec(order=0, width=0)
    assert spec.recursion(spec.build(EarlyRows(UnitGaussian(2), frames), key=jax.random.key(0))) is None
    model, _ = model_and_sums(ROWS)
    for options, said in (({"memories": (1.0,)}, "memories must be above 1"), ({"memories": ()}, "memories")):
        with pytest.raises(ValueError, match=said):
            RecursiveLags(model, penalty=0.1, **options)
    with pytest.raises(ValueError, match="penalty must be positive, got 0"):
        RecursiveLags(model, penalty=0.0)
    assert dataclasses.replace(spec, order=1).order == 1
