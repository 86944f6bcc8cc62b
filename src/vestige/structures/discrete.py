"""A discrete draw says so when it is differentiated."""

import functools
from typing import Any

import jax
from jaxtyping import Array, Float

from vestige.structures.reverse_only import reverse_only


def discrete(value: Float[Array, "..."], rates: Float[Array, "..."], owner: str) -> Float[Array, "..."]:
    """`value`, which was drawn with these `rates` from `owner`. A gradient that flows back through it raises
    `TypeError`, and so does forward mode in the rates.

    Without this the derivative would be zero, silently. What is not differentiated, or passes through
    `jax.lax.stop_gradient`, costs nothing.
    """
    why = (
        f"{owner}: forward mode (jax.jvp, jax.jacfwd) reached a discrete draw, which has no derivative. Draw from "
        "jax.lax.stop_gradient(structure), use vestige.estimators.expect, or use reverse mode (jax.grad)."
    )
    return _discrete(value, reverse_only(rates, why), owner)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _discrete(value: Float[Array, "..."], rates: Float[Array, "..."], owner: str) -> Float[Array, "..."]:
    return value


def _forward(value: Any, rates: Any, owner: str) -> tuple[Array, Array | None]:
    return value.value, rates.value if rates.perturbed else None


def _backward(owner: str, rates: Any, cotangent: Any) -> tuple[Any, Any]:
    if rates is not None and not isinstance(cotangent, jax.custom_derivatives.SymbolicZero):
        raise TypeError(
            f"{owner}: a gradient was requested through a discrete draw, where there is none (not zero: none). Use "
            "vestige.estimators.expect(fn, structure, estimator=..., key=...), or jax.lax.stop_gradient(draw.value) "
            "if the draw is to be held fixed."
        )
    return None, None


_discrete.defvjp(_forward, _backward, symbolic_zeros=True)
