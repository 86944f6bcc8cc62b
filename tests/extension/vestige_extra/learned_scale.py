"""A prior: a Gaussian whose mean follows the memory and whose scale is learned, the same at every step."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

import vestige
from vestige.models.temporal import AbstractPrior, ResidualPosterior
from vestige.models.temporal.specs import PriorSpec
from vestige.numerics import DiagonalGaussian, soft_clamp


class LearnedScale(AbstractPrior):
    """N(f(Psi), s²), with one hidden layer in f and one s for each dimension."""

    mean: eqx.nn.MLP
    log_scale: Float[Array, " latent"]

    def __init__(self, context_size, latent_size, width, *, log_scale=0.0, key):
        self.mean = eqx.nn.MLP(context_size, latent_size, width, 1, key=key)
        self.log_scale = jnp.full(latent_size, log_scale)

    def __call__(self, context, recollection):
        return DiagonalGaussian(self.mean(context), soft_clamp(self.log_scale, -7.0, 3.0))


@dataclasses.dataclass(frozen=True)
class LearnedScaleSpec(PriorSpec):
    """A Gaussian whose scale does not depend on the context."""

    log_scale: float = 0.0
    """The logarithm of its first scale."""

    def parts(self):
        def prior(memory, latent_size, width, *, key):
            return LearnedScale(memory.context_size, latent_size, width, log_scale=self.log_scale, key=key)

        return prior, ResidualPosterior


vestige.register("prior", "learned-scale", LearnedScaleSpec)
