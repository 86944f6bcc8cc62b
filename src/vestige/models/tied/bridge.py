"""A trained network of sigmoid units as the stochastic model it approximates (the first claim of Flach et al. 2017)."""

import itertools
from collections.abc import Sequence
from typing import Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from vestige.models.tied.connections import Dense
from vestige.models.tied.pair import TiedPair
from vestige.models.tied.recognition import PlainForward
from vestige.models.tied.ties import Full
from vestige.models.tied.units import AbstractUnits, Bits, OneHot

Activation = Literal["logistic", "tanh"]
"""Of hidden units: those that are the mean of a bit, in {0, 1} or in {-1, 1}."""

TOLERANCE = 1e-3  # by which predictions may differ from the original's: float32 beside float64


def from_mlp(mlp: eqx.nn.MLP, *, classes: bool = True, check: tuple[ArrayLike, ArrayLike] | None = None) -> TiedPair:
    """The network `mlp` as a pair: its weights upward, their transpose downward with biases at zero, no retraining.

    Hidden units become bits with the probabilities that the network computed (of hyperbolic tangents, of which
    `from_arrays` reports, with the probability of 1 in {-1, 1}); `classes` says that its outputs are logits of classes,
    otherwise of bits. Any recognition runs on it: `PlainForward` is the network itself.

    **Arguments:**

    - `mlp`: the network.
    - `classes`: whether its outputs are logits of classes.
    - `check`: as in `from_arrays`.

    **Raises:** `ValueError` where the hidden activation is neither `jax.nn.sigmoid` nor `jnp.tanh`, where there is a
    final activation, and as `from_arrays`.
    """
    with jax.ensure_compile_time_eval():
        points = jnp.linspace(-4.0, 4.0, 9)
        known: dict[Activation, Array] = {"logistic": jax.nn.sigmoid(points), "tanh": jnp.tanh(points)}
    found: Activation = "logistic"
    if len(mlp.layers) > 1:
        fitting: list[Activation] = [name for name, values in known.items() if _is(mlp.activation, values, points)]
        if not fitting:
            raise ValueError(
                "from_mlp: the hidden activation must be the logistic sigmoid, jax.nn.sigmoid, or jnp.tanh, since its "
                f"value becomes the mean of a bit; got {mlp.activation}. Train with activation=jax.nn.sigmoid"
            )
        found = fitting[0]
    if not _is(mlp.final_activation, points, points):
        raise ValueError(
            "from_mlp: the outputs must be logits, without a final activation (softmax and sigmoid are added here); "
            f"got {mlp.final_activation}"
        )
    weights = [layer.weight.T for layer in mlp.layers]
    biases = [jnp.zeros(layer.weight.shape[0]) if layer.bias is None else layer.bias for layer in mlp.layers]
    return from_arrays(weights, biases, activation=found, classes=classes, check=check)


