"""A mixture of diagonal Gaussians."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from vestige.numerics.exponential import logsumexp
from vestige.numerics.gaussian import DiagonalGaussian


class GaussianMixture(NamedTuple):
    """Σ_j π_j N(mean_j, scale_j²): log-weights that sum to one in probability, and the components."""

    log_weights: Float[Array, "*batch components"]
    components: DiagonalGaussian
    """With an axis of components before the last."""

    def draw(self, *, key: PRNGKeyArray) -> Float[Array, " latent"]:
        """A draw from one mixture: the component is chosen first, so no gradient reaches the weights."""
        key_choice, key_noise = jax.random.split(key)
        chosen = jax.random.categorical(key_choice, self.log_weights)
        component = jax.tree.map(lambda leaf: leaf[chosen], self.components)
        return component.draw(key=key_noise)

    def log_prob(self, value: Float[Array, "*batch latent"]) -> Float[Array, "*batch"]:
        """Log-density in nats, exact. O(components x latent)."""
        each = jnp.broadcast_to(value[..., None, :], self.components.mean.shape)
        return logsumexp(self.log_weights + self.components.log_prob(each), -1)

    def surprise(self, posterior: DiagonalGaussian, value: Float[Array, "*batch latent"]) -> Float[Array, "*batch"]:
        """KL(posterior ‖ self) estimated from one draw of the posterior: log q(z) - log p(z). Unbiased, and may be
        negative.

        Its gradient reaches the posterior through the draw alone: what is left out has mean zero, and without it the
        gradient vanishes where the two agree (Roeder et al. 2017, arXiv:1703.09194).
        """
        return jax.lax.stop_gradient(posterior).log_prob(value) - self.log_prob(value)
