"""The least-recently-used access of memory-augmented neural networks."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.memory.allocation import least_used
from vestige.memory.content import BLANK, content_weights
from vestige.memory.contract import AbstractFeedbackMemory, Info
from vestige.memory.interface import bounded, emitter, oneplus, received, split, steer
from vestige.memory.sizes import check_sizes
from vestige.typing import Key


class LRUState(NamedTuple):
    """Words (`memory`), how much each slot was used of late (`usage`), whether it was `written`, the last
    `read_weights` and `write_weights`, and what was last read (`reads`).
    """

    memory: Float[Array, "slots word"]
    usage: Float[Array, " slots"]
    read_weights: Float[Array, "heads slots"]
    write_weights: Float[Array, "heads slots"]
    reads: Float[Array, "heads word"]
    written: Bool[Array, " slots"]


def blend(
    read_weights: Float[Array, "heads slots"], free: Float[Array, "heads slots"], alpha: Float[Array, " heads"]
) -> Float[Array, "heads slots"]:
    """Write weights `sigmoid(alpha) w^r + (1 - sigmoid(alpha)) w^lu`: over what was read, or into the least used.

    **Arguments:**

    - `read_weights`: w^r of the last read, (heads, slots).
    - `free`: w^lu, one-hot rows of the least used slots, (heads, slots).
    - `alpha`: logits, (heads,).

    **Returns:** (heads, slots).
    """
    share = jax.nn.sigmoid(alpha)[:, None]
    return share * read_weights + (1.0 - share) * free


def decay_usage(
    usage: Float[Array, " slots"],
    read_weights: Float[Array, "heads slots"],
    write_weights: Float[Array, "heads slots"],
    decay: float,
) -> Float[Array, " slots"]:
    """`decay w^u + sum over heads of w^r + w^w`, with `usage` w^u, `read_weights` w^r and `write_weights` w^w. It only
    ranks slots, so no gradient passes.
    """
    return jax.lax.stop_gradient(decay * usage + jnp.sum(read_weights + write_weights, axis=0))


class LRU(AbstractFeedbackMemory[LRUState]):
    """Content lookup; writes go to what was just read or to the least used slots (Santoro et al. 2016, eq. 5-8).

    `write`, steered by one product with [h, z]: the `heads` least used slots, one for each head, are wiped; then
    `M <- M + sum_r w^w_r ⊗ v_r` with w^w from [`blend`][vestige.memory.lru.blend]. `read`, steered by one product
    with h: `w^r = softmax(beta cos(k, M))`, reads `w^r M`, context `[reads, h]` (GTMM section 3.2). The reads are
    fed back to the controller.

    The original writes and then reads. Here `write` at t and `read` at t + 1 make that step, and usage is
    brought up to date at its end, in `read`. The original writes its read key; here each head has a vector of
    its own, made from h and z. Equal usages fill in order of the slots.

    Each step spends `heads` slots: a sequence of T steps is kept in full by `heads x T` slots.

    Time and memory per step: `slots x word` per head and for the memory.

    **Arguments:**

    - `latent_size`, `controller_size`: widths of z and h.
    - `slots`, `word_size`: shape of the memory. Words wider than z can also hold what came before.
    - `heads`: number of reads, and of slots written per step.
    - `strength`: read with `beta = 1 + softplus`; without it, as in the original, beta is 1, which leaves weights
        nearly flat: no slot gets more than e² times another's.
    - `decay`: how slowly usage is forgotten.

    The gate alpha starts at bias -1, towards the least used slot; memory starts at 1e-6.

    **Raises:** `ValueError` where `slots`, `word_size` or `heads` is below 1, or `slots` below `heads`.
    """

    read_interface: eqx.nn.Linear
    write_interface: eqx.nn.Linear
    slots: int = eqx.field(static=True)
    word_size: int = eqx.field(static=True)
    heads: int = eqx.field(static=True)
    strength: bool = eqx.field(static=True)
    decay: float = eqx.field(static=True)
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
        strength: bool = True,
        decay: float = 0.95,
        key: Key,
    ):
        check_sizes("LRU", slots=slots, word_size=word_size, heads=heads)
        if slots < heads:
            raise ValueError(f"LRU: every head needs a slot of its own, got {heads} heads and {slots} slots")
        self.slots, self.word_size, self.heads = slots, word_size, heads
        self.strength, self.decay = strength, decay
        self.feedback_size = heads * word_size
        self.context_size = heads * word_size + controller_size
        key_read, key_write = jax.random.split(key)
        self.read_interface = emitter(controller_size, heads * (word_size + strength), key=key_read)
        bias = {heads * word_size + head: -1.0 for head in range(heads)}
        self.write_interface = emitter(controller_size + latent_size, heads * (word_size + 1), key=key_write, bias=bias)

    def init(self) -> LRUState:
        none = jnp.zeros((self.heads, self.slots))
        return LRUState(
            memory=jnp.full((self.slots, self.word_size), BLANK),
            usage=jnp.zeros(self.slots),
            read_weights=none,
            write_weights=none,
            reads=jnp.zeros((self.heads, self.word_size)),
            written=jnp.zeros(self.slots, bool),
        )

    def write(self, state: LRUState, z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> LRUState:
        emitted = self.write_interface(jnp.concatenate([h, z]))
        vectors, alpha = split(emitted, [self.heads * self.word_size, self.heads])
        free = least_used(state.usage, self.heads)
        weights = blend(state.read_weights, free, steer(alpha))
        wiped = jnp.sum(free, axis=0)
        memory = state.memory * (1.0 - wiped[:, None]) + weights.T @ bounded(vectors).reshape(self.heads, -1)
        written = (state.written & (wiped == 0)) | jnp.any(received(weights), axis=0)
        return state._replace(memory=memory, write_weights=weights, written=written)

    def read(self, state: LRUState, h: Float[Array, " hidden"]) -> tuple[Float[Array, " context"], LRUState, Info]:
        emitted = self.read_interface(h)
        keys, strengths = split(emitted, [self.heads * self.word_size, self.heads * self.strength])
        strengths = oneplus(steer(strengths)) if self.strength else jnp.ones(self.heads, h.dtype)
        weights = content_weights(keys.reshape(self.heads, -1), strengths, state.memory)
        reads = weights @ state.memory
        usage = decay_usage(state.usage, weights, state.write_weights, self.decay)
        context = jnp.concatenate([reads.reshape(-1), h])
        info = {"read_weights": weights, "write_weights": state.write_weights, "usage": usage}
        return context, state._replace(usage=usage, read_weights=weights, reads=reads), info

    def feedback(self, state: LRUState) -> Float[Array, " feedback"]:
        return state.reads.reshape(-1)

    def words(self, state: LRUState) -> Float[Array, "slots word"]:
        return state.memory

    def written(self, state: LRUState) -> Bool[Array, " slots"]:
        return state.written
