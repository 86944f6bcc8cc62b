"""Texts that a memory writes, which was trained to predict the next character of a text."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.data.steps import StepColumns
from vestige.data.tables import Cells
from vestige.errors import UsageError
from vestige.sequences import AbstractReader, UnreadFile
from vestige.tasks.longterm.reading import EncodesAndPredicts
from vestige.tasks.samples import Sampled
from vestige.typing import Key

if TYPE_CHECKING:
    from vestige.data.tables import Column


def sampled_texts(
    model: EncodesAndPredicts,
    columns: StepColumns,
    held_out: AbstractReader,
    *,
    count: int,
    steps: int,
    given: int,
    seed: int,
) -> Sampled:
    """Texts, character by character, each drawn given those before it.

    One program under `vmap` over the texts; time in proportion to count and steps.

    **Arguments:**

    - `model`: trained on characters.
    - `columns`: what they are.
    - `held_out`: from random places of which the beginnings are.
    - `count`: how many texts.
    - `steps`: characters of each, the beginning included.
    - `given`: characters of the beginning, fewer than `steps`. With 0 one is: nothing is predicted without any.
    - `seed`: of places and draws.

    **Returns:** a text each; in a table a row for each character.

    **Raises:** `UsageError` where the held-out part was not read, or is shorter than what is given.
    """
    given = max(given, 1)
    if isinstance(held_out, UnreadFile):
        raise UsageError(f"{held_out.name} was not read, from which the beginnings of texts are")
    if held_out.length < given:
        raise UsageError(f"given: the held-out text has {held_out.length:,} characters, {given:,} are wanted")
    places = np.random.default_rng(seed).integers(0, held_out.length - given + 1, count)
    beginnings = np.stack([held_out.read(int(place), int(place) + given)[0] for place in places])
    keys = jax.random.split(jax.random.key(seed), count)
    after = jnp.asarray(_tokens(columns.outcome, columns.seen[0]))
    found = np.asarray(_written(model, jnp.asarray(beginnings, jnp.int32), after, keys, max(steps - given, 0)))
    letters = np.array(columns.seen[0].vocabulary, object)[np.concatenate([beginnings, found], axis=1)]
    there = np.zeros(letters.size, bool)
    table = {
        "sample": Cells(np.repeat(np.arange(1, count + 1), letters.shape[1]), there),
        "step": Cells(np.tile(np.arange(1, letters.shape[1] + 1), count), there),
        "character": Cells(letters.ravel(), there),
    }
    return Sampled(table, texts=tuple("".join(each) for each in letters))


def _tokens(outcome: "Column", seen: "Column") -> np.ndarray:
    """The token of each class of the outcome."""
    place = {letter: number for number, letter in enumerate(seen.vocabulary)}
    return np.array([place[letter] for letter in outcome.vocabulary], np.int32)


@eqx.filter_jit
def _written(
    model: EncodesAndPredicts,
    beginnings: Int[Array, "count given"],
    after: Int[Array, " classes"],
    keys: Key,
    steps: int,
) -> Int[Array, "count steps"]:
    def one(beginning: Array, key: Key) -> Array:
        state, memories = model.encode(model.init(), beginning, jnp.ones(beginning.shape, bool))

        def draw(carry: tuple, number: Array) -> tuple[tuple, Array]:
            state, memory, token = carry
            logits = model.predict(memory, token)
            token = after[jax.random.categorical(jax.random.fold_in(key, number), logits)]
            state, memories = model.encode(state, token[None], jnp.ones(1, bool))
            return (state, memories[0], token), token

        start = (jax.tree.map(jnp.asarray, state), memories[-1], beginning[-1])
        return jax.lax.scan(draw, start, jnp.arange(steps))[1]

    return jax.vmap(one)(beginnings, keys)
