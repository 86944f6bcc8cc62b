"""An estimator: the score function with the cost of the mode as baseline (self-critical training)."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

import vestige
from vestige.estimators import AbstractEstimator
from vestige.estimators.specs import EstimatorSpec


class SelfCritical(AbstractEstimator):
    """(f(X) - f(mode)) ∇log p(trace), mean over draws. Unbiased: the mode does not depend on the draw."""

    draws: int

    def __init__(self, draws: int = 1):
        self.draws = draws

    def estimate(self, fn, structure, context, *, key):
        baseline = jax.lax.stop_gradient(fn(structure.value(structure.run(-structure.log_rates))))

        def one(key):
            draw = structure.sample(key=key)
            cost = fn(structure.value(draw.trace))
            surrogate = jax.lax.stop_gradient(cost - baseline) * draw.log_prob
            return cost + surrogate - jax.lax.stop_gradient(surrogate)

        return jnp.mean(jax.vmap(one)(jax.random.split(key, self.draws)))


@dataclasses.dataclass(frozen=True)
class SelfCriticalSpec(EstimatorSpec):
    """REINFORCE with the cost of the mode as baseline."""

    part: ClassVar[str] = "vestige_extra.self_critical:SelfCritical"

    def build(self, keys, *, key):
        return self.make()


vestige.register("estimator", "self-critical", SelfCriticalSpec)
