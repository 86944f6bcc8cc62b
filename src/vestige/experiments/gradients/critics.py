"""The training of what is learned in an estimator."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from vestige.estimators import expect
from vestige.experiments.gradients.problem import Problem

CHUNK = 32  # estimates per update
RATE = 1e-2  # Adam's


def train(problem: Problem, estimator: Any, *, steps: int, key: Any) -> Any:
    """The estimator after some updates of what is learned in it, at the one point.

    **Arguments:**

    - `problem`: structure, point and objective.
    - `estimator`: that is trained.
    - `steps`: updates.
    - `key`: of the draws.
    """
    optimiser = optax.adam(RATE)
    weights, rest = eqx.partition(estimator, eqx.is_inexact_array)

    def loss(weights: Any, keys: Any) -> Any:
        learner, structure = eqx.combine(weights, rest), problem.make(problem.point)
        return jnp.mean(jax.vmap(lambda key: expect(problem.fn, structure, estimator=learner, key=key))(keys))

    def update(state: Any, key: Any) -> Any:
        weights, momenta = state
        updates, momenta = optimiser.update(jax.grad(loss)(weights, jax.random.split(key, CHUNK)), momenta)
        return (optax.apply_updates(weights, updates), momenta), None

    start, keys = (weights, optimiser.init(weights)), jax.random.split(key, steps)
    lowered = jax.jit(lambda state, keys: jax.lax.scan(update, state, keys)[0]).lower(start, keys)
    # So short a run is over sooner without the compiler's best efforts.
    hasty: Any = {"xla_backend_optimization_level": 0}
    learned, _ = lowered.compile(hasty)(start, keys)
    return eqx.combine(learned, rest)
