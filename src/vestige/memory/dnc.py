"""The memory of the differentiable neural computer."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.memory.allocation import allocation, update_usage
from vestige.memory.content import BLANK, content_weights
from vestige.memory.contract import AbstractFeedbackMemory, Info
from vestige.memory.interface import bounded, emitter, oneplus, received, split, steer
from vestige.memory.links import directional_read_weights, update_links, update_precedence
from vestige.memory.recompute import rematerialised
from vestige.memory.sizes import check_sizes
from vestige.typing import Key


class DNCState(NamedTuple):
    """Words and the book-keeping about them: the table `memory`, and per slot `usage`, `precedence` and whether it was
    `written`; `links` between slots; `write_weights`, `read_weights` and vectors `reads` of the last write and read;
    `gates` are write and allocation gate of the last write.
    """

    memory: Float[Array, "slots word"]
    usage: Float[Array, " slots"]
    links: Float[Array, "slots slots"]
    precedence: Float[Array, " slots"]
    write_weights: Float[Array, " slots"]
    read_weights: Float[Array, "heads slots"]
    reads: Float[Array, "heads word"]
    gates: Float[Array, " 2"]
    written: Bool[Array, " slots"]


class DNC(AbstractFeedbackMemory[DNCState]):
    """Content lookup, allocation of free slots, and links in the order of writing (Graves et al. 2016, Methods).

    `write`, steered by one product with [h, z]:

    - usage `u <- (u + w^w - u w^w) prod_r (1 - f^r w^r)`, w^w and w^r of the last write and read; no gradient
        through w^w;
    - `w^w = g^w (g^a allocation(u) + (1 - g^a) softmax(beta cos(k, M)))`;
    - `M <- M (1 - w^w ⊗ e) + w^w ⊗ v`;
    - links and precedence ([`update_links`][vestige.memory.links.update_links]).

    `read`, steered by one product with h: `w^r = pi_1 backward + pi_2 content + pi_3 forward`, reads `w^r M`,
    context `[reads, h]` (GTMM section 3.2). The reads are fed back to the controller.

    The paper's step writes and then reads. Here `write` at t and `read` at t + 1 make that step: its write is
    steered by h_t and z_t, its read by h_{t+1}.

    Time and memory per step: `slots²` for the links, `slots x word` per head. Full back-propagation over T steps
    stores T link matrices unless the steps are rematerialised.

    **Arguments:**

    - `latent_size`, `controller_size`: widths of z and h.
    - `slots`, `word_size`: shape of the memory. Words wider than z can also hold what came before.
    - `heads`: number of reads.

    Write and allocation gates start at bias +1, memory at 1e-6.

    **Raises:** `ValueError` where `slots`, `word_size` or `heads` is below 1.
    """

    read_interface: eqx.nn.Linear
    write_interface: eqx.nn.Linear
    slots: int = eqx.field(static=True)
    word_size: int = eqx.field(static=True)
    heads: int = eqx.field(static=True)
    context_size: int = eqx.field(static=True)
    feedback_size: int = eqx.field(static=True)

    def __init__(self, latent_size: int, controller_size: int, *, slots: int, word_size: int, heads: int = 1, key: Key):
        check_sizes("DNC", slots=slots, word_size=word_size, heads=heads)
        self.slots, self.word_size, self.heads = slots, word_size, heads
        self.feedback_size = heads * word_size
        self.context_size = heads * word_size + controller_size
        key_read, key_write = jax.random.split(key)
        self.read_interface = emitter(controller_size, sum(self._read_sizes), key=key_read)
        gates = 3 * word_size  # first the two gates, then the strength and the free gates
        bias = {gates: 1.0, gates + 1: 1.0}
        self.write_interface = emitter(controller_size + latent_size, sum(self._write_sizes), key=key_write, bias=bias)

    @property
    def _read_sizes(self) -> list[int]:
        return [self.heads * self.word_size, self.heads, 3 * self.heads]

    @property
    def _write_sizes(self) -> list[int]:
        return [self.word_size, self.word_size, self.word_size, 2, 1, self.heads]

    def init(self) -> DNCState:
        none = jnp.zeros(self.slots)
        return DNCState(
            memory=jnp.full((self.slots, self.word_size), BLANK),
            usage=none,
            links=jnp.zeros((self.slots, self.slots)),
            precedence=none,
            write_weights=none,
            read_weights=jnp.zeros((self.heads, self.slots)),
            reads=jnp.zeros((self.heads, self.word_size)),
            gates=jnp.zeros(2),
            written=jnp.zeros(self.slots, bool),
        )

    @rematerialised
    def write(self, state: DNCState, z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> DNCState:
        emitted = self.write_interface(jnp.concatenate([h, z])).astype(state.memory.dtype)
        write_key, erase, vector, gates, strength, free_gates = split(emitted, self._write_sizes)
        gates = jax.nn.sigmoid(steer(gates))
        usage = update_usage(state.usage, state.write_weights, jax.nn.sigmoid(steer(free_gates)), state.read_weights)
        content = content_weights(write_key[None], oneplus(steer(strength)), state.memory)[0]
        weights = gates[0] * (gates[1] * allocation(usage) + (1.0 - gates[1]) * content)
        erased = weights[:, None] * jax.nn.sigmoid(steer(erase))[None, :]
        return DNCState(
            memory=state.memory * (1.0 - erased) + weights[:, None] * bounded(vector)[None, :],
            usage=usage,
            links=update_links(state.links, state.precedence, weights),
            precedence=update_precedence(state.precedence, weights),
            write_weights=weights,
            read_weights=state.read_weights,
            reads=state.reads,
            gates=gates,
            written=state.written | received(weights),
        )

    @rematerialised
    def read(self, state: DNCState, h: Float[Array, " hidden"]) -> tuple[Float[Array, " context"], DNCState, Info]:
        keys, strengths, modes = split(self.read_interface(h).astype(state.memory.dtype), self._read_sizes)
        modes = jax.nn.softmax(steer(modes).reshape(self.heads, 3), axis=-1)
        content = content_weights(keys.reshape(self.heads, -1), oneplus(steer(strengths)), state.memory)
        backward, forward = directional_read_weights(state.links, state.read_weights)
        weights = modes[:, :1] * backward + modes[:, 1:2] * content + modes[:, 2:] * forward
        reads = weights @ state.memory
        info = {
            "read_weights": weights,
            "write_weights": state.write_weights,
            "usage": state.usage,
            "write_gate": state.gates[0],
            "allocation_gate": state.gates[1],
            "links": state.links,
            "read_modes": modes,
        }
        context = jnp.concatenate([reads.reshape(-1), h])
        return context, state._replace(read_weights=weights, reads=reads), info

    def feedback(self, state: DNCState) -> Float[Array, " feedback"]:
        return state.reads.reshape(-1)

    def words(self, state: DNCState) -> Float[Array, "slots word"]:
        return state.memory

    def written(self, state: DNCState) -> Bool[Array, " slots"]:
        return state.written
