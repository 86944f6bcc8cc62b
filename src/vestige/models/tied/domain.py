"""Data that a net has no probability for."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.tied.net import Net
from vestige.numerics import is_concrete, outside_log


def require_values(net: Net, data: Float[Array, "..."], owner: str, *, rows: bool = False) -> None:
    """Check concrete data: of grey values a net of bits has no likelihood. Traced ones are left alone.

    **Arguments:**

    - `net`: whose layer 0 they are for.
    - `data`: one example, or with `rows` several.
    - `owner`: the function, for the message.
    - `rows`: whether `data` has a leading axis.

    **Raises:** `ValueError` where they are not values of layer 0.
    """
    if not is_concrete(data):
        return
    with jax.ensure_compile_time_eval():
        many = data if rows else data[None]
        if not bool(net.units[0].admits(many)):
            low, high = float(jnp.min(data)), float(jnp.max(data))
            raise ValueError(
                f"{owner}: data must be {net.units[0].expected}; got values from {low:g} to {high:g}, of which the net "
                "has no likelihood"
            )


def admitted(net: Net, data: Float[Array, "*units"]) -> Bool[Array, ""]:
    """Whether `data`, one example, is a value of layer 0 of `net`."""
    return net.units[0].admits(data[None])


def log_or_impossible(net: Net, data: Float[Array, "*units"], log: Any) -> Any:
    """A log-probability of one example (or several of them, or what was made of them): -inf where the example is no
    value of layer 0, NaN where it holds a NaN.

    **Arguments:**

    - `net`: the pair of networks.
    - `data`: one example, shaped like layer 0.
    - `log`: the log-probability, or an array of such.
    """
    return outside_log(admitted(net, data), data, log)
