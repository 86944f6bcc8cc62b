"""Sequences that a filter generates: each step is drawn given those before it."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data.tables import Cells
from vestige.data.tables.writing import numbers
from vestige.errors import UsageError
from vestige.sequences import ArraySequence
from vestige.tasks.samples import Sampled
from vestige.typing import Key


def sampled_sequences(task: Any, model: Any, *, count: int, steps: int, given: int, seed: int) -> np.ndarray:
    """Sequences of which the first steps may be held-out ones.

    One program under `vmap` over the sequences; time in proportion to count and steps.

    **Arguments:**

    - `task`: on which the model is trained.
    - `model`: a filter.
    - `count`: how many.
    - `steps`: of each.
    - `given`: how many at the beginning are those of held-out sequences; fewer than `steps`. Where there are fewer of
      them than `count`, several samples go on from one.
    - `seed`: of held-out sequences and samples.

    **Returns:** (count, steps, p) float64, as the model sees them.

    **Raises:** `UsageError` where a held-out sequence has fewer steps than are given.
    """
    key_given, key_draw = jax.random.split(jax.random.key(seed))
    seen = jnp.zeros((count, 0, task.width))
    if given:
        beginning = jax.vmap(lambda row: task.held_out(row, key=key_given))
        held_out: ArraySequence = beginning(jnp.arange(count) % task.held_out_count(count))
        if (shortest := int(held_out.length.min())) < given:
            raise UsageError(f"given: a held-out sequence has {shortest:,} steps, {given:,} are wanted")
        seen = held_out.inputs[:, :given]
    keys = jax.random.split(key_draw, count)
    found = _drawn(model, seen, keys, steps - given)
    return np.concatenate([np.asarray(seen, np.float64), np.asarray(found, np.float64)], axis=1)


@eqx.filter_jit
def _drawn(model: Any, seen: Float[Array, "count given p"], keys: Key, steps: int) -> Float[Array, "count steps p"]:
    def one(beginning: Array, key: Key) -> Array:
        read = lambda state, step: (model.filter(state, step), None)
        state, _ = jax.lax.scan(read, model.init(), beginning)

        def draw(state: Any, number: Array) -> tuple[Any, Array]:
            step = model.draw(state, key=jax.random.fold_in(key, number)).astype(seen.dtype)
            return model.filter(state, step), step

        return jax.lax.scan(draw, state, jnp.arange(steps))[1]

    return jax.vmap(one)(seen, keys)


def as_table(sequences: np.ndarray, names: tuple[str, ...]) -> dict[str, Cells]:
    """A row for each step of each sample.

    **Arguments:**

    - `sequences`: (count, steps, p), NaN where missing.
    - `names`: of the values.

    **Returns:** the columns: sample and step, counted from 1, and the values.
    """
    count, steps, _ = sequences.shape
    there = np.zeros(count * steps, bool)
    found = {
        "sample": Cells(np.repeat(np.arange(1, count + 1), steps), there),
        "step": Cells(np.tile(np.arange(1, steps + 1), count), there),
    }
    for place, name in enumerate(names):
        found[name] = numbers(np.ascontiguousarray(sequences[:, :, place].reshape(-1)))
    return found


def plain_samples(sequences: np.ndarray) -> Sampled:
    """Of values without names.

    **Arguments:** `sequences`: (count, steps, p).
    """
    return Sampled(as_table(sequences, tuple(f"value {place}" for place in range(sequences.shape[2]))))
