"""Values outside the support of a law: refused where they are known, impossible where they are traced."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Shaped


def is_concrete(value: Any) -> bool:
    """Whether the numbers of an array can be looked at: not while a program is compiled."""
    return not isinstance(value, Tracer)


def require_support(value: Any, inside: Callable[[Any], Any], *, owner: str, expected: str) -> None:
    """Check that concrete values are in a support; traced ones are left alone.

    **Arguments:**

    - `value`: an array or a number.
    - `inside`: whether a value is in the support, elementwise, with operators alone; it says no to NaN.
    - `owner`: the function, for the message.
    - `expected`: a sentence that says what values must be.

    **Raises:** `ValueError`, naming the first of the values that are not `inside`.
    """
    if not is_concrete(value):
        return
    found = np.asarray(value)
    wrong = ~np.asarray(inside(found), bool)
    if wrong.any():
        place = ", ".join(map(str, np.argwhere(wrong)[0].tolist()))
        where = f" at {place}" if place else ""
        raise ValueError(f"{owner}: {expected}, got {found[wrong].flat[0]:.10g}{where}")


def outside_log(
    inside: Bool[Array, ""], value: Shaped[Array, "..."], log: Float[Array, "*logs"]
) -> Float[Array, "*logs"]:
    """`log` where the `value` is in the support, that is `inside`, NaN where it holds a NaN, and -inf elsewhere:
    probability zero.
    """
    return jnp.where(inside, log, jnp.where(jnp.any(jnp.isnan(value)), jnp.nan, -jnp.inf).astype(log.dtype))
