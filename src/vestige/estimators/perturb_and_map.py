"""Perturb and solve, and differentiate neither. The estimator is BIASED; the loss is for supervision."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.estimators.contract import AbstractEstimator, Cost, Distribution
from vestige.estimators.costs import answer, evaluated
from vestige.structures import AbstractStructure, Categorical, Choices, Labelled, SpanningTree, Subset, racing
from vestige.structures.attached import attached
from vestige.structures.contract import flagged
from vestige.typing import Key

MATROIDS = (Categorical, Choices, Subset, SpanningTree)
"""Structures that are the best of perturbed weights: the first arrivals have the largest sum of -log-times."""


class BiasedImplicitMLE(AbstractEstimator):
    """BIASED. Implicit maximum likelihood (Niepert et al. 2021): (X(θ + G) - X(θ - step · ∇f + G)) / step, the
    difference between a draw and what the same noise gives once the log-rates have followed the gradient of the cost.

    `fn` must be differentiable at the corners, where alone it is evaluated: once a draw, and its gradient. For
    structures whose value has an entry for each key: all but `Labelled`, `Permutation`, `BinaryTree`, and an
    `Arborescence` with a free root.

    No step is without bias, and how much there is depends on the structure. For categories, subsets and spanning trees
    of four the mean is 6 to 12 degrees from the gradient at the default and 24 to 26 at a step of 1; for greedy
    matchings it is 39 and 66, for arborescences 36 and 50, and no step is much better (docs/latents.md, by
    `benchmarks/implicit_mle.py`): use `LeaveOneOut` there. For costs of other units divide the step by them.

    **Arguments:**

    - `step`: > 0, in log-rates per unit of the cost's gradient, static; with a small one few draws change, and those by
        a lot, so that the variance grows; with a large one the bias grows.
    - `draws`: static.
    """

    step: float = eqx.field(static=True, default=0.2)
    draws: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if not self.step > 0:
            raise ValueError(f"BiasedImplicitMLE: step must be positive, got {self.step}")
        if self.draws < 1:
            raise ValueError(f"BiasedImplicitMLE: draws must be at least 1, got {self.draws}")

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        structure = racing(structure, "BiasedImplicitMLE")
        held = jax.lax.stop_gradient(structure)
        keys_of = _keys(structure, "BiasedImplicitMLE")
        draws = jax.lax.stop_gradient(jax.vmap(lambda k: held.sample(key=k))(jax.random.split(key, self.draws)))
        costs, pull_back, aux = jax.vjp(lambda values: evaluated(fn, values), draws.value, has_aux=True)
        (slopes,) = pull_back(jnp.ones_like(costs))
        slopes = jax.lax.stop_gradient(jax.vmap(keys_of)(slopes))
        present = held.log_rates > -jnp.inf

        def moved(log_times: Array, slope: Array) -> Array:
            later = jnp.where(present, jnp.where(present, log_times, 0.0) + self.step * slope, jnp.inf)
            return held.value(held.run(later))

        apart = draws.value - jax.vmap(moved)(draws.log_times, slopes)
        share = jnp.mean(jax.vmap(keys_of)(apart), axis=0) / self.step
        share = jnp.where(present, share / (2.0 if isinstance(structure, SpanningTree) else 1.0), 0.0)
        rates = jnp.where(present, structure.log_rates, 0.0)
        return answer(flagged(attached(jnp.mean(costs), rates, share, costs), jnp.all(draws.valid)), aux)


def fenchel_young_loss(
    structure: AbstractStructure, value: Float[Array, "..."], *, draws: int, key: Key
) -> Float[Array, ""]:
    """The perturbed Fenchel-Young loss of an observed value (Berthet et al. 2020): E max_X ⟨θ + G, X⟩ - ⟨θ, value⟩.

    Convex in θ, with gradient E[X] - value: it moves the marginals to the observed ones, and is least where they are
    equal. Not the log-likelihood: that is `structure_log_prob`, which for the same θ has another gradient.

    **Arguments:**

    - `structure`: a `Categorical`, `Choices`, `Subset` or `SpanningTree`: those that are the best of the perturbed
        weights.
    - `value`: observed, an indicator array, or the mean of several: a loss of them all.
    - `draws`: of the noise, static; the gradient is unbiased for any number.

    **Returns:** one number, differentiable in the log-rates; NaN where a draw is not valid. The work of so many draws.

    **Raises:** `TypeError` for other structures; `ValueError` for `draws` below 1.
    """
    if not isinstance(structure, MATROIDS):
        raise TypeError(
            f"fenchel_young_loss: draws of {type(structure).__name__} are not the best of perturbed weights, as the "
            "loss supposes. Use -structure_log_prob, or a Gibbs distribution's -log_prob."
        )
    if draws < 1:
        raise ValueError(f"fenchel_young_loss: draws must be at least 1, got {draws}")
    keys_of = _keys(structure, "fenchel_young_loss")
    half = 0.5 if isinstance(structure, SpanningTree) else 1.0
    present = structure.log_rates > -jnp.inf

    def product(weights: Array, value: Array) -> Array:
        return jnp.sum(jnp.where(present, jnp.where(present, weights, 0.0) * half * keys_of(value), 0.0))

    def best(key: Key) -> tuple[Array, Array]:
        log_times = structure.arrivals(key=key)
        draw = jax.lax.stop_gradient(structure).solve(jax.lax.stop_gradient(log_times))
        return product(-log_times, jax.lax.stop_gradient(draw.value)), draw.valid

    sums, valid = jax.vmap(best)(jax.random.split(key, draws))
    return flagged(jnp.mean(sums) - product(structure.log_rates, value), jnp.all(valid))


def _keys(structure: AbstractStructure, owner: str):
    """From an array shaped like a value to one shaped like the log-rates: the two entries of an edge are one key."""
    if isinstance(structure, SpanningTree):
        return lambda value: jnp.triu(value + value.T, 1)
    rooted = getattr(structure, "root", 0) is not None
    shape = jax.eval_shape(lambda one: one.value(one.run(one.log_rates)), structure).shape
    if shape != structure.log_rates.shape or not rooted or isinstance(structure, Labelled):
        raise TypeError(
            f"{owner}: the value of {type(structure).__name__} has no entry for each key. Use an unbiased estimator, "
            "LeaveOneOut or Relax."
        )
    return lambda value: value
