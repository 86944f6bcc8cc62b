"""What is learned inside an estimator does not depend on what is done with the estimate."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.estimators import (
    AllTimes,
    Critic,
    Learned,
    LeaveOneOut,
    MeanOfOthers,
    Relax,
    RunningMean,
    ScoreFunction,
    expect,
)
from vestige.structures import Categorical

from .cases import CONTEXT, POINTS, curved, estimates, linear, moments, network, objective, quickly, subset

RATES, COEFFICIENTS = (jnp.asarray(x) for x in POINTS["subset"].arrays())
LEARNERS = {
    "critic": Relax(Critic(4, 8, context=2, key=jax.random.key(1)), 2),
    "critic, all times": Relax(Critic(4, 8, context=2, key=jax.random.key(1)), 2, AllTimes()),
    "running mean": ScoreFunction(2, baseline=RunningMean(0.3)),
    "learned": ScoreFunction(2, baseline=Learned(network())),
    "both": Relax(Critic(4, 8, context=2, key=jax.random.key(1)), 2, baseline=Learned(network())),
}
QUICK_FIRST = [pytest.param(name, marks=[pytest.mark.slow] * (name == "both")) for name in LEARNERS]
USES = {
    "itself": [1.0, 0.0, 0.0],
    "negated": [-1.0, 0.0, 0.0],
    "scaled": [0.1, 0.0, 0.0],
    "logarithm": [0.0, 0.0, 1.0],
    "twice in a larger loss": [-2.0, 1.0, 0.0],
    "not at all": [0.0, 0.0, 0.0],
}
"""How much of the estimate, its square and a logarithm: arguments of one program for each learner."""


class Followed(NamedTuple):
    """An estimate and what is done with it."""

    value: jax.Array
    counts: jax.Array
    """The derivative of what is done."""
    lesson: Any
    """The slopes of all that is learned in the estimator."""
    slope: jax.Array
    """Of the rates."""
    context_slope: jax.Array


def estimate(estimator, rates, key, context=CONTEXT):
    return objective(subset, curved, rates, COEFFICIENTS, estimator, key, context)


@quickly
def used(shares, estimator, rates, key, context):
    def loss(parts):
        estimator, rates, context = parts
        value = estimate(estimator, rates, key, context)
        kinds = lambda x: jnp.stack([x, jnp.square(x), jnp.log(20.0 + x)])
        return jnp.sum(shares * kinds(value)), (value, jnp.sum(shares * jax.jacfwd(kinds)(value)))

    (_, known), slopes = eqx.filter_value_and_grad(loss, has_aux=True)((estimator, rates, context))
    return Followed(*known, *slopes)


def followed(use, estimator, rates, key, context=CONTEXT):
    return used(np.array(USES[use], np.float32), estimator, rates, key, context)


def same(found, expected, **tolerance):
    pairs = list(zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True))
    assert pairs
    for a, b in pairs:
        np.testing.assert_allclose(a, b, **(tolerance or {"rtol": 1e-5, "atol": 1e-6}))


@pytest.mark.parametrize("use", ["negated", "scaled", "logarithm", "twice in a larger loss"])
@pytest.mark.parametrize("case", QUICK_FIRST)
@pytest.mark.slow
def test_what_is_done_with_an_estimate_teaches_the_same(case, use, key):
    plain, changed = (followed(kind, LEARNERS[case], RATES, key) for kind in ("itself", use))
    same(changed.lesson, plain.lesson)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(jax.device_get(plain.lesson))) > 1e-3
    np.testing.assert_allclose(changed.slope, changed.counts * plain.slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", QUICK_FIRST)
@pytest.mark.few(1)
def test_every_learned_array_moves(case, key):
    estimator = LEARNERS[case]
    optimiser = optax.adam(1e-2)
    arrays = eqx.filter(estimator, eqx.is_inexact_array)
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        slope = followed("itself", estimator, RATES, key).lesson
        updates, _ = jax.jit(optimiser.update)(slope, optimiser.init(arrays))
    before, change = jax.tree.leaves(jax.device_get(arrays)), jax.tree.leaves(jax.device_get(updates))
    assert len(before) > 0
    for old, step in zip(before, change, strict=True):
        assert np.all(np.isfinite(step))
        assert np.any(old + step != old)


@pytest.mark.slow
def test_running_mean_is_the_exponential_moving_average(key):
    decay, average = 0.9, 0.5
    estimator = ScoreFunction(2, baseline=RunningMean(average))
    optimiser = optax.sgd(1 - decay)
    state = optimiser.init(eqx.filter(estimator, eqx.is_inexact_array))
    for k in jax.random.split(key, 8):
        found = followed("itself", estimator, RATES, k)
        average = decay * average + (1 - decay) * float(found.value)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, state = optimiser.update(found.lesson, state)
        estimator = eqx.apply_updates(estimator, updates)
        assert float(estimator.baseline.value) == pytest.approx(average, rel=1e-5)


def test_context_reaches_what_is_learned(key):
    learned = followed("itself", LEARNERS["learned"], RATES, key)
    guess = LEARNERS["learned"].baseline.network(CONTEXT)
    expected = (guess - learned.value) * CONTEXT
    np.testing.assert_allclose(learned.lesson.baseline.network.weight[0], expected, rtol=1e-4)
    here = followed("itself", LEARNERS["critic"], RATES, key).lesson
    there = followed("itself", LEARNERS["critic"], RATES, key, jnp.array([2.0, 0.5])).lesson
    assert not np.allclose(here.critic.hidden.weight, there.critic.hidden.weight)


@pytest.mark.parametrize("case", QUICK_FIRST)
def test_the_context_is_held_fixed(case, key):
    np.testing.assert_array_equal(followed("itself", LEARNERS[case], RATES, key).context_slope, np.zeros(2))


ROWS = 6
BATCH = jnp.asarray(np.random.default_rng(3).normal(size=(ROWS, 4)).astype(np.float32))


def row_lessons(case, key):
    keys = jax.random.split(key, ROWS)
    return keys, [followed("itself", LEARNERS[case], BATCH[row], keys[row]).lesson for row in range(ROWS)]


def mean_of(lessons):
    return jax.tree.map(lambda *leaves: sum(np.asarray(leaf) for leaf in leaves) / len(leaves), *lessons)


@quickly
def batch(estimator, rates, keys, weights):
    """What the weighted sum of a batch teaches."""
    return eqx.filter_grad(lambda e: jnp.sum(weights * jax.vmap(estimate, (None, 0, 0))(e, rates, keys)))(estimator)


@quickly
def nested(estimator, rates, keys, weights):
    """The same of batches in a batch."""
    rows = jax.vmap(jax.vmap(estimate, (None, 0, 0)), (None, 0, 0))
    return eqx.filter_grad(lambda e: jnp.sum(weights * rows(e, rates, keys)))(estimator)


REDUCED = {"mean": np.full(ROWS, 1 / ROWS), "sum": np.ones(ROWS), "negated mean": np.full(ROWS, -1 / ROWS)}


@pytest.mark.parametrize("reduced", REDUCED)
@pytest.mark.parametrize("case", [pytest.param("critic", marks=pytest.mark.slow), "running mean"])
@pytest.mark.slow
def test_a_batch_teaches_the_mean_of_its_rows(case, reduced, key):
    keys, lessons = row_lessons(case, key)
    weights = REDUCED[reduced].astype(np.float32)
    same(batch(LEARNERS[case], BATCH, keys, weights), mean_of(lessons))
    parts = BATCH.reshape(2, 3, 4), keys.reshape(2, 3), weights.reshape(2, 3)
    same(nested(LEARNERS[case], *parts), mean_of(lessons))


def test_rows_that_do_not_count_teach_nothing(key):
    keys, lessons = row_lessons("running mean", key)
    counts = np.array([True, False, True, True, False, False])
    found = batch(LEARNERS["running mean"], BATCH, keys, counts.astype(np.float32))
    same(found, mean_of([lesson for lesson, count in zip(lessons, counts, strict=True) if count]))
    nobody = followed("not at all", LEARNERS["running mean"], RATES, key).lesson
    same(nobody, jax.tree.map(np.zeros_like, jax.device_get(nobody)))


@quickly
def side_by_side(many, rates, keys):
    """Learners of their own, in either order of `vmap` and `grad`; and two of them, each with half a batch."""
    one = eqx.filter_grad(lambda e, rates, k: -estimate(e, rates, k))
    mean = lambda e: jnp.mean(jax.vmap(estimate)(e, rates, keys))
    half = lambda e, rates, k: jnp.mean(jax.vmap(estimate, (None, 0, 0))(e, rates, k))
    halves = lambda e: jnp.mean(jax.vmap(half)(e, rates.reshape(2, 3, 4), keys.reshape(2, 3)))
    pair = jax.tree.map(lambda leaf: leaf[:2], many)
    return eqx.filter_vmap(one)(many, rates, keys), eqx.filter_grad(mean)(many), eqx.filter_grad(halves)(pair)


@pytest.mark.slow
def test_seeds_side_by_side_are_seeds_one_after_the_other(key):
    """Each row of a `vmap` over learners is its own, in either order of `vmap` and `grad`."""
    keys, lessons = row_lessons("running mean", key)
    many = jax.tree.map(lambda leaf: np.stack([leaf] * ROWS), LEARNERS["running mean"])
    expected = jax.tree.map(lambda *leaves: np.stack(leaves), *lessons)
    outside, inside, pair = side_by_side(many, BATCH, keys)
    same(outside, expected)
    same(inside, expected)
    expected = [float(mean_of(half).baseline.value) for half in (lessons[:3], lessons[3:])]
    np.testing.assert_allclose(pair.baseline.value, expected, rtol=1e-5)


@pytest.mark.slow
def test_rows_are_independent(key):
    """A batch under vmap, each row with a key of its own, compiled once."""
    compiled = []

    def slope(rates, key):
        compiled.append(rates)
        return jax.grad(lambda r: objective(subset, curved, r, COEFFICIENTS, LeaveOneOut(2), key))(rates)

    batched, single = jax.jit(jax.vmap(slope)), jax.jit(slope)
    rates = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    keys = jax.random.split(key, 3)
    rows = batched(rates, keys)
    altered = rates.copy()
    altered[1] += 1.0 + np.arange(4, dtype=np.float32)
    again = batched(altered, keys)
    assert len(compiled) == 1
    np.testing.assert_array_equal(np.asarray(rows)[[0, 2]], np.asarray(again)[[0, 2]])
    for row, r, k in zip(rows, rates, keys, strict=True):
        np.testing.assert_allclose(row, single(r, k), rtol=1e-5, atol=1e-6)
    assert len(compiled) == 2
    same = batched(np.broadcast_to(rates[0], (3, 4)).copy(), keys)
    assert len({tuple(row) for row in np.asarray(same).tolist()}) > 1


@pytest.mark.slow
def test_a_reward_is_maximised_with_a_running_mean():
    """The case `-expect(reward)`: the baseline follows the mean reward instead of running away from it."""
    worth = jnp.arange(4.0)
    optimiser = optax.adam(0.05)

    def loss(trained, key):
        rates, estimator = trained
        return -expect(lambda v: jnp.sum(v * worth), Categorical(rates), estimator=estimator, key=key)

    def step(carry, key):
        trained, state = carry
        slope = jax.grad(loss)(trained, key)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, state = optimiser.update(slope, state)
            return (optax.apply_updates(trained, updates), state), None

    start = jnp.zeros(4), ScoreFunction(2, baseline=RunningMean(0.0))
    keys = jax.random.split(jax.random.key(0), 300)
    (rates, estimator), _ = jax.jit(lambda: jax.lax.scan(step, (start, optimiser.init(start)), keys)[0])()
    reward = float(jnp.sum(jax.nn.softmax(rates) * worth))
    assert reward > 2.5
    assert abs(float(estimator.baseline.value) - reward) < 0.5


@pytest.mark.slow
def test_a_critic_trained_beside_a_reward_lowers_the_variance():
    rates, coefficients = (jnp.asarray(x) for x in POINTS["subset"].arrays())
    relax = Relax(Critic(4, 16, key=jax.random.key(3)), 2, baseline=MeanOfOthers())
    optimiser = optax.adam(1e-2)

    def step(state, key):
        estimator, moving = state

        def loss(estimator):
            keys = jax.random.split(key, 16)
            value = lambda k: objective(subset, linear, rates, coefficients, estimator, k)
            return -0.01 * jnp.mean(jax.vmap(value)(keys))

        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, moving = optimiser.update(jax.grad(loss)(estimator), moving)
            return (optax.apply_updates(estimator, updates), moving), None

    @jax.jit
    def train(estimator, key):
        return jax.lax.scan(step, (estimator, optimiser.init(estimator)), jax.random.split(key, 200))[0][0]

    trained = train(relax, jax.random.key(4))
    fresh, tuned = (
        float(np.sum(moments(estimates(subset, linear, rates, coefficients, e, count=4000)[1]).variance))
        for e in (relax, trained)
    )
    assert tuned < 0.9 * fresh, (fresh, tuned)