def from_arrays(
    weights: Sequence[Float[Array | np.ndarray, "_ _"]],
    biases: Sequence[Float[Array | np.ndarray, " _"]],
    *,
    activation: str,
    classes: bool = True,
    check: tuple[ArrayLike, ArrayLike] | None = None,
) -> TiedPair:
    """As `from_mlp`, from the arrays of any framework: layer k computes x @ weights[k] + biases[k], with `activation`
    between two layers. (PyTorch's `Linear.weight` is the transpose of what is needed here.)

    Of hyperbolic tangents the pair is exact, too: tanh(a) = 2 sigma(2a) - 1, so weights and biases below such a layer
    are doubled, and those above take bits in {0, 1} in place of numbers in {-1, 1}. A classifier with one output, the
    logit of its second class, gets two classes with half of it each way.

    **Arguments:**

    - `activation`: of the hidden units, `"logistic"` or `"tanh"`. Others compute no mean of a bit.
    - `classes`: whether the outputs are logits of classes, or of bits.
    - `check`: inputs (rows, features) and the probabilities that the original network gives for them, (rows, classes),
      or of one output (rows,), (rows, 1) or (rows, 2). They are compared with those of `PlainForward`.

    **Raises:** `ValueError` where shapes do not chain (both are named), for another activation, and where a
    probability differs by more than 0.001 from the `check`.
    """
    _check_arrays(weights, biases)
    if activation not in get_args(Activation):
        raise ValueError(
            f"from_arrays: activation must be 'logistic' or 'tanh', whose values are means of bits, got '{activation}'"
            "; a network of other units has no such pair: train one with sigmoid units"
        )
    kernels, shifts = _as_bits(weights, biases, activation == "tanh")
    one_output = classes and kernels[-1].shape[1] == 1
    if one_output:
        kernels[-1] = np.concatenate([-0.5 * kernels[-1], 0.5 * kernels[-1]], axis=1)
        shifts[-1] = np.concatenate([-0.5 * shifts[-1], 0.5 * shifts[-1]])
    last = kernels[-1].shape[1]
    units: list[AbstractUnits] = [Bits(kernel.shape[0]) for kernel in kernels]
    units.append(OneHot(last) if classes else Bits(last))
    joints = tuple(Dense(a.shape, b.shape) for a, b in itertools.pairwise(units))
    dtype = jnp.asarray(kernels[0]).dtype
    pair = TiedPair(
        tuple(units),
        joints,
        joints,
        tuple(Full(jnp.asarray(kernel, dtype)) for kernel in kernels),
        tuple(jnp.asarray(shift, dtype) for shift in shifts),
        tuple(jnp.zeros(u.shape, dtype) for u in units[:-1]),
        jnp.zeros(units[-1].shape, dtype),
    )
    if check is not None:
        _compare(pair, *(np.asarray(x, np.float64) for x in check), one_output=one_output)
    return pair


def _check_arrays(weights: Sequence[Any], biases: Sequence[Any]) -> None:
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


def _as_bits(weights: Sequence[Any], biases: Sequence[Any], signed: bool) -> tuple[list[Any], list[Any]]:
    """Weights and biases of the same network with hidden units in (0, 1); `signed`: they were in (-1, 1)."""
    kernels, shifts = list(weights), list(biases)
    if signed:
        for k in range(1, len(kernels)):  # numbers 2 s - 1 come from below
            shifts[k] = shifts[k] - kernels[k].sum(axis=0)
            kernels[k] = 2 * kernels[k]
        for k in range(len(kernels) - 1):  # tanh(a) = 2 sigma(2 a) - 1
            kernels[k], shifts[k] = 2 * kernels[k], 2 * shifts[k]
    return kernels, shifts


def _compare(pair: TiedPair, inputs: np.ndarray, wanted: np.ndarray, *, one_output: bool) -> None:
    """**Raises** `ValueError` where the forward pass does not give these probabilities."""
    net = pair.resolve()
    if inputs.ndim != 2 or inputs.shape[1:] != net.units[0].shape:
        raise ValueError(f"from_arrays: check: inputs must be (rows, {net.units[0].size}), got {inputs.shape}")
    wanted = wanted[:, None] if wanted.ndim == 1 else wanted
    if one_output and wanted.shape[1:] == (1,):
        wanted = np.concatenate([1 - wanted, wanted], axis=1)
    if wanted.shape != (len(inputs), net.units[-1].size):
        raise ValueError(
            f"from_arrays: check: probabilities must be ({len(inputs)}, {net.units[-1].size}), got {wanted.shape}"
        )
    rows = jnp.asarray(inputs, net.prior.dtype)
    found = jax.vmap(lambda row: PlainForward()(net, row, key=jax.random.key(0))[-1])(rows)
    apart = np.abs(np.asarray(found, np.float64) - wanted).max(axis=1, initial=0.0)
    if not np.all(apart <= TOLERANCE):
        row = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
        raise ValueError(
            f"from_arrays: check: the pair's probabilities must be the original's, they differ by {apart[row]:.3g} in "
            f"row {row}; is the activation another, or were the inputs scaled before?"
        )


def _is(activation: Any, values: Float[Array, " points"], points: Float[Array, " points"]) -> bool:
    """Whether a function without parameters has these values."""
    if jax.tree.leaves(eqx.filter(activation, eqx.is_array)):
        return False
    with jax.ensure_compile_time_eval():  # the function is known while a program that uses it is compiled
        found = activation(points)
        return found.shape == points.shape and bool(jnp.allclose(found, values, atol=1e-6))
