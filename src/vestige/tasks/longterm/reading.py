"""A model reads a sequence of any length, and what it remembers at a few steps is kept."""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.sequences import AbstractSequence
from vestige.typing import PyTree


@runtime_checkable
class Remembers(Protocol):
    """What all tasks on long sequences ask of a model."""

    def init(self) -> Any:
        """The state before the first step."""
        ...

    def remember(self, state: Any, inputs: PyTree[Array], mask: Bool[Array, " time"]) -> tuple[Any, PyTree[Array]]:
        """The state after some steps, and the read-out m_t at each. Masked steps come last and change nothing."""
        ...


@runtime_checkable
class RemembersAndPredicts(Remembers, Protocol):
    """What is asked of it where it must answer with a class or a number."""

    def predict(self, memory: Float[Array, " memory"], inputs: PyTree[Array]) -> Float[Array, " outputs"]:
        """For one step: logits of the classes, or the mean of a number, from a read-out and what is seen there."""
        ...


def readouts_at(
    model: Remembers, sequence: AbstractSequence, queries: Int[Array, " queries"], *, steps: int, chunk: int
) -> PyTree[Array]:
    """The read-outs at the steps `queries` of a sequence that has at most `steps`, read in windows of `chunk`.

    A query beyond `steps` gets zeros. Costs the time of reading the sequence once; memory for one window, whatever the
    length. The result does not depend on `chunk`.
    """

    def read(start: Array, state: Any) -> tuple[Any, PyTree[Array]]:
        window = sequence.window(start, chunk)
        return model.remember(state, window.inputs, window.inside)

    def follow(count: Array, carry: tuple[Any, PyTree[Array]]) -> tuple[Any, PyTree[Array]]:
        state, kept = carry
        start = (count * chunk).astype(queries.dtype)
        state, readouts = read(start, state)
        place = queries - start
        here = (place >= 0) & (place < chunk)

        def keep(new: Array, old: Array) -> Array:
            where = here.reshape(-1, *(1,) * (old.ndim - 1))
            return jnp.where(where, new[jnp.clip(place, 0, chunk - 1)], old)

        return state, jax.tree.map(keep, readouts, kept)

    state = model.init()
    like = jax.eval_shape(lambda: read(jnp.array(0), state))[1]
    kept = jax.tree.map(lambda leaf: jnp.zeros((*queries.shape, *leaf.shape[1:]), leaf.dtype), like)
    return jax.lax.fori_loop(0, -(-steps // chunk), follow, (state, kept))[1]
