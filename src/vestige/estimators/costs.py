"""Costs as estimators evaluate them: of all their draws at once, with auxiliary output, and never silently infinite."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.numerics import full_precision
from vestige.typing import Key

Aux = tuple[()] | tuple[Any]
"""Nothing, or what else a cost returned."""


class Evaluated(NamedTuple):
    """What a cost says of many draws."""

    costs: Float[Array, " draws"]
    """In at least 32 bits."""
    aux: Aux
    """Each array with a leading axis of draws."""


class Evaluation:
    """A cost with its conventions settled: `many` evaluates all draws of an estimate, a call evaluates one.

    **Arguments:**

    - `fn`: returns a number, or with `has_aux` a pair of a number and anything else.
    - `arguments`: from a value, and a key of the draw's own where `key` is given, to what `fn` takes.
    - `batched`: whether `fn` takes all draws at once, with a leading axis, and returns as many numbers.
    - `has_aux`: whether it returns auxiliary output.
    - `infeasible`: stands for a cost of +inf; None: it stays what it is.
    - `key`: from which every draw gets one.
    - `of_trace`: as `arguments`, from a trace; None: `fn` needs none. An estimator that has drawn traces spares their
        being made again.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        arguments: Callable[..., tuple[Any, ...]],
        *,
        batched: bool,
        has_aux: bool,
        infeasible: float | None,
        key: Key | None,
        of_trace: Callable[..., tuple[Any, ...]] | None = None,
    ):
        self.fn, self.arguments, self.key, self.of_trace = fn, arguments, key, of_trace
        self.batched, self.has_aux, self.infeasible = batched, has_aux, infeasible

    def __call__(self, value: Float[Array, "..."]) -> Float[Array, ""]:
        """The cost of one `value`. For estimators that know nothing of batches: those of a batch share one key."""
        return self.many(value[None]).costs[0]

    def many(self, values: Float[Array, "draws ..."], traces: Any = None) -> Evaluated:
        """The costs of `values`, with a leading axis, to which the `traces` led, if they are known."""
        keys = () if self.key is None else (jax.random.split(self.key, values.shape[0]),)
        arguments, given = self.arguments, values
        if self.of_trace is not None and traces is not None:
            arguments, given = self.of_trace, traces
        if self.batched:
            found = self.fn(*jax.vmap(arguments)(given, *keys))
        else:
            found = jax.vmap(lambda one, *key: self.fn(*arguments(one, *key)))(given, *keys)
        costs, *aux = found if self.has_aux else (found,)
        costs = full_precision(costs)
        if self.infeasible is not None:
            costs = jnp.where(costs == jnp.inf, jnp.asarray(self.infeasible, costs.dtype), costs)
        return Evaluated(costs, tuple(aux))

    def checked(self, value: Float[Array, "..."]) -> None:
        """Look at what `fn` returns for a `value`, which may be abstract.

        **Raises:** `TypeError` where it is not one floating-point number, or not a pair with `has_aux`.
        """
        keys = () if self.key is None else (self.key,)
        arguments = self.arguments(value, *keys)
        arguments = jax.tree.map(lambda leaf: leaf[None], arguments) if self.batched else arguments
        found, wanted = self.fn(*arguments), (1,) if self.batched else ()
        if self.has_aux:
            if not isinstance(found, tuple) or len(found) != 2:
                raise TypeError(
                    f"expect: with has_aux fn must return a pair, the cost and what else, got {type(found)}"
                )
            found, aux = found
            for leaf in jax.tree.leaves(aux):
                shape = jnp.shape(leaf)
                if self.batched and shape[:1] != (1,):
                    raise TypeError(
                        "expect: with batched every array of the auxiliary output must have the axis of the draws "
                        f"first, got one of shape {shape} for one draw"
                    )
        one = jax.tree.leaves(found)
        array = jnp.asarray(found) if len(one) == 1 and one[0] is found else None
        if array is None or array.shape != wanted or not jnp.issubdtype(array.dtype, jnp.floating):
            what = "one floating-point number for each draw, (draws,)" if self.batched else "one floating-point number"
            got = found if array is None else f"{array.dtype}{list(array.shape)}"
            raise TypeError(f"expect: fn must return {what}, got {got}" + (" for one draw" if self.batched else ""))


def evaluated(
    fn: Callable[[Float[Array, "..."]], Float[Array, ""]],
    values: Float[Array, "draws ..."],
    counted: Bool[Array, " draws"] | None = None,
    traces: Any = None,
) -> Evaluated:
    """The costs of many values.

    **Arguments:**

    - `fn`: what `expect` handed to the estimator.
    - `values`: with a leading axis.
    - `traces`: that led to them, with that axis, where the estimator has them and every value counts.
    - `counted`: False for rows of weight zero: their cost is zero, and `fn` never sees their value.

    **Returns:** costs and auxiliary output, with that axis.
    """
    if counted is not None:
        shape = counted.shape + (1,) * (values.ndim - 1)
        values = jnp.where(counted.reshape(shape), values, values[jnp.argmax(counted)][None])
    found = (
        fn.many(values, traces) if isinstance(fn, Evaluation) else Evaluated(full_precision(jax.vmap(fn)(values)), ())
    )
    if counted is None:
        return found
    return Evaluated(jnp.where(counted, found.costs, 0.0), found.aux)


def answer(estimate: Float[Array, ""], aux: Aux, weights: Float[Array, " draws"] | None = None) -> Any:
    """What an estimator returns.

    **Arguments:**

    - `estimate`: of the cost.
    - `aux`: as `evaluated` returned it.
    - `weights`: of the draws in the estimate; None: their mean.

    **Returns:** the estimate, or, where there is auxiliary output, a pair of the estimate and the auxiliary output
    averaged in the same way, which is held fixed.
    """
    if not aux:
        return estimate

    def average(leaf: Any) -> Array:
        leaf = jax.lax.stop_gradient(jnp.asarray(leaf))
        leaf = leaf if jnp.issubdtype(leaf.dtype, jnp.inexact) else leaf.astype(jnp.float32)
        if weights is None:
            return jnp.mean(leaf, axis=0)
        share = jax.lax.stop_gradient(weights).astype(leaf.dtype).reshape(weights.shape + (1,) * (leaf.ndim - 1))
        return jnp.sum(jnp.where(share == 0, 0.0, share * leaf), axis=0)

    return estimate, jax.tree.map(average, aux[0])


@jax.custom_jvp
def without_slope_at_infinity(estimate: Float[Array, ""], causes: tuple[Array, ...]) -> Float[Array, ""]:
    """The `estimate`, whose derivative, that by its `causes` included, is NaN where it is infinite or NaN."""
    return estimate


@without_slope_at_infinity.defjvp
def _jvp(primals: tuple[Array, tuple[Array, ...]], tangents: tuple[Array, tuple[Array, ...]]) -> tuple[Array, Array]:
    (estimate, _), (change, moved) = primals, tangents
    fine = jnp.isfinite(estimate)
    change = change * jnp.where(fine, 1.0, jnp.nan).astype(change.dtype)
    for each in moved:
        lost = jnp.where(fine, 0.0, jnp.nan).astype(each.dtype)
        change = change + jnp.sum(lost * each).astype(change.dtype)
    return estimate, change
