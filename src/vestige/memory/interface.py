"""From one matrix product to the named quantities that steer a memory."""

from collections.abc import Sequence
from itertools import accumulate

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.typing import Key

STEEPEST = 50.0
"""Where the logits of gates, strengths and exponents are clipped: far beyond use, and no power of it overflows."""

LARGEST = 1e6
"""Where stored vectors are clipped, so that their squares stay finite in float32."""


def emitter(inputs: int, outputs: int, *, key: Key, bias: dict[int, float] | None = None) -> eqx.nn.Linear:
    """A linear map of `inputs` to `outputs` numbers that emits all parameters of an access at once; `bias` sets where
    some of them start.
    """
    linear = eqx.nn.Linear(inputs, outputs, key=key)
    assert linear.bias is not None
    start = linear.bias
    for index, value in (bias or {}).items():
        start = start.at[index].set(value)
    return eqx.tree_at(lambda l: l.bias, linear, start)


def split(emitted: Float[Array, " emitted"], sizes: Sequence[int]) -> list[Float[Array, " part"]]:
    """Cut `emitted` into consecutive parts of these `sizes`."""
    return jnp.split(emitted, list(accumulate(sizes))[:-1])


def steer(logits: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Logits of gates, strengths and exponents, clipped at ±50."""
    return jnp.clip(logits, -STEEPEST, STEEPEST)


def bounded(vector: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """A vector to be stored, clipped at ±1e6."""
    return jnp.clip(vector, -LARGEST, LARGEST)


def oneplus(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """1 + softplus(x): strengths and exponents that are never below 1."""
    return 1.0 + jax.nn.softplus(x)


def received(write_weights: Float[Array, "*heads slots"]) -> Bool[Array, "*heads slots"]:
    """Which slots a write really reached: those with at least half of an even share."""
    return write_weights >= 0.5 / write_weights.shape[-1]
