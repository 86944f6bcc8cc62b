"""Relaxations, for comparison. BIASED: they are here to be measured against, not to be relied on."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.estimators.contract import AbstractEstimator, Cost, Distribution
from vestige.estimators.costs import answer, evaluated
from vestige.estimators.doubly_stochastic import sinkhorn
from vestige.estimators.marginals import arborescence_marginals, spanning_tree_marginals, subset_marginals
from vestige.numerics import is_concrete
from vestige.structures import (
    AbstractStructure,
    Arborescence,
    Categorical,
    Choices,
    Matching,
    SpanningTree,
    Subset,
    racing,
)
from vestige.structures.contract import flagged
from vestige.typing import Key


@functools.singledispatch
def relaxed(structure: AbstractStructure, log_weights: Float[Array, "*keys"]) -> Float[Array, "..."]:
    """Marginals of the Gibbs distribution with these weights on the structure's values.

    Defined for `Categorical`, `Choices`, `Subset`, `SpanningTree` and `Arborescence` with a fixed root; register others
    by `relaxed.register`. For `Matching`, whose marginals are out of reach (permanents), it is the doubly stochastic
    matrix that Sinkhorn's scaling of the weights ends in: Gumbel-Sinkhorn (Mena et al. 2018).

    **Arguments:**

    - `structure`: of which only size and mask are used.
    - `log_weights`: shaped like the log-rates; -inf for an impossible key.

    **Returns:** an array shaped like a value, with entries from 0 to 1.

    **Raises:** `TypeError` for other structures.
    """
    raise TypeError(
        f"{type(structure).__name__} has no relaxation here. Use an unbiased estimator, LeaveOneOut or Relax, or "
        "register one with vestige.estimators.relaxed.register."
    )


@relaxed.register
def _(structure: Categorical, log_weights: Array) -> Array:
    return jax.nn.softmax(log_weights)


@relaxed.register
def _(structure: Choices, log_weights: Array) -> Array:
    return jax.nn.softmax(log_weights, axis=1)


@relaxed.register
def _(structure: Subset, log_weights: Array) -> Array:
    return subset_marginals(log_weights, structure.k)


@relaxed.register
def _(structure: SpanningTree, log_weights: Array) -> Array:
    return spanning_tree_marginals(log_weights, structure.mask)


@relaxed.register
def _(structure: Arborescence, log_weights: Array) -> Array:
    if structure.root is None:
        raise TypeError("Arborescence with a free root has no relaxation here. Fix the root, or use LeaveOneOut.")
    return arborescence_marginals(log_weights, structure.root, structure.mask, multiroot=structure.multiroot)


@relaxed.register
def _(structure: Matching, log_weights: Array) -> Array:
    return sinkhorn(log_weights)


class BiasedRelaxation(AbstractEstimator):
    """BIASED. Perturb and relax (stochastic softmax tricks, Paulus et al. 2020): `fn` is given the marginals of the
    Gibbs distribution at the perturbed log-rates over the temperature, and differentiated through them. `fn` must
    make sense between the corners; its value is not that of any structure.

    **Arguments:**

    - `temperature`: > 0; bias falls and variance grows as it goes to zero. A scalar array is held fixed, and may be
        annealed from update to update in one program; a Python number is part of the program.
    - `draws`: static.
    """

    temperature: float | Float[Array, ""] = 1.0
    draws: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        _check(self)

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        structure = racing(structure, "BiasedRelaxation")

        def one(key: Key) -> Array:
            return _soft(structure, structure.arrivals(key=key), self.temperature)

        costs, aux = evaluated(fn, jax.vmap(one)(jax.random.split(key, self.draws)))
        return answer(flagged(jnp.mean(costs), structure.usable & _positive(self.temperature)), aux)


class BiasedStraightThrough(AbstractEstimator):
    """BIASED. `fn` is given the discrete draw, and the gradient that arrives there is passed on to the relaxation at
    the same noise (straight-through).

    **Arguments:** as of `BiasedRelaxation`: `temperature` > 0, `draws` static.
    """

    temperature: float | Float[Array, ""] = 1.0
    draws: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        _check(self)

    def estimate(self, fn: Cost, structure: Distribution, context: Any, *, key: Key) -> Any:
        structure = racing(structure, "BiasedStraightThrough")

        def one(key: Key) -> tuple[Array, Array]:
            log_times = structure.arrivals(key=key)
            draw = structure.solve(jax.lax.stop_gradient(log_times))
            hard = jax.lax.stop_gradient(draw.value)
            soft = _soft(structure, log_times, self.temperature)
            return hard + (soft - jax.lax.stop_gradient(soft)), draw.valid

        values, valid = jax.vmap(one)(jax.random.split(key, self.draws))
        costs, aux = evaluated(fn, values)
        return answer(flagged(jnp.mean(costs), jnp.all(valid) & _positive(self.temperature)), aux)


def _soft(structure: AbstractStructure, log_times: Array, temperature: float | Float[Array, ""]) -> Array:
    present = structure.log_rates > -jnp.inf
    cold = jnp.asarray(jax.lax.stop_gradient(temperature), log_times.dtype)
    weights = jnp.where(present, -jnp.where(present, log_times, 0.0) / cold, -jnp.inf)
    return relaxed(structure, weights)


def _positive(temperature: float | Float[Array, ""]) -> Bool[Array, ""]:
    return jax.lax.stop_gradient(jnp.asarray(temperature)) > 0


def _check(estimator: BiasedRelaxation | BiasedStraightThrough) -> None:
    name = type(estimator).__name__
    if is_concrete(estimator.temperature) and not estimator.temperature > 0:
        raise ValueError(f"{name}: temperature must be positive, got {estimator.temperature}")
    if estimator.draws < 1:
        raise ValueError(f"{name}: draws must be at least 1, got {estimator.draws}")
