"""Linear Gaussian densities of a few numbers and one vector of factors."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve, solve_triangular
from jaxtyping import Array, Float

from vestige.numerics import full_precision
from vestige.typing import Key


class FactorAnalysis(eqx.Module):
    """q(v) = N(loadings mean, loadings covariance loadingsᵀ + diag(uniqueness)) of factors h ~ N(mean, covariance).

    Entries of v that are NaN are missing: they are integrated out.

    Unbatched, in at least 32 bits; O(factors² size) by the matrix inversion lemma, nothing of size x size is formed.
    """

    loadings: Float[Array, "size factors"] = eqx.field(converter=full_precision)
    uniqueness: Float[Array, " size"] = eqx.field(converter=full_precision)
    """Variances."""
    mean: Float[Array, " factors"] = eqx.field(converter=full_precision)
    precision: Float[Array, "factors factors"] = eqx.field(converter=full_precision)
    """The inverse covariance of the factors."""

    def posterior(
        self, value: Float[Array, " size"]
    ) -> tuple[Float[Array, " factors"], Float[Array, "factors factors"]]:
        """E[h | v] and the precision of h given v."""
        there = ~jnp.isnan(value)
        value = jnp.where(there, value, 0.0)
        scaled = jnp.where(there[:, None], self.loadings / self.uniqueness[:, None], 0.0)
        precision = self.precision + self.loadings.T @ scaled
        mean = cho_solve(cho_factor(precision), self.precision @ self.mean + scaled.T @ value)
        return mean, precision

    def log_prob(self, value: Float[Array, " size"] | tuple[Array, Array]) -> Float[Array, ""]:
        """log q(v) in nats; of a pair, that of the one after the other."""
        value = jnp.concatenate(value) if isinstance(value, tuple) else value
        there = ~jnp.isnan(value)
        residual = value - self.loadings @ self.mean
        centred = FactorAnalysis(self.loadings, self.uniqueness, jnp.zeros_like(self.mean), self.precision)
        factors, precision = centred.posterior(residual)
        known = jnp.where(there, residual, 0.0)
        explained = jnp.dot(known / self.uniqueness, self.loadings @ factors)
        square = jnp.dot(known / self.uniqueness, known) - explained
        uniqueness = jnp.where(there, self.uniqueness, 1.0)
        log_det = jnp.sum(jnp.log(uniqueness)) + _log_det(precision) - _log_det(self.precision)
        count = jnp.sum(there).astype(value.dtype)
        return -0.5 * (square + log_det + count * jnp.log(2 * jnp.asarray(jnp.pi, value.dtype)))

    def completed(self, value: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        """A `value` whose missing entries are drawn given the others."""
        mean, precision = self.posterior(value)
        drawn = FactorAnalysis(self.loadings, self.uniqueness, mean, precision).draw(key=key)
        return jnp.where(jnp.isnan(value), drawn, value)

    def draw(self, *, key: Key) -> Float[Array, " size"]:
        """A sample of v: factors by the Cholesky factor of their precision, then noise."""
        key_factors, key_noise = jax.random.split(key)
        factor, _ = cho_factor(self.precision, lower=True)
        normal = jax.random.normal(key_factors, self.mean.shape, self.mean.dtype)
        factors = self.mean + solve_triangular(factor, normal, trans=1, lower=True)
        noise = jax.random.normal(key_noise, self.uniqueness.shape, self.uniqueness.dtype)
        return self.loadings @ factors + jnp.sqrt(self.uniqueness) * noise


def _log_det(matrix: Float[Array, "n n"]) -> Float[Array, ""]:
    return 2 * jnp.sum(jnp.log(jnp.diagonal(cho_factor(matrix)[0])))
