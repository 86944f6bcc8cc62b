"""Grey levels: numbers in [0, 1], both ends included."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractExponentialFamily, first_fault
from vestige.numerics import outside_log
from vestige.typing import Key

NEAR_ZERO = 0.3  # of |eta|, below which series are exact to float32 and closed forms lose digits


class ContinuousBernoulli(AbstractExponentialFamily):
    """Numbers in [0, 1] with density eta exp(eta y) / (e^eta - 1) (Loaiza-Ganem & Cunningham 2019); uniform at eta = 0.

    A proper density, unlike that of bits at values between, and its statistic is y itself, so that a harmonium may have
    such units. Exact zeros and ones are values like others. Its spread is at most 0.29 and follows from the mean.
    """

    size: int = eqx.field(static=True)

    @property
    def naturals(self) -> int:
        return self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all((value >= 0) & (value <= 1))

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return outside_log(self.inside(value), value, jnp.zeros((), value.dtype))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.sum(_log_partitions(natural))

    def log_densities(self, parameters: Float[Array, " size"], value: Float[Array, " size"]) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (size,) and `value` (size,)."""
        return parameters * value - _log_partitions(parameters)

    def clamped(self, natural: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.zeros((), bool)

    def mean(self, parameters: Float[Array, " size"]) -> Float[Array, " size"]:
        near = jnp.abs(parameters) < NEAR_ZERO
        eta = jnp.where(near, 1.0, parameters)
        series = 0.5 + parameters / 12 - parameters**3 / 720 + parameters**5 / 30240
        return jnp.where(near, series, -1 / jnp.expm1(-eta) - 1 / eta)

    def draw(self, parameters: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        u = jax.random.uniform(key, parameters.shape, parameters.dtype)
        near = jnp.abs(parameters) < 1e-3
        falling = -jnp.where(near, 1.0, jnp.abs(parameters))
        drawn = jnp.log1p(u * jnp.expm1(falling)) / falling  # the inverse of the distribution function for eta < 0
        drawn = jnp.where(parameters > 0, 1 - drawn, drawn)
        return jnp.clip(jnp.where(near, u + 0.5 * parameters * u * (1 - u), drawn), 0.0, 1.0)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        return first_fault(seen, ~((seen >= 0) & (seen <= 1)), "grey levels lie in 0..1", "divide them by the largest")


def _log_partitions(natural: Array) -> Array:
    """log((e^eta - 1) / eta) = eta / 2 + log(sinh(t / 2) / (t / 2)) with t = |eta|."""
    t = jnp.abs(natural)
    near = t < NEAR_ZERO
    safe = jnp.where(near, 1.0, t)
    far = 0.5 * safe + jnp.log1p(-jnp.exp(-safe)) - jnp.log(safe)
    squared = jnp.square(natural)
    series = squared / 24 - squared**2 / 2880 + squared**3 / 181440
    return 0.5 * natural + jnp.where(near, series, far)
