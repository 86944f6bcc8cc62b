"""A discrete draw says so when it is differentiated."""

import functools
from typing import Any

import jax
from jaxtyping import Array, Float


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def discrete(value: Float[Array, "..."], rates: Float[Array, "..."], owner: str) -> Float[Array, "..."]:
    """`value`, which was drawn with these rates. A gradient that flows back through it raises `TypeError`.

    Without this the gradient would be zero, silently. What is not differentiated, or passes through
    `jax.lax.stop_gradient`, costs nothing.
    """
    return value


def _forward(value: Any, rates: Any, owner: str) -> tuple[Array, Array | None]:
    return value.value, rates.value if rates.perturbed else None


def _backward(owner: str, rates: Any, cotangent: Any) -> tuple[Any, Any]:
    if rates is not None and not isinstance(cotangent, jax.custom_derivatives.SymbolicZero):
        raise TypeError(
            f"{owner}: a gradient was asked for through a discrete draw, where there is none (not zero: none). Use "
            "vestige.estimators.expect(fn, structure, estimator=..., key=...), or jax.lax.stop_gradient(draw.value) "
            "if the draw is to be held fixed."
        )
    return None, None


discrete.defvjp(_forward, _backward, symbolic_zeros=True)
