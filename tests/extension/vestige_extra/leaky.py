"""A memory: several running averages of the latents, each with a pace of its own."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

import vestige
from vestige.memory import AbstractMemory, MemorySpec


class Leaky(AbstractMemory):
    """m_i <- d_i m_i + (1 - d_i) z with d_i = 1 - 2^-i; a read gives all averages and the controller's output."""

    paces: int = eqx.field(static=True)
    latent_size: int = eqx.field(static=True)
    context_size: int = eqx.field(static=True)

    def __init__(self, latent_size, controller_size, *, paces=3):
        self.paces, self.latent_size = paces, latent_size
        self.context_size = paces * latent_size + controller_size

    def init(self):
        return jnp.zeros((self.paces, self.latent_size))

    def write(self, state, z, h):
        decay = 1 - 0.5 ** jnp.arange(1, self.paces + 1, dtype=z.dtype)[:, None]
        return decay * state + (1 - decay) * z[None]

    def read(self, state, h):
        return jnp.concatenate([state.reshape(-1), h]), state, {}


@dataclasses.dataclass(frozen=True)
class LeakySpec(MemorySpec):
    """Running averages of the latents."""

    paces: int = 3
    """How many averages, each twice as slow as the one before."""

    part: ClassVar[str] = "vestige_extra.leaky:Leaky"

    def build(self, latent_size, controller_size, *, frames, key):
        return self.make(latent_size, controller_size)


vestige.register("memory", "leaky", LeakySpec)
