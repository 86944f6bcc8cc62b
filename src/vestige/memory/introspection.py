"""The Introspection memory: a first-in-first-out buffer of latents, read by position."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.memory.contract import AbstractSlotMemory, Info
from vestige.memory.sizes import check_sizes
from vestige.memory.weighting import AbstractWeighting, Softmax
from vestige.typing import Key


class IntrospectionState(NamedTuple):
    """`buffer[i]` is the latent of i + 1 steps ago (slot 0 = newest); `written` counts the filled slots."""

    buffer: Float[Array, "slots latent"]
    written: Int[Array, ""]


class Introspection(AbstractSlotMemory[IntrospectionState]):
    """Positional read of the last `slots` latents through `heads` gated heads (GTMM eq. 9-12, section 3.1).

    At each step, from the controller's output h alone:

    - attention `w^r = weighting(A^r h)` over relative positions, unwritten slots excluded (eq. 10),
    - retrieved latents `phi^r = w^r M` (eq. 11),
    - context `Psi = [phi^r * sigmoid(G^r h)]_r` (eq. 12); with `include_controller_state` also h.

    Relative order makes "what came l steps ago" a constant position. The latent carries its gradient: from
    the frame that recalls, one hop back to the frame that stored.

    Time and memory per step: `slots x latent` for the shift of the buffer and as much per head for the read;
    full back-propagation over T steps stores T buffers unless the steps are rematerialised.

    **Arguments:**

    - `latent_size`, `controller_size`: widths of z and h.
    - `slots`: how far back a read can reach; older latents are forgotten.
    - `heads`: number of independent reads.
    - `weighting`: how logits become weights.
    - `scalar_gate`: one gate per head instead of one per head and latent dimension (our option).
    - `include_controller_state`: append h to the context. False is the paper's figure 2; use True where
        the predictable part of a frame does not lie in memory.
    - `detach`: no gradient through stored latents (for ablation only).

    **Raises:** `ValueError` where `slots` or `heads` is below 1.
    """

    interface: eqx.nn.Linear
    weighting: AbstractWeighting
    slots: int = eqx.field(static=True)
    heads: int = eqx.field(static=True)
    word_size: int = eqx.field(static=True)
    gate_size: int = eqx.field(static=True)
    include_controller_state: bool = eqx.field(static=True)
    detach: bool = eqx.field(static=True)
    context_size: int = eqx.field(static=True)

    def __init__(
        self,
        latent_size: int,
        controller_size: int,
        *,
        slots: int,
        heads: int = 1,
        weighting: AbstractWeighting | None = None,
        scalar_gate: bool = False,
        include_controller_state: bool = False,
        detach: bool = False,
        key: Key,
    ):
        check_sizes("Introspection", slots=slots, heads=heads)
        self.slots, self.heads, self.word_size = slots, heads, latent_size
        self.gate_size = 1 if scalar_gate else latent_size
        self.interface = eqx.nn.Linear(controller_size, heads * (slots + self.gate_size), key=key)
        self.weighting = Softmax() if weighting is None else weighting
        self.include_controller_state = include_controller_state
        self.detach = detach
        self.context_size = heads * latent_size + controller_size * include_controller_state

    def init(self) -> IntrospectionState:
        return IntrospectionState(jnp.zeros((self.slots, self.word_size)), jnp.zeros((), jnp.int32))

    def write(
        self, state: IntrospectionState, z: Float[Array, " latent"], h: Float[Array, " hidden"]
    ) -> IntrospectionState:
        stored = jax.lax.stop_gradient(z) if self.detach else z
        buffer = jnp.concatenate([stored[None], state.buffer[:-1]])
        return IntrospectionState(buffer, jnp.minimum(state.written + 1, self.slots))

    def read(
        self, state: IntrospectionState, h: Float[Array, " hidden"]
    ) -> tuple[Float[Array, " context"], IntrospectionState, Info]:
        emitted = self.interface(h).reshape(self.heads, self.slots + self.gate_size)
        logits, gate_logits = emitted[:, : self.slots], emitted[:, self.slots :]
        weights = self.weighting(logits, self.written(state))  # (10)
        retrieved = weights @ state.buffer  # (11)
        gates = jax.nn.sigmoid(gate_logits)
        context = (retrieved * gates).reshape(-1)  # (12)
        if self.include_controller_state:
            context = jnp.concatenate([context, h])
        return context, state, {"read_weights": weights, "read_gates": gates}

    def words(self, state: IntrospectionState) -> Float[Array, "slots word"]:
        return state.buffer

    def written(self, state: IntrospectionState) -> Bool[Array, " slots"]:
        return jnp.arange(self.slots, dtype=jnp.int32) < state.written
