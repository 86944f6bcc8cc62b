"""A model reads a sequence of any length, and what it remembers at a few steps is kept."""

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.sequences import AbstractSequence
from vestige.typing import PyTree


@runtime_checkable
class Encodes(Protocol):
    """What all tasks on long sequences require of a model."""

    def init(self) -> Any:
        """The state before the first step.

        **Returns:** a pytree of arrays.
        """
        ...

    def encode(self, state: Any, inputs: PyTree[Array], mask: Bool[Array, " time"]) -> tuple[Any, PyTree[Array]]:
        """Let the memory read some steps.

        **Arguments:**

        - `state`: that before the first of them.
        - `inputs`: x_t, a pytree with leading axis time.
        - `mask`: (time,), bool; masked steps come last and change nothing.

        **Returns:** the state after the last step that counts, and the readout m_t at each, time first.
        """
        ...


@runtime_checkable
class EncodesAndPredicts(Encodes, Protocol):
    """What is required of it where the outcome is a class or a number."""

    def predict(self, memory: Float[Array, " memory"], inputs: PyTree[Array]) -> Float[Array, " outputs"]:
        """Predict the outcome of one step.

        **Arguments:**

        - `memory`: (memory,), a readout.
        - `inputs`: what is seen at the step.

        **Returns:** (outputs,), logits of the classes, or the mean of a number.
        """
        ...


def readouts_at(
    model: Encodes, sequence: AbstractSequence, queries: Int[Array, " queries"], *, steps: int, read_size: int
) -> PyTree[Array]:
    """The readouts at a few steps of a sequence.

    Costs the time of reading the sequence once; memory for one window, whatever the length. The result does not depend
    on `read_size`.

    **Arguments:**

    - `model`: that reads.
    - `sequence`: of at most `steps` steps.
    - `queries`: (queries,), integers, the steps; one beyond `steps` gets zeros.
    - `steps`: static.
    - `read_size`: steps read at a time, static.

    **Returns:** m_k with leading axis queries.
    """

    def read(start: Array, state: Any) -> tuple[Any, PyTree[Array]]:
        window = sequence.window(start, read_size)
        return model.encode(state, window.inputs, window.inside)

    def unroll(count: Array, carry: tuple[Any, PyTree[Array]]) -> tuple[Any, PyTree[Array]]:
        state, kept = carry
        start = (count * read_size).astype(queries.dtype)
        state, readouts = read(start, state)
        place = queries - start
        here = (place >= 0) & (place < read_size)

        def keep(new: Array, old: Array) -> Array:
            where = here.reshape(-1, *(1,) * (old.ndim - 1))
            return jnp.where(where, new[jnp.clip(place, 0, read_size - 1)], old)

        return state, jax.tree.map(keep, readouts, kept)

    state = model.init()
    like = jax.eval_shape(lambda: read(jnp.array(0), state))[1]
    kept = jax.tree.map(lambda leaf: jnp.zeros((*queries.shape, *leaf.shape[1:]), leaf.dtype), like)
    return jax.lax.fori_loop(0, -(-steps // read_size), unroll, (state, kept))[1]
