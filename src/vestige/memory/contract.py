"""The contract of an external memory."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Float

State = TypeVar("State")

Info = dict[str, Array]
"""What a person wants to see of one read. Standard names: `read_weights` (heads, slots), `read_gates`
(heads, width or 1). A memory without such a quantity leaves the name out."""


class AbstractMemory(eqx.Module, Generic[State]):
    """Stores latents of one sequence and answers with a context.

    The model calls, at step t, `read(state, h_t)` and then `write(state, z_t, h_t)`: a read sees only what
    was written before, so a context is causal by construction. State is threaded, never stored: passing a
    state continues a sequence, passing `init()` starts a new one.
    """

    context_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def init(self) -> State:
        """The empty memory with which every sequence starts."""

    @abc.abstractmethod
    def write(self, state: State, z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> State:
        """Store the latent of this step, given the controller's output."""

    @abc.abstractmethod
    def read(self, state: State, h: Float[Array, " hidden"]) -> tuple[Float[Array, " context"], State, Info]:
        """The context for prior and posterior, the state afterwards, and what to look at."""
