"""Score-function gradients from draws without replacement."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.debug import require
from vestige.estimators.contract import AbstractEstimator, Cost, Distribution
from vestige.estimators.costs import answer, evaluated
from vestige.structures import Categorical, Permutation, Subset, distinct_traces, racing
from vestige.structures.attached import attached
from vestige.structures.by_trace import ByTrace
from vestige.structures.contract import absent, flagged
from vestige.typing import Key


class WithoutReplacement(AbstractEstimator):
    """Different traces, each weighed by its probability over that of being drawn (Kool et al. 2019, 2020):
    Σ_s w_s f_s for the value, Σ_s w_s ∇log p_s [f_s (1 - p_s + w_s) - Σ_r w_r f_r] for the gradient, with
    w = p / (1 - exp(-exp(log p - κ))) and κ the largest perturbed log-probability not drawn. Unbiased.

    Defined for `Categorical`, `Subset` and `Permutation`. With as many draws as there are traces it is exact.

    **Arguments:** `draws`: static, each costs one evaluation of `fn`.
    """

    draws: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        if self.draws < 2:
            raise ValueError(f"WithoutReplacement: draws must be at least 2, got {self.draws}")

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        structure = racing(structure, "WithoutReplacement")
        inner = structure.inner if isinstance(structure, ByTrace) else structure
        if not isinstance(inner, Categorical | Subset | Permutation):
            raise TypeError(
                f"WithoutReplacement is defined for Categorical, Subset and Permutation, not for "
                f"{type(inner).__name__}. Use LeaveOneOut or Relax."
            )
        found = distinct_traces(jax.lax.stop_gradient(inner), self.draws + 1, key=key)
        there = found.log_probs[:-1] > -jnp.inf
        there = there.at[0].set(there[0] | absent(structure.mask))  # the empty one, which is certain
        threshold = found.perturbed[-1]
        traces = jax.vmap(structure.replay)(found.winners[:-1])
        log_probs = jnp.where(there, jax.vmap(structure.log_prob)(traces), -jnp.inf)
        fixed = jnp.where(there, jax.lax.stop_gradient(log_probs), 0.0)
        # p / P(perturbed > κ); for rare traces the limit exp(κ) of that ratio is reached smoothly.
        gap = fixed - jnp.where(threshold > -jnp.inf, threshold, 0.0)
        included = jnp.where(threshold > -jnp.inf, -jnp.expm1(-jnp.exp(gap)), 1.0)
        weights = jnp.where(there, jnp.exp(fixed) / jnp.maximum(included, jnp.finfo(fixed.dtype).tiny), 0.0)
        costs, aux = evaluated(fn, jax.lax.stop_gradient(jax.vmap(structure.value)(traces)), there)
        still = jax.lax.stop_gradient(costs)
        advantage = weights * (still * (1.0 - jnp.exp(fixed) + weights) - jnp.sum(weights * still))
        estimate = attached(jnp.sum(weights * costs), jnp.where(there, log_probs, 0.0), advantage, costs)
        valid = there[0] & structure.usable
        return answer(flagged(require(estimate, valid, structure.incomplete), valid), aux, weights)
