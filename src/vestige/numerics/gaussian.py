"""The diagonal Gaussian, parametrised by mean and logarithm of the scale."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

HALF_LOG_TWO_PI = 0.9189385332046727


class DiagonalGaussian(NamedTuple):
    """N(mean, exp(log_scale)²), independent over the last axis.

    Everything is written with `log_scale`, and differences of log-scales are formed before the
    exponential, so that no ratio of variances and no added epsilon appears: either would make the
    divergence biased, and possibly negative.
    """

    mean: Float[Array, "*batch latent"]
    log_scale: Float[Array, "*batch latent"]

    def sample(self, noise: Float[Array, "*batch latent"]) -> Float[Array, "*batch latent"]:
        """The reparameterised draw that belongs to standard normal `noise`."""
        return self.mean + jnp.exp(self.log_scale) * noise

    def draw(self, *, key: PRNGKeyArray) -> Float[Array, "*batch latent"]:
        """A draw."""
        return self.sample(jax.random.normal(key, self.mean.shape, self.mean.dtype))

    def log_prob(self, value: Float[Array, "*batch latent"]) -> Float[Array, "*batch"]:
        """Log-density in nats, summed over the last axis."""
        standard = (value - self.mean) * jnp.exp(-self.log_scale)
        return -jnp.sum(0.5 * standard**2 + self.log_scale + HALF_LOG_TWO_PI, axis=-1)

    def kl(self, other: "DiagonalGaussian") -> Float[Array, "*batch"]:
        """KL(self ‖ other) in nats, summed over the last axis; never negative beyond rounding."""
        log_ratio = self.log_scale - other.log_scale
        shift = (self.mean - other.mean) * jnp.exp(-other.log_scale)
        # expm1(2r) - 2r >= 0 is exact where the scales nearly agree; exp(2r) - 1 would cancel.
        return 0.5 * jnp.sum(jnp.expm1(2.0 * log_ratio) - 2.0 * log_ratio + shift**2, axis=-1)

    def surprise(self, posterior: "DiagonalGaussian", value: Float[Array, "*batch latent"]) -> Float[Array, "*batch"]:
        """KL(posterior ‖ self), in closed form, whatever was drawn."""
        return posterior.kl(self)
