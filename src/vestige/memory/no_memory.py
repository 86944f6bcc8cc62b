"""The absence of a memory: the context is the controller's own output."""

import equinox as eqx
from jaxtyping import Array, Float

from vestige.memory.contract import AbstractMemory, Info


class NoMemory(AbstractMemory[tuple[()]]):
    """Psi := h. With it a generative temporal model is a VRNN, and the comparison is fair.

    Everything remembered must fit into the controller's state. No parameters, no state.

    **Arguments:**

    - `controller_size`: width of h.
    """

    context_size: int = eqx.field(static=True)

    def __init__(self, controller_size: int):
        self.context_size = controller_size

    def init(self) -> tuple[()]:
        return ()

    def write(self, state: tuple[()], z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> tuple[()]:
        return state

    def read(self, state: tuple[()], h: Float[Array, " hidden"]) -> tuple[Float[Array, " context"], tuple[()], Info]:
        return h, state, {}
