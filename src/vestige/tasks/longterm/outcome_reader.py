"""A memory that reads steps a chunk at a time, its state carried, and says what it expects of each outcome."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.tasks.longterm.reading import EncodesAndPredicts

CHUNK = 1024
"""Steps under one call of the compiled program."""


class Chunk(NamedTuple):
    """Consecutive steps on the host."""

    inputs: np.ndarray
    """(steps,) tokens or (steps, features)."""
    outcomes: np.ndarray
    """(steps,) classes, -1 where not known, or numbers, NaN where not known."""
    resets: np.ndarray
    """(steps,) booleans: where a document begins."""


@eqx.filter_jit
def _read(
    model: EncodesAndPredicts, state: Any, inputs: Array, resets: Bool[Array, " time"], inside: Bool[Array, " time"]
) -> tuple[Any, Float[Array, "time outputs"]]:
    def step(state: Any, item: tuple[Array, Array, Array]) -> tuple[Any, Array]:
        seen, reset, here = item
        state = jax.tree.map(lambda new, old: jnp.where(reset, new, old).astype(old.dtype), model.init(), state)
        state, memories = model.encode(state, seen[None], here[None])
        return state, memories[0]

    state, memories = jax.lax.scan(step, state, (inputs, resets, inside))
    return state, jax.vmap(model.predict)(memories, inputs)


def read_outcomes(
    model: EncodesAndPredicts, chunks: Iterator[Chunk], *, size: int = CHUNK
) -> Iterator[tuple[Chunk, np.ndarray]]:
    """Read steps in order, and predict the outcome of each from what was seen up to it.

    One program, whatever the lengths of the chunks. Time in proportion to the steps, memory to a chunk.

    **Arguments:**

    - `model`: trained.
    - `chunks`: consecutive steps, at most `size` in each.
    - `size`: steps of the program; it changes no result.

    **Returns:** each chunk, and (steps, outputs) float64: logits of the classes, or the mean of a number, in units of
    the training.
    """
    state = jax.tree.map(jnp.asarray, model.init())
    for chunk in chunks:
        count = len(chunk.inputs)
        filled = np.zeros((size, *chunk.inputs.shape[1:]), chunk.inputs.dtype)
        filled[:count] = chunk.inputs
        resets, inside = np.zeros(size, bool), np.arange(size) < count
        resets[:count] = chunk.resets
        state, predicted = _read(model, state, jnp.asarray(filled), jnp.asarray(resets), jnp.asarray(inside))
        yield chunk, np.asarray(predicted, np.float64)[:count]


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """The logarithms of probabilities, in float64.

    **Arguments:** `logits`: (steps, classes).
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
