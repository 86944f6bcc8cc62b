"""The score function for draws that are made step by step, each from a distribution that the draws before decide."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.baselines import AbstractBaseline, MeanOfOthers
from vestige.numerics import full_precision
from vestige.structures.attached import attached


def expect_steps(
    costs: Float[Array, "draws steps"],
    log_probs: Float[Array, "draws steps"],
    *,
    baseline: AbstractBaseline | None = None,
) -> Float[Array, ""]:
    """E[Σ_t c_t] of a sequence of draws, with its unbiased score-function gradient.

    A draw at step t changes only the costs from t on. Its score is weighed by these alone, less a baseline of the same
    step: 1/n Σ_s Σ_t (Σ_{u ≥ t} c_su - b_st) ∇log q(T_st | T_s1 … T_s(t-1)) (policy gradient with the reward to go,
    Sutton et al. 2000; mean of the other draws as baseline, Kool et al. 2019). To it comes the pathwise gradient of
    the costs.

    **Arguments:**

    - `costs`: (draws, steps), in units of the cost. What differs between draws at one step may depend on the draws up
      to that step, not on later ones.
    - `log_probs`: (draws, steps), nats: of what was drawn at each step, given the steps before, the draw held fixed.
      Differentiable in all that decides the distribution.
    - `baseline`: without arrays of its own; None: `MeanOfOthers()`.

    **Returns:** one number, the mean over draws of the total cost. First derivatives only. O(draws · steps).

    **Raises:** `ValueError` where the shapes differ or have not two axes, or the baseline needs more draws.
    """
    if costs.ndim != 2 or costs.shape != log_probs.shape:
        raise ValueError(
            "expect_steps: costs and log_probs must both be (draws, steps), got "
            f"{costs.shape} and {log_probs.shape}; use jax.vmap over examples"
        )
    base = MeanOfOthers() if baseline is None else baseline
    costs = full_precision(costs)
    to_go = jax.lax.cumsum(jax.lax.stop_gradient(costs), axis=1, reverse=True)
    guessed = jax.vmap(lambda column: base(column, None), in_axes=1, out_axes=1)(to_go)
    weights = ((to_go - guessed) / costs.shape[0]).astype(log_probs.dtype)
    return attached(jnp.mean(jnp.sum(costs, axis=1)), log_probs, weights, costs)
