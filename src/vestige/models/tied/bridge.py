"""A trained sigmoid network as the stochastic model it approximates (the first claim of Flach et al. 2017)."""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.models.tied.connections import Dense
from vestige.models.tied.pair import TiedPair
from vestige.models.tied.ties import Full
from vestige.models.tied.units import AbstractUnits, Bits, OneHot


def from_mlp(mlp: eqx.nn.MLP, *, classes: bool = True) -> TiedPair:
    """The network `mlp` as a pair: its weights upward, their transpose downward with biases at zero, no retraining.

    Hidden units become bits with the probabilities that the network computed; `classes` says that its outputs are
    logits of classes, otherwise of bits. Any recognition runs on it: `PlainForward` is the network itself.

    **Raises:** `ValueError` where the hidden activation is not the logistic sigmoid, or there is a final activation.
    """
    with jax.ensure_compile_time_eval():
        points = jnp.linspace(-4.0, 4.0, 9)
        activated = jax.nn.sigmoid(points)
    if len(mlp.layers) > 1 and not _is(mlp.activation, activated, points):
        raise ValueError(
            "from_mlp: the hidden activation must be the logistic sigmoid, jax.nn.sigmoid, since its value becomes the "
            f"probability of a bit; got {mlp.activation}. Train with activation=jax.nn.sigmoid"
        )
    if not _is(mlp.final_activation, points, points):
        raise ValueError(
            "from_mlp: the outputs must be logits, without a final activation (softmax and sigmoid are added here); "
            f"got {mlp.final_activation}"
        )
    weights = [layer.weight.T for layer in mlp.layers]
    biases = [jnp.zeros(layer.weight.shape[0]) if layer.bias is None else layer.bias for layer in mlp.layers]
    return from_arrays(weights, biases, classes=classes)


def from_arrays(
    weights: Sequence[Float[Array | np.ndarray, "_ _"]],
    biases: Sequence[Float[Array | np.ndarray, " _"]],
    *,
    classes: bool = True,
) -> TiedPair:
    """As `from_mlp`, from the arrays of any framework: layer k computes x @ weights[k] + biases[k], with a sigmoid
    between two layers. (PyTorch's `Linear.weight` is the transpose of what is asked for here.)

    **Raises:** `ValueError` where shapes do not chain; both shapes are named.
    """
    if len(weights) != len(biases) or not weights:
        raise ValueError(
            f"from_arrays: as many weights as biases are needed, at least one, got {len(weights)} and {len(biases)}"
        )
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        if weight.ndim != 2 or bias.shape != weight.shape[1:]:
            raise ValueError(
                f"from_arrays: weights[{k}] must be (lower, upper) and biases[{k}] (upper,), got {weight.shape} and "
                f"{bias.shape}; is the weight transposed?"
            )
        if k and weight.shape[0] != weights[k - 1].shape[1]:
            raise ValueError(
                f"from_arrays: weights[{k}] takes {weight.shape[0]} units, but weights[{k - 1}] gives "
                f"{weights[k - 1].shape[1]}; sizes must chain"
            )
    last = weights[-1].shape[1]
    units: list[AbstractUnits] = [Bits(weight.shape[0]) for weight in weights]
    units.append(OneHot(last) if classes else Bits(last))
    joints = tuple(Dense(a.shape, b.shape) for a, b in itertools.pairwise(units))
    kernels = [jnp.asarray(weight) for weight in weights]
    dtype = kernels[0].dtype
    return TiedPair(
        tuple(units),
        joints,
        joints,
        tuple(Full(kernel) for kernel in kernels),
        tuple(jnp.asarray(bias, dtype) for bias in biases),
        tuple(jnp.zeros(u.shape, dtype) for u in units[:-1]),
        jnp.zeros(units[-1].shape, dtype),
    )


def _is(activation: Any, values: Float[Array, " points"], points: Float[Array, " points"]) -> bool:
    """Whether a function without parameters has these values."""
    if jax.tree.leaves(eqx.filter(activation, eqx.is_array)):
        return False
    with jax.ensure_compile_time_eval():  # the function is known while a program that uses it is compiled
        found = activation(points)
        return found.shape == points.shape and bool(jnp.allclose(found, values, atol=1e-6))
