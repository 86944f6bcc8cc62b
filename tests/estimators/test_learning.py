"""What is learned in an estimator by what it descends, and what learning is good for."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.estimators import (
    AllTimes,
    Critic,
    GivenTrace,
    LeaveOneOut,
    MeanOfOthers,
    Relax,
)
from vestige.structures import Matching

from .cases import CONTEXT, POINTS, curved, estimates, linear, moments, objective, quickly, subset

RATES, COEFFICIENTS = (jnp.asarray(x) for x in POINTS["subset"].arrays())


@quickly
def trained_slope(estimator, rates, coefficients, key, context=CONTEXT):
    """The value, and the gradient for everything that is learned in the estimator."""

    def loss(estimator):
        return objective(subset, curved, rates, coefficients, estimator, key, context)

    return eqx.filter_value_and_grad(loss)(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [GivenTrace(2), AllTimes()])
def test_the_critic_follows_the_squared_norm_of_the_estimate(noise, key):
    with jax.enable_x64(True):
        rates, coefficients = (jnp.asarray(x) for x in POINTS["subset"].arrays(np.float64))
        context = jnp.array([0.3, -1.2], jnp.float64)
        critic = Critic(4, 8, context=2, key=jax.random.key(2))
        estimator = Relax(critic, 3, noise, MeanOfOthers())
        flat, build = jax.flatten_util.ravel_pytree(eqx.filter(estimator, eqx.is_inexact_array))
        rest = eqx.filter(estimator, eqx.is_inexact_array, inverse=True)

        @jax.jit
        def squared_norm(flat):
            estimator = eqx.combine(build(flat), rest)
            slope = jax.grad(lambda r: objective(subset, curved, r, coefficients, estimator, key, context))(rates)
            return jnp.sum(slope**2)

        _, found = trained_slope(estimator, rates, coefficients, key, context)
        found, _ = jax.flatten_util.ravel_pytree(eqx.filter(found, eqx.is_inexact_array))
        step = 1e-5
        for direction in np.random.default_rng(0).normal(size=(5, flat.size)):
            slope = float(squared_norm(flat + step * direction) - squared_norm(flat - step * direction)) / (2 * step)
            assert float(found @ direction) == pytest.approx(slope, rel=1e-5, abs=1e-7)
        assert np.max(np.abs(found)) > 1e-2


@pytest.mark.slow
def test_a_trained_critic_beats_leaving_one_out():
    rates, coefficients = (jnp.asarray(x) for x in POINTS["matching"].arrays())
    coefficients = 2 * coefficients
    relax = Relax(Critic(9, 32, key=jax.random.key(3)), 2, GivenTrace(2), MeanOfOthers())
    optimiser = optax.adam(1e-2)

    def step(state, key):
        estimator, moving = state

        def loss(estimator):
            keys = jax.random.split(key, 32)
            return jnp.mean(jax.vmap(lambda k: objective(Matching, linear, rates, coefficients, estimator, k))(keys))

        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, moving = optimiser.update(jax.grad(loss)(estimator), moving)
            return (optax.apply_updates(estimator, updates), moving), None

    @jax.jit
    def train(estimator, key):
        return jax.lax.scan(step, (estimator, optimiser.init(estimator)), jax.random.split(key, 300))[0][0]

    trained = train(relax, jax.random.key(4))
    fresh, tuned, plain = (
        float(np.sum(moments(estimates(Matching, linear, rates, coefficients, e, count=5000)[1]).variance))
        for e in (relax, trained, LeaveOneOut(2))
    )
    assert tuned < 0.9 * plain and tuned < fresh, (fresh, tuned, plain)
