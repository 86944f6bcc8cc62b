"""The contract of an estimator, and `expect`, through which it is used."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.structures import AbstractStructure
from vestige.typing import Key

Cost = Callable[[Float[Array, "..."]], Float[Array, ""]]
"""From the value of a draw to a scalar. May close over anything, parameters included."""


class AbstractEstimator(eqx.Module):
    """How E[f(X)] and its gradient are obtained.

    Whatever is learned in an estimator (a running mean, a baseline, a critic) is an array in it, and its gradient
    comes by the same `jax.grad` as everything else: keep the estimator beside the model and give both to the
    optimiser.

    That gradient is the one of a loss of its own, to be descended, whatever is done with the estimate: a reward may be
    maximised by `-expect(...)`, scaled, or stand inside a larger loss. Under `jax.vmap` it is the mean over the rows
    whose estimate counts; one whose cotangent is exactly zero teaches nothing.
    """

    @abc.abstractmethod
    def estimate(self, fn: Cost, structure: AbstractStructure, context: Any, *, key: Key) -> Float[Array, ""]:
        """Estimate E[fn(X)] for X drawn from `structure`; `expect` calls it.

        **Arguments:**

        - `fn`: the cost, from the value of a draw to a scalar.
        - `structure`: whose log-rates get the gradient.
        - `context`: what learned baselines and critics may look at; any arrays, held fixed.
        - `key`: of the draws.

        **Returns:** one number, the estimate. It carries a gradient for the rates, for what `fn`
        closes over, and for what is learned in the estimator. NaN where the rates admit no structure.

        **Raises:** `TypeError` or `ValueError` for a structure for which the estimator is not defined.
        """


def expect(
    fn: Cost, structure: AbstractStructure, *, estimator: AbstractEstimator, key: Key, context: Any = None
) -> Float[Array, ""]:
    """E[fn(X)] for X drawn from `structure`, differentiable from outside with plain `jax.grad`.

    The gradient reaches the structure's log-rates by the estimator's means, and what `fn` closes over pathwise.
    It is of first order, in reverse or in forward mode; a second derivative by the rates raises `TypeError` where the
    estimator has none (`Exact` has). Under `jax.vmap` every row needs a key of its own.

    **Arguments:**

    - `fn`: takes the value of a draw, an indicator array, and returns a scalar. To maximise it, minimise
        `-expect(...)`.
    - `structure`: of `vestige.structures`.
    - `estimator`: e.g. `LeaveOneOut(draws=4)`.
    - `context`: passed on to learned baselines and critics: what the rates were made from. Any arrays, held fixed.

    **Returns:** one number, the estimate. Its cost is the estimator's, mostly one evaluation of `fn` a draw.

    **Raises:** `TypeError` where `fn` does not return a scalar; what the estimator and the structure raise. In compiled
    programs, where log-rates that admit no structure cannot raise, estimate and gradient are NaN (see `vestige.debug`).
    """
    shape = jax.eval_shape(lambda s: fn(_example(s)), structure)
    one = isinstance(shape, jax.ShapeDtypeStruct) and shape.shape == ()
    if not one or not jnp.issubdtype(shape.dtype, jnp.floating):
        raise TypeError(f"expect: fn must return one floating-point number, got {shape}")
    return estimator.estimate(fn, structure, jax.lax.stop_gradient(context), key=key)


def _example(structure: AbstractStructure) -> Float[Array, "..."]:
    return structure.value(structure.run(structure.log_rates))
