"""What a trained pair says of rows, some of whose values may be missing: arrays in, arrays out, a chunk at a time."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.models.tied import (
    Net,
    OneHot,
    PlainForward,
    filled,
    guessed,
    importance_log_likelihood,
    recognised_in_part,
)
from vestige.typing import Key

CHUNK = 256
SAMPLES = 200
"""Importance samples of a row."""
RECOGNITION = PlainForward()

Rows = Float[np.ndarray, "rows values"]


def class_probabilities(net: Net, rows: Rows, *, first: int = 0, samples: int = SAMPLES) -> np.ndarray:
    """The probabilities of classes, by the plain forward pass; where values are missing its mean over what they may be.

    **Arguments:**

    - `net`: trained, classes on top.
    - `rows`: as the model sees them, NaN where missing.
    - `first`: the number of the first row: noise is a function of the number of a row, in whatever chunks they come.
    - `samples`: of what is missing.

    **Returns:** (rows, classes) float64, each row of sum 1.
    """
    gone = np.isnan(rows).any(axis=1)
    found = np.zeros((len(rows), net.units[-1].size))
    numbers = first + np.arange(len(rows))
    found[~gone] = _chunked(_whole, net, rows[~gone], numbers[~gone])
    found[gone] = _chunked(_in_part, net, rows[gone], numbers[gone], samples)
    return found / found.sum(axis=1, keepdims=True)


def log_densities(net: Net, rows: Rows, *, first: int = 0, samples: int = SAMPLES) -> np.ndarray:
    """log p of the values that are there, nats, by importance sampling: from below in the mean.

    **Arguments:**

    - `net`, `rows`, `first`: as in `class_probabilities`.
    - `samples`: importance samples of a row.

    **Returns:** (rows,) float64, as the model sees them.
    """
    return _chunked(_log_density, net, rows, first + np.arange(len(rows)), samples)


def completions(
    net: Net, rows: Rows, *, draws: int, samples: int = SAMPLES, seed: int = 0, first: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The rows with what is missing filled in.

    **Arguments:**

    - `net`, `rows`, `first`: as in `class_probabilities`.
    - `draws`: how many samples of each row.
    - `samples`: by which expectations are estimated, and of which draws are resampled; at least as many as `draws`.
    - `seed`: of the samples.

    **Returns:** (rows, values), with expected values; (draws, rows, values), with samples.
    """
    mean, drawn = _chunked(_filled, net, rows, first + np.arange(len(rows)), draws, samples, seed)
    return mean, np.moveaxis(drawn, 1, 0)


def features(net: Net, rows: Rows) -> np.ndarray:
    """E[hidden units | row] by the plain forward pass, missing values replaced by a guess.

    **Arguments:** `net`, `rows`: as in `class_probabilities`.

    **Returns:** (rows, hidden units) float64: layers 1, 2, … side by side, without classes.
    """
    return _chunked(_hidden, net, rows, np.arange(len(rows)))


def sampled_rows(net: Net, count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows drawn from the generation network.

    **Arguments:**

    - `net`: trained.
    - `count`: how many.
    - `seed`: of them.

    **Returns:** (rows, values), and (rows, top), the state of the top layer that they were made from.
    """
    blank = np.zeros((count, net.units[0].size), np.float32)
    return _chunked(_generated, net, blank, np.arange(count), seed)


def _whole(net: Net, row: Array, key: Key) -> Array:
    return jax.nn.softmax(RECOGNITION.log_top(net, row, key=key))


def _in_part(net: Net, row: Array, key: Key, samples: int) -> Array:
    return recognised_in_part(net, RECOGNITION, row, samples=samples, key=key)


def _log_density(net: Net, row: Array, key: Key, samples: int) -> Array:
    return importance_log_likelihood(net, row, samples=samples, key=key).log_mean


def _filled(net: Net, row: Array, key: Key, draws: int, samples: int, seed: int) -> tuple[Array, Array]:
    found = filled(net, row, samples=max(draws, samples), draws=draws, key=jax.random.fold_in(key, seed))
    return found.mean, found.draws


def _hidden(net: Net, row: Array, key: Key) -> Array:
    means = RECOGNITION(net, guessed(net, row), key=key)[1:]
    kept = means[:-1] if isinstance(net.units[-1], OneHot) else means
    return jnp.concatenate([jnp.ravel(mean) for mean in kept])


def _generated(net: Net, row: Array, key: Key, seed: int) -> tuple[Array, Array]:
    states = net.generate(key=jax.random.fold_in(key, seed))
    return states[0], states[-1]


def _chunked(answer: Callable[..., Any], net: Net, rows: Rows, numbers: np.ndarray, *static: int) -> Any:
    """The answer on each row, by one compiled program on chunks of one size, the last one padded."""
    size = min(CHUNK, 2 ** int(np.ceil(np.log2(max(len(rows), 1)))))
    parts = []
    for start in range(0, max(len(rows), 1), size):
        some = np.zeros((size, net.units[0].size), np.float32)
        number = np.zeros(size, np.uint32)
        count = len(rows[start : start + size])
        some[:count], number[:count] = rows[start : start + size], numbers[start : start + size]
        found = _program(answer, net, jnp.asarray(some), jnp.asarray(number), static)
        parts.append(jax.tree.map(lambda leaf, c=count: np.asarray(leaf, np.float64)[:c], found))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


@eqx.filter_jit
def _program(answer: Callable[..., Any], net: Net, rows: Array, numbers: Array, static: tuple[int, ...]) -> Any:
    keys = jax.vmap(lambda number: jax.random.fold_in(jax.random.key(0), number))(numbers)
    return jax.lax.map(lambda row: answer(net, row[0], row[1], *static), (rows, keys), batch_size=16)
