"""A tie: two kernels with the same signs, and sizes of their own (Liao, Leibo & Poggio 2016)."""

import dataclasses
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

import vestige
from vestige.models.tied import AbstractTie
from vestige.models.tied.specs import TieSpec
from vestige.spec import load


class SignSymmetric(AbstractTie):
    """Recognition is sign(W) exp(s), where W is the kernel of generation."""

    kernel: Float[Array, "..."]
    log_size: Float[Array, "..."]

    @property
    def shared(self):
        return True

    def generation(self):
        return self.kernel

    def recognition(self):
        return jnp.sign(self.kernel) * jnp.exp(self.log_size)

    def pull(self, generation, recognition):
        return SignSymmetric(generation, recognition * self.recognition())


def sign_symmetric(down, up, axis):
    """Generation starts as `down`; recognition has its signs and the sizes of `up`."""
    return SignSymmetric(down, jnp.log(jnp.maximum(jnp.abs(up), jnp.finfo(up.dtype).tiny)))


@dataclasses.dataclass(frozen=True)
class SignSymmetricSpec(TieSpec):
    """The same signs, and sizes of their own."""

    part: ClassVar[str] = "vestige_extra.sign_symmetric:sign_symmetric"

    def build(self):
        return load(self.part)


vestige.register("tie", "sign-symmetric", SignSymmetricSpec)
