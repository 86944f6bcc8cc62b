"""What is learned inside an estimator does not depend on what is done with the estimate."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.estimators import AllTimes, Critic, Learned, MeanOfOthers, Relax, RunningMean, ScoreFunction, expect
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
USES = {
    "negated": (lambda x: -x, lambda x: -1.0),
    "scaled": (lambda x: 0.1 * x, lambda x: 0.1),
    "logarithm": (lambda x: jnp.log(20.0 + x), lambda x: 1 / (20.0 + x)),
    "twice in a larger loss": (lambda x: 3.0 - 2.0 * x + jnp.square(x), lambda x: 2.0 * x - 2.0),
}


def estimate(estimator, rates, key):
    return objective(subset, curved, rates, COEFFICIENTS, estimator, key, CONTEXT)


@quickly
def slopes(use, estimator, rates, key):
    """The estimate, the slope of the rates and those of what is learned."""
    value, slope = jax.value_and_grad(lambda r: use(estimate(estimator, r, key)))(rates)
    return value, slope, eqx.filter_grad(lambda e: use(estimate(e, rates, key)))(estimator)


def itself(x):
    return x


def same(found, expected, **tolerance):
    pairs = list(zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True))
    assert pairs
    for a, b in pairs:
        np.testing.assert_allclose(a, b, **(tolerance or {"rtol": 1e-5, "atol": 1e-6}))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("case", LEARNERS)
def test_what_is_done_with_an_estimate_teaches_the_same(case, use, key):
    value, slope, lesson = slopes(itself, LEARNERS[case], RATES, key)
    function, derivative = USES[use]
    _, changed, again = slopes(function, LEARNERS[case], RATES, key)
    same(again, lesson)
    assert max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(lesson)) > 1e-3
    np.testing.assert_allclose(changed, derivative(value) * slope, rtol=1e-4, atol=1e-5)


ROWS = 6
BATCH = jnp.asarray(np.random.default_rng(3).normal(size=(ROWS, 4)).astype(np.float32))


def row_lessons(case, key):
    keys = jax.random.split(key, ROWS)
    return keys, [slopes(itself, LEARNERS[case], BATCH[row], keys[row])[2] for row in range(ROWS)]


def mean_of(lessons):
    return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *lessons)


@pytest.mark.parametrize("reduce", [jnp.mean, jnp.sum, lambda x: -jnp.mean(x)], ids=["mean", "sum", "negated mean"])
@pytest.mark.parametrize("case", ["critic", "running mean"])
def test_a_batch_teaches_the_mean_of_its_rows(case, reduce, key):
    keys, lessons = row_lessons(case, key)

    @eqx.filter_jit
    def batch(estimator):
        return eqx.filter_grad(lambda e: reduce(jax.vmap(estimate, (None, 0, 0))(e, BATCH, keys)))(estimator)

    same(batch(LEARNERS[case]), mean_of(lessons))

    @eqx.filter_jit
    def nested(estimator):
        def loss(e):
            rows = jax.vmap(jax.vmap(estimate, (None, 0, 0)), (None, 0, 0))
            return reduce(rows(e, BATCH.reshape(2, 3, 4), keys.reshape(2, 3)))

        return eqx.filter_grad(loss)(estimator)

    same(nested(LEARNERS[case]), mean_of(lessons))


def test_rows_that_do_not_count_teach_nothing(key):
    keys, lessons = row_lessons("running mean", key)
    counts = jnp.array([True, False, True, True, False, False])

    def loss(estimator):
        values = jax.vmap(estimate, (None, 0, 0))(estimator, BATCH, keys)
        return jnp.sum(jnp.where(counts, values, 0.0))

    found = eqx.filter_grad(loss)(LEARNERS["running mean"])
    same(found, mean_of([lesson for lesson, count in zip(lessons, counts, strict=True) if count]))
    nobody = eqx.filter_grad(lambda e: 0.0 * estimate(e, RATES, key))(LEARNERS["running mean"])
    same(nobody, jax.tree.map(jnp.zeros_like, nobody))


def test_seeds_side_by_side_are_seeds_one_after_the_other(key):
    """Each row of a `vmap` over learners is its own, in either order of `vmap` and `grad`."""
    keys, lessons = row_lessons("running mean", key)
    many = jax.tree.map(lambda leaf: jnp.stack([leaf] * ROWS), LEARNERS["running mean"])
    expected = jax.tree.map(lambda *leaves: jnp.stack(leaves), *lessons)
    one = eqx.filter_grad(lambda e, rates, k: -estimate(e, rates, k))
    same(eqx.filter_vmap(one)(many, BATCH, keys), expected)
    same(eqx.filter_grad(lambda e: jnp.mean(jax.vmap(estimate)(e, BATCH, keys)))(many), expected)
    # Seeds outside, a batch inside.
    batch = lambda e, rates, k: jnp.mean(jax.vmap(estimate, (None, 0, 0))(e, rates, k))
    halves = eqx.filter_grad(lambda e: jnp.mean(jax.vmap(batch)(e, BATCH.reshape(2, 3, 4), keys.reshape(2, 3))))
    pair = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), LEARNERS["running mean"])
    found = halves(pair).baseline.value
    expected = [float(mean_of(half).baseline.value) for half in (lessons[:3], lessons[3:])]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


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
