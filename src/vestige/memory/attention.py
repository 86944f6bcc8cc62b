"""Attention over what was stored: positions and content in one read."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.memory.contract import AbstractSlotMemory, Info
from vestige.memory.interface import bounded
from vestige.memory.sizes import check_sizes
from vestige.memory.weighting import Softmax
from vestige.typing import Key

POSITION_SIZE = 16
PLACES = 8  # angles that the controller turns


def position(step: Int[Array, ""], slots: int) -> Float[Array, " position"]:
    """The number of a `step` as sines and cosines, of wavelengths from 3 steps to four times the `slots`."""
    waves = POSITION_SIZE // 2
    wavelengths = 3.0 * (max(4.0 * slots, 6.0) / 3.0) ** jnp.linspace(0.0, 1.0, waves)
    angle = 2 * jnp.pi * step.astype(wavelengths.dtype) / wavelengths
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)])


def _projection(sources: dict[str, int], outputs: int, *, key: Key) -> eqx.nn.Linear:
    """A linear map of several concatenated vectors, in which each counts as much, whatever its width."""
    keys = jax.random.split(key, len(sources) + 1)
    blocks = [
        jax.random.uniform(k, (outputs, size), minval=-1.0, maxval=1.0) / jnp.sqrt(size)
        for k, size in zip(keys[1:], sources.values(), strict=True)
    ]
    linear = eqx.nn.Linear(sum(sources.values()), outputs, key=keys[0])
    return eqx.tree_at(lambda l: l.weight, linear, jnp.concatenate(blocks, axis=1))


class AttentionState(NamedTuple):
    """Entries, newest first: `keys[i]` and `latents[i]` are those of i + 1 steps ago. `stored` counts all writes."""

    keys: Float[Array, "slots heads key"]
    latents: Float[Array, "slots latent"]
    place: Float[Array, " places"]
    """Angles: the sum of all turns so far."""
    stored: Int[Array, ""]


class Attention(AbstractSlotMemory[AttentionState]):
    """Causal attention over the last `slots` latents, by position, by content and by what came before (ours).

    The entry of z_j is keyed by more than its content, so that a head can learn any of these rules:

        a_t = a_{t-1} + V h_t                                   angles, which tell where one is
        k_j = K [z_{j-1}, z_j, h_j, position(j), cos a_j, sin a_j]     made once, when z_j is stored
        q_t = Q [z_{t-1}, h_t, position(t), cos a_t, sin a_t]
        l_i = q_t . (k_j + E_i) / sqrt(key size) + b_i          i = t - 1 - j, the distance
        w   = softmax of l over the stored entries and "nothing", whose value is 0

    - "what came l steps ago": E and b;
    - "the entry at step n": position(j);
    - "what followed the last time I saw this": z_{j-1} against z_{t-1}. Q starts with the same matrix for z_{t-1}
        as K has for z_{j-1}, so a fresh head already leans towards the entries whose predecessor was like the
        latest latent;
    - "what I saw at this place": a_j against a_t. A controller that lets its moves through to h has their sum kept
        for it, so that a way back leads to the old angles; fresh queries lean towards the same place.

    Weight on "nothing" shuts a head off; `read_gates` is the weight that remains. Context `[w^r Z]_r`, with
    `include_controller_state` also h. There is no feedback: h comes before the read.

    Time and memory per step: `slots x heads x key_size`; full back-propagation over T steps stores T sets of keys
    unless the steps are rematerialised.

    **Arguments:**

    - `latent_size`, `controller_size`: widths of z and h.
    - `slots`: how many latents are kept; older ones are forgotten.
    - `heads`: number of reads.
    - `key_size`: width of a head's keys.
    - `include_controller_state`: append h to the context.

    **Raises:** `ValueError` where `slots`, `heads` or `key_size` is below 1.
    """

    keyed: eqx.nn.Linear
    query: eqx.nn.Linear
    turn: eqx.nn.Linear
    distance_keys: Float[Array, "slots_and_nothing heads key"]
    distance_bias: Float[Array, "heads slots_and_nothing"]
    slots: int = eqx.field(static=True)
    word_size: int = eqx.field(static=True)
    heads: int = eqx.field(static=True)
    key_size: int = eqx.field(static=True)
    include_controller_state: bool = eqx.field(static=True)
    context_size: int = eqx.field(static=True)

    def __init__(
        self,
        latent_size: int,
        controller_size: int,
        *,
        slots: int,
        heads: int = 2,
        key_size: int = 32,
        include_controller_state: bool = True,
        key: Key,
    ):
        check_sizes("Attention", slots=slots, heads=heads, key_size=key_size)
        self.slots, self.word_size, self.heads, self.key_size = slots, latent_size, heads, key_size
        self.include_controller_state = include_controller_state
        self.context_size = heads * latent_size + controller_size * include_controller_state
        key_keys, key_query, key_distance, key_turn = jax.random.split(key, 4)
        common = {"hidden": controller_size, "position": POSITION_SIZE, "place": 2 * PLACES}
        before = {"before": latent_size}
        self.keyed = _projection(before | {"latent": latent_size} | common, heads * key_size, key=key_keys)
        query = _projection(before | common, heads * key_size, key=key_query)
        alike = query.weight.at[:, :latent_size].set(self.keyed.weight[:, :latent_size])
        alike = alike.at[:, -2 * PLACES :].set(self.keyed.weight[:, -2 * PLACES :])
        self.query = eqx.tree_at(lambda l: l.weight, query, alike)
        self.distance_keys = 0.1 * jax.random.normal(key_distance, (slots + 1, heads, key_size))
        self.turn = eqx.nn.Linear(controller_size, PLACES, use_bias=False, key=key_turn)
        self.distance_bias = jnp.zeros((heads, slots + 1))

    def init(self) -> AttentionState:
        return AttentionState(
            jnp.zeros((self.slots, self.heads, self.key_size)),
            jnp.zeros((self.slots, self.word_size)),
            jnp.zeros(PLACES),
            jnp.zeros((), jnp.int32),
        )

    def write(self, state: AttentionState, z: Float[Array, " latent"], h: Float[Array, " hidden"]) -> AttentionState:
        described = jnp.concatenate([state.latents[0], z, *self._whereabouts(state, h)])
        entry = bounded(self.keyed(described)).reshape(1, self.heads, self.key_size)
        return AttentionState(
            jnp.concatenate([entry, state.keys[:-1]]),
            jnp.concatenate([z[None], state.latents[:-1]]),
            state.place,
            state.stored + 1,
        )

    def read(
        self, state: AttentionState, h: Float[Array, " hidden"]
    ) -> tuple[Float[Array, " context"], AttentionState, Info]:
        state = state._replace(place=state.place + self.turn(h))
        asked = jnp.concatenate([state.latents[0], *self._whereabouts(state, h)])
        query = bounded(self.query(asked)).reshape(self.heads, self.key_size) / self.key_size**0.5
        by_distance = jnp.einsum("rk,irk->ri", query, self.distance_keys) + self.distance_bias
        by_entry = jnp.einsum("rk,irk->ri", query, state.keys)
        logits = by_distance + jnp.pad(by_entry, ((0, 0), (0, 1)))  # the last column is "nothing"
        present = jnp.append(self.written(state), True)
        weights = Softmax()(logits, present)[:, :-1]
        context = (weights @ state.latents).reshape(-1)
        if self.include_controller_state:
            context = jnp.concatenate([context, h])
        opening = jnp.sum(weights, axis=-1, keepdims=True)
        return context, state, {"read_weights": weights, "read_gates": opening}

    def _whereabouts(self, state: AttentionState, h: Float[Array, " hidden"]) -> list[Array]:
        return [h, position(state.stored, self.slots), jnp.cos(state.place), jnp.sin(state.place)]

    def words(self, state: AttentionState) -> Float[Array, "slots word"]:
        return state.latents

    def written(self, state: AttentionState) -> Bool[Array, " slots"]:
        return jnp.arange(self.slots, dtype=jnp.int32) < state.stored
