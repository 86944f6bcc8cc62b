"""A value from here, its first derivative from there."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import PyTree


@jax.custom_jvp
def attached(
    value: Float[Array, ""], at: Float[Array, "*keys"], slope: Float[Array, "*keys"], causes: PyTree[Array] = ()
) -> Float[Array, ""]:
    """`value`, to whose derivative ⟨slope, d at⟩ is added. `slope` itself is held fixed.

    A score-function estimate has this form: its slope is random, and the derivative of the slope is *not* an estimate
    of a second derivative. Hence a second derivative in which `at` or `causes` take part raises `TypeError`; one that
    concerns `value` alone is the ordinary one.

    **Arguments:**

    - `value`: carries its own derivative besides.
    - `at`: what the slope belongs to, e.g. log-probabilities of draws.
    - `slope`: of the shape of `at`.
    - `causes`: floating-point arrays that `slope` was made from.
    """
    return value


def _jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    value, at, slope, causes = primals
    change, moved, _, _ = tangents
    zero = jax.custom_derivatives.SymbolicZero
    if isinstance(change, zero):
        change = jnp.zeros_like(value)
    else:  # how the derivative of the value varies with `at` is not known either
        change = change * first_order(jnp.ones_like(value), at)
    if isinstance(moved, zero):
        return value, change
    held = first_order(jax.lax.stop_gradient(slope), (at, causes))
    return value, change + jnp.sum(held * moved).astype(value.dtype)


attached.defjvp(_jvp, symbolic_zeros=True)


@jax.custom_jvp
def first_order(tree: PyTree[Array], causes: PyTree[Array]) -> PyTree[Array]:
    """`tree`, a derivative made from `causes`. Differentiating it again raises `TypeError`."""
    return tree


@first_order.defjvp
def _refuse(primals: Any, tangents: Any) -> Any:
    raise TypeError(
        "expect: a second derivative was requested through an estimate whose first derivative is itself an estimate "
        "(score function, RELAX, draws without replacement, entropy_estimate); there is none. Use the estimator "
        "Exact(), whose derivatives are right to every order, or hold the inputs fixed by jax.lax.stop_gradient."
    )


@jax.custom_jvp
def once(tree: PyTree[Array]) -> PyTree[Array]:
    """`tree`. What is made of it may be differentiated once; a second derivative raises `TypeError`."""
    return tree


@once.defjvp
def _once(primals: Any, tangents: Any) -> Any:
    ones = first_order(jax.tree.map(jnp.ones_like, primals[0]), primals[0])
    return primals[0], jax.tree.map(jnp.multiply, ones, tangents[0])
