"""The contract of an estimator, and `expect`, through which it is used."""

import abc
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from vestige.estimators.costs import Evaluation, without_slope_at_infinity
from vestige.structures import AbstractGibbs, AbstractStructure, Batch
from vestige.typing import Key

Cost = Callable[[Float[Array, "..."]], Float[Array, ""]]
"""From the value of a draw to a scalar. May close over anything, parameters included."""


Distribution = AbstractStructure | AbstractGibbs
"""What is drawn from."""

Distributions = Distribution | Batch
"""One of them, or a row of them."""


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
    def estimate(self, fn: Cost, structure: Any, context: Any, *, key: Key) -> Any:
        """Estimate E[fn(X)] for X drawn from `structure`; `expect` calls it.

        **Arguments:**

        - `fn`: the cost, from the value of a draw to a scalar.
        - `structure`: an `AbstractStructure`, whose log-rates get the gradient, or an `AbstractGibbs`, whose
            log-weights do. [`racing`][vestige.structures.racing] refuses the latter by name.
        - `context`: what learned baselines and critics may look at; any arrays, held fixed.
        - `key`: of the draws.

        **Returns:** one number, the estimate. It carries a gradient for the rates, for what `fn` closes over, and for
        what is learned in the estimator. NaN where the rates admit no structure. An estimator that evaluates `fn` by
        [`evaluated`][vestige.estimators.costs.evaluated] and ends with [`answer`][vestige.estimators.costs.answer] also
        serves costs of many draws at once and costs with auxiliary output; for the latter it returns a pair.

        **Raises:** `TypeError` or `ValueError` for a structure for which the estimator is not defined.
        """


def expect(
    fn: Callable[..., Any],
    structure: Distributions,
    *,
    estimator: AbstractEstimator,
    key: Key,
    context: Any = None,
    has_aux: bool = False,
    batched: bool = False,
    infeasible: float | None = None,
) -> Any:
    """E[fn(X)] for X drawn from `structure`, differentiable from outside with plain `jax.grad`.

    The gradient reaches the structure's log-rates by the estimator's means, and what `fn` closes over pathwise.
    It is of first order, in reverse or in forward mode; a second derivative by the rates raises `TypeError` where the
    estimator has none (`Exact` has). Under `jax.vmap` every row needs a key of its own.

    **Infinite costs.** A draw that costs ±inf or NaN makes the estimate so, as the mean of its costs, and its whole
    gradient NaN: a guard that skips such updates sees them. Draws of probability zero do not count, whatever they would
    cost. `infeasible` lets +inf, "this may not be", count as a finite cost; NaN and -inf stay what they are.

    **Arguments:**

    - `fn`: takes the value of a draw, an indicator array, and returns a scalar. To maximise it, minimise
        `-expect(...)`. Costs that look at the trace: `expect_trace`; at the whole draw: `expect_draw`.
    - `structure`: of `vestige.structures`; a Gibbs distribution with `ScoreFunction` or `LeaveOneOut`. Of a
        [`Batch`][vestige.structures.Batch] every row is estimated by itself: `context` and what is returned have its
        axes first. Where the rows differ in their cost, use its `map`.
    - `estimator`: e.g. `LeaveOneOut(draws=4)`.
    - `context`: passed on to learned baselines and critics: what the rates were made from. Any arrays, held fixed.
    - `has_aux`: whether `fn` returns a pair of its cost and auxiliary output, any arrays.
    - `batched`: whether `fn` takes all draws of an estimate at once, (draws, …), and returns (draws,): for costs that
        are cheaper together, or that cannot be mapped by `jax.vmap`. Auxiliary output then has that axis first.
    - `infeasible`: what a cost of +inf counts as; None: it stays infinite. Where `fn` reaches +inf by a division by
        zero, the gradient by what it closes over is NaN as it always is: avoid the division there.

    **Returns:** one number, the estimate; with `has_aux` a pair of it and the auxiliary output, averaged over the draws
    as the costs are, in floating point and held fixed. The work is the estimator's, mostly one evaluation of `fn` a
    draw.

    **Raises:** `TypeError` where `fn` does not return what it should, or the estimator serves no auxiliary output; what
    the estimator and the structure raise. In compiled programs, where log-rates that admit no structure cannot raise,
    estimate and gradient are NaN (see `vestige.debug`).
    """
    if isinstance(structure, Batch):
        options = {"estimator": estimator, "has_aux": has_aux, "batched": batched, "infeasible": infeasible}
        return of_rows(expect, fn, structure, key=key, context=context, **options)
    cost = Evaluation(
        fn, lambda value: (value,), batched=batched, has_aux=has_aux, infeasible=finite_or_none(infeasible), key=None
    )
    return estimated(cost, structure, estimator=estimator, key=key, context=context)


def of_rows(
    expected: Callable[..., Any], fn: Callable[..., Any], rows: Batch, *, key: Key, context: Any, **options: Any
) -> Any:
    """The estimates of `expected`, which is `expect`, `expect_trace` or `expect_draw`, for the `rows` of a batch:
    of the cost `fn`, with these `options`; `context` has the axes of the batch first."""
    one = lambda structure, context, key: expected(fn, structure, key=key, context=context, **options)
    return rows.map(one, context, key=key)


def estimated(
    cost: Evaluation, structure: Distribution, *, estimator: AbstractEstimator, key: Key, context: Any
) -> Any:
    """The estimate of a `cost`, with its auxiliary output if it has some; `structure`, `estimator` and `context` as for
    `expect`."""
    jax.eval_shape(lambda structure, key: cost.checked(structure.sample(key=key).value), structure, key)
    found = estimator.estimate(cost, structure, jax.lax.stop_gradient(context), key=key)
    causes = tuple(leaf for leaf in jax.tree.leaves(structure) if eqx.is_inexact_array(leaf))
    if not cost.has_aux:
        return without_slope_at_infinity(found, causes)
    if not isinstance(found, tuple):
        raise TypeError(
            f"expect: {type(estimator).__name__} serves no auxiliary output. Evaluate fn by "
            "vestige.estimators.costs.evaluated there and end with answer, or leave has_aux out."
        )
    return without_slope_at_infinity(found[0], causes), found[1]


def finite_or_none(infeasible: float | None) -> float | None:
    """`infeasible` itself.

    **Raises:** `ValueError` where it is not finite.
    """
    if infeasible is not None and not math.isfinite(infeasible):
        raise ValueError(f"expect: infeasible must be a finite cost, or None, got {infeasible}")
    return infeasible
