"""The memory of the neural Turing machine."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.memory.content import BLANK, content_weights
from vestige.memory.contract import AbstractFeedbackMemory, Info
from vestige.memory.interface import bounded, emitter, oneplus, received, split, steer
from vestige.memory.shift import sharpen, shift
from vestige.memory.sizes import check_sizes
from vestige.typing import Key


class NTMState(NamedTuple):
    """Words (`memory`), where each head stands (`read_weights`, `write_weights`), what was last read (`reads`), and
    which slots were `written`.
    """

    memory: Float[Array, "slots word"]
    read_weights: Float[Array, "heads slots"]
    write_weights: Float[Array, " slots"]
    reads: Float[Array, "heads word"]
    written: Bool[Array, " slots"]


def address(
    memory: Float[Array, "slots word"],
    previous: Float[Array, "heads slots"],
    keys: Float[Array, "heads word"],
    strengths: Float[Array, " heads"],
    gates: Float[Array, " heads"],
    shifts: Float[Array, "heads shifts"],
    exponents: Float[Array, " heads"],
) -> Float[Array, "heads slots"]:
    """Where each head looks: by content, or on from where it stood; then moved, then sharpened.

    `w_c = softmax(beta cos(k, M))`, `w_g = g w_c + (1 - g) w_previous`, `w = sharpen(shift(w_g, s), gamma)`
    (Graves et al. 2014, eq. 5-9).

    **Arguments:**

    - `memory`: M, (slots, word).
    - `previous`: the weights of the step before, (heads, slots).
    - `keys`, `strengths`: k, (heads, word), and beta, (heads,).
    - `gates`: g in [0, 1], (heads,).
    - `shifts`: s, distributions over the moves, (heads, 2 max_shift + 1).
    - `exponents`: gamma, at least 1, (heads,).

    **Returns:** (heads, slots); each row sums to 1.
    """
    by_content = content_weights(keys, strengths, memory)
    blended = gates[:, None] * by_content + (1.0 - gates[:, None]) * previous
    return sharpen(shift(blended, shifts), exponents)


class NTM(AbstractFeedbackMemory[NTMState]):
    """Heads that look up by content or walk along the slots (Graves et al. 2014, section 3).

    One write head and `heads` read heads, each addressed by [`address`][vestige.memory.ntm.address].
    `write`, steered by one product with [h, z]: `M <- M (1 - w ⊗ e) + w ⊗ a`. `read`, steered by one product with
    h: reads `w M`, context `[reads, h]` (GTMM section 3.2). The reads are fed back to the controller.

    In the order "write, then read" of the original, `write` at t and `read` at t + 1 are one step. All heads
    start on slot 0, so that walking has an origin; memory starts at 1e-6.

    Time and memory per step: `slots x word` per head and for the memory.

    **Arguments:**

    - `latent_size`, `controller_size`: widths of z and h.
    - `slots`, `word_size`: shape of the memory. Words wider than z can also hold what came before.
    - `heads`: number of read heads.
    - `max_shift`: how many slots a head can move in one step, to either side.

    **Raises:** `ValueError` where `slots`, `word_size`, `heads` or `max_shift` is below 1.
    """

    read_interface: eqx.nn.Linear
    write_interface: eqx.nn.Linear
    slots: int = eqx.field(static=True)
    word_size: int = eqx.field(static=True)
    heads: int = eqx.field(static=True)
    max_shift: int = eqx.field(static=True)
    context_size: int = eqx.field(static=True)
    feedback_size: int = eqx.field(static=True)

    def __init__(
        self,
        latent_size: int,
        controller_size: int,
        *,
        slots: int,
        word_size: int,
        heads: int = 1,
        max_shift: int = 1,
        key: Key,
    ):
        check_sizes("NTM", slots=slots, word_size=word_size, heads=heads, max_shift=max_shift)
        self.slots, self.word_size, self.heads, self.max_shift = slots, word_size, heads, max_shift
        self.feedback_size = heads * word_size
        self.context_size = heads * word_size + controller_size
        key_read, key_write = jax.random.split(key)
        self.read_interface = emitter(controller_size, sum(self._head_sizes(heads)), key=key_read)
        written = sum(self._head_sizes(1)) + 2 * word_size
        self.write_interface = emitter(controller_size + latent_size, written, key=key_write)

    def _head_sizes(self, heads: int) -> list[int]:
        return [heads * self.word_size, heads, heads, heads, heads * (2 * self.max_shift + 1)]

    def init(self) -> NTMState:
        origin = jnp.zeros(self.slots).at[0].set(1.0)
        return NTMState(
            memory=jnp.full((self.slots, self.word_size), BLANK),
            read_weights=jnp.tile(origin, (self.heads, 1)),
            write_weights=origin,
            reads=jnp.zeros((self.heads, self.word_size)),
            written=jnp.zeros(self.slots, bool),
        )

    def write(self, state: NTMState, z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> NTMState:
        emitted = self.write_interface(jnp.concatenate([h, z]))
        erase, add, rest = split(emitted, [self.word_size, self.word_size, sum(self._head_sizes(1))])
        weights = self._address(state.memory, state.write_weights[None], rest)[0]
        erased = weights[:, None] * jax.nn.sigmoid(steer(erase))[None, :]
        memory = state.memory * (1.0 - erased) + weights[:, None] * bounded(add)[None, :]
        return state._replace(memory=memory, write_weights=weights, written=state.written | received(weights))

    def read(self, state: NTMState, h: Float[Array, " hidden"]) -> tuple[Float[Array, " context"], NTMState, Info]:
        weights = self._address(state.memory, state.read_weights, self.read_interface(h))
        reads = weights @ state.memory
        last = jnp.where(jnp.any(state.written), state.write_weights, 0.0)
        context = jnp.concatenate([reads.reshape(-1), h])
        state = state._replace(read_weights=weights, reads=reads)
        return context, state, {"read_weights": weights, "write_weights": last}

    def _address(self, memory: Array, previous: Array, emitted: Float[Array, " emitted"]) -> Array:
        heads = len(previous)
        keys, strengths, gates, exponents, shifts = split(emitted, self._head_sizes(heads))
        return address(
            memory,
            previous,
            keys.reshape(heads, -1),
            jax.nn.softplus(steer(strengths)),
            jax.nn.sigmoid(steer(gates)),
            jax.nn.softmax(steer(shifts).reshape(heads, -1), axis=-1),
            oneplus(steer(exponents)),
        )

    def feedback(self, state: NTMState) -> Float[Array, " feedback"]:
        return state.reads.reshape(-1)

    def words(self, state: NTMState) -> Float[Array, "slots word"]:
        return state.memory

    def written(self, state: NTMState) -> Bool[Array, " slots"]:
        return state.written
