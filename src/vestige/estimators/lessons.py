"""What is learned inside an estimator, whatever is done with the estimate."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.structures.attached import once
from vestige.structures.reverse_only import reverse_only
from vestige.typing import PyTree

FORWARD = (
    "expect: forward mode (jax.jvp, jax.jacfwd) reached the arrays of an estimator (a baseline, a critic). They are "
    "trained by a loss of their own, and the estimate does not depend on them: use jax.grad, or hold the estimator "
    "fixed by jax.lax.stop_gradient."
)


def with_lesson(
    estimate: Float[Array, ""], learner: PyTree, loss: Callable[[Any], tuple[Float[Array, ""], Any]]
) -> tuple[Float[Array, ""], Any]:
    """`estimate`; who differentiates it gives the arrays of `learner` the gradient of their own `loss`.

    That gradient takes neither sign nor scale from what is done with the estimate: -estimate, 0.1 * estimate and
    log(estimate) teach the same. Over the axes of `jax.vmap` that the learner's arrays do not have it is the mean over
    the rows, whether the rows' estimates are averaged or summed; rows whose cotangent is exactly zero (masked, or
    multiplied by zero) teach nothing and do not count. Estimates that are made one after the other, in a scan or
    by hand, add up.

    **Arguments:**

    - `estimate`: must not depend on the learner's arrays differentiably.
    - `learner`: any pytree; its floating-point arrays are what learns.
    - `loss`: from the learner to (loss, anything else), of constants beside the learner.

    **Returns:** the estimate, and what else `loss` returned.
    """
    arrays, rest = eqx.partition(learner, eqx.is_inexact_array)
    if not jax.tree.leaves(arrays):
        return estimate, jax.lax.stop_gradient(loss(learner)[1])
    held = jax.lax.stop_gradient(arrays)
    slopes, other = jax.grad(lambda arrays: loss(eqx.combine(arrays, rest)), has_aux=True)(held)
    lesson = _lesson(once(reverse_only(arrays, FORWARD)), jax.lax.stop_gradient(slopes))
    return estimate + lesson.astype(estimate.dtype), jax.lax.stop_gradient(other)


@jax.custom_vjp
def _lesson(arrays: PyTree[Array], slopes: PyTree[Array]) -> Float[Array, ""]:
    """Zero, whose gradient in `arrays` is `slopes`, whatever the cotangent is as long as it is not zero."""
    return _zero(slopes)


def _forward(arrays: Any, slopes: Any) -> tuple[Array, Any]:
    return _zero(slopes), (arrays, slopes)


def _zero(slopes: PyTree[Array]) -> Float[Array, ""]:
    """With a row for each row of the slopes under `jax.vmap`, so that its cotangent has one as well."""
    count = sum(jnp.sum(slope != slope) for slope in jax.tree.leaves(slopes))
    return jnp.asarray(0 * count, jnp.float32)


def _backward(residual: Any, cotangent: Array) -> tuple[Any, Any]:
    arrays, slopes = residual
    counts = cotangent != 0
    share = jnp.where(jnp.isfinite(cotangent), 1.0, jnp.nan) / jnp.maximum(
        _rows(arrays, counts.astype(jnp.float32)), 1.0
    )
    given = jax.tree.map(lambda slope: jnp.where(counts, slope * share.astype(slope.dtype), 0), slopes)
    return given, None


_lesson.defvjp(_forward, _backward)


@jax.custom_batching.custom_vmap
def _rows(arrays: PyTree[Array], counts: Float[Array, "*own"]) -> Float[Array, "*own"]:
    """How many rows count, over the axes of `jax.vmap` that `arrays` do not have."""
    return counts


@_rows.def_vmap
def _sum_over_rows(size: int, batched: Any, arrays: Any, counts: Array) -> tuple[Array, bool]:
    arrays_batched, counts_batched = batched
    if any(jax.tree.leaves(arrays_batched)):  # a learner for each row, e.g. one for each seed
        counts = counts if counts_batched else jnp.broadcast_to(counts, (size, *counts.shape))
        return _rows(arrays, counts), True
    return _rows(arrays, jnp.sum(counts, axis=0) if counts_batched else counts * size), False
