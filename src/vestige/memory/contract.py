"""The contracts of an external memory."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Bool, Float

State = TypeVar("State")

Info = dict[str, Array]
"""What a person wants to see of one read, by standard names:

- `read_weights` (heads, slots): where each head looked; every memory with slots reports it.
- `write_weights` (slots) or (heads, slots): where the last write went, all 0 before the first.
- `usage` (slots): how much each slot is in use, as the memory itself counts it.
- `read_gates` (heads, width or 1): how far each head was open.
- `write_gate`, `allocation_gate` (): how much of the last write happened, and how much of it went to free slots.
- `links` (slots, slots): `links[i, j]` near 1 says that i was written right after j.
- `read_modes` (heads, 3): shares of reading backward along the links, by content, and forward.

A memory without such a quantity leaves the name out."""


class AbstractMemory(eqx.Module, Generic[State]):
    """Stores latents of one sequence and answers with a context.

    The model calls, at step t, `read(state, h_t)` and then `write(state, z_t, h_t)`: a read sees only what
    was written before, so a context is causal by construction. State is threaded, never stored: passing a
    state continues a sequence, passing `init()` starts a new one. `context_size` is the width of a context.

    Memories that the literature steps as "write z_{t-1}, then read" are the same thing seen half a step later:
    the write at t and the read at t + 1 together are their one step.
    """

    context_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def init(self) -> State:
        """The empty memory with which every sequence starts.

        **Returns:** a pytree of arrays, whose shapes and dtypes neither `write` nor `read` changes.
        """

    @abc.abstractmethod
    def write(self, state: State, z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> State:
        """Store the latent of this step.

        **Arguments:**

        - `state`: that after the read of this step.
        - `z`: (latent,), what is stored, of the width for which the memory was built.
        - `h`: (hidden,), the controller's output of this step, which steers the write.

        **Returns:** the state afterwards.
        """

    @abc.abstractmethod
    def read(self, state: State, h: Float[Array, " hidden"]) -> tuple[Float[Array, " context"], State, Info]:
        """Read the context for the prior and the posterior of this step.

        **Arguments:**

        - `state`: that after the write of the step before, or `init()`.
        - `h`: (hidden,), the controller's output of this step, which steers the read.

        **Returns:** the context, (context_size,); the state afterwards; and what a person wants to see of the read, see
        `Info`.
        """


class AbstractSlotMemory(AbstractMemory[State]):
    """A memory whose content is a table: `slots` words of `word_size` numbers each, read by `heads`."""

    heads: eqx.AbstractVar[int]
    slots: eqx.AbstractVar[int]
    word_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def words(self, state: State) -> Float[Array, "slots word"]:
        """The content of every slot.

        **Arguments:**

        - `state`: of this memory.

        **Returns:** (slots, word_size). The row of a slot that holds nothing means nothing.
        """

    @abc.abstractmethod
    def written(self, state: State) -> Bool[Array, " slots"]:
        """Which slots hold something.

        **Arguments:**

        - `state`: of this memory.

        **Returns:** (slots,), bool, in the order of `words`.
        """


class AbstractFeedbackMemory(AbstractSlotMemory[State]):
    """A table whose last reads the controller sees at the next step, beside the latent."""

    feedback_size: eqx.AbstractVar[int]
    """Width of what the controller sees."""

    @abc.abstractmethod
    def feedback(self, state: State) -> Float[Array, " feedback"]:
        """The vectors of the last read.

        **Arguments:**

        - `state`: that after the write of the step before, or `init()`.

        **Returns:** (feedback_size,); zeros before the first read.
        """
