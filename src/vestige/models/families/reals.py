"""Real numbers: of unit variance, of a learned scale, with heavy tails, and positive ones."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractExponentialFamily, AbstractFamily, first_fault
from vestige.numerics import outside_log
from vestige.typing import Key

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LEAST_SCALE = 1e-3
LEAST = 1e-4  # shape and rate of a gamma law that is sampled
START_FREEDOM = 4.0  # added to a raw parameter: at zero a Student-t has 5 degrees of freedom


class UnitGaussian(AbstractExponentialFamily):
    """Reals of variance 1 around eta: the units of a harmonium, whose data are to be standardised.

    What data have left once they are predicted is not learned: log p is at most -size / 2 · log 2π. A model that can
    give every value its own scale takes `Gaussian`.
    """

    size: int = eqx.field(static=True)

    @property
    def naturals(self) -> int:
        return self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all(jnp.isfinite(value))

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return outside_log(self.inside(value), value, -jnp.sum(0.5 * jnp.square(value) + HALF_LOG_TWO_PI))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return 0.5 * jnp.sum(natural**2)

    def log_densities(self, parameters: Float[Array, " size"], value: Float[Array, " size"]) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (size,) and `value` (size,)."""
        return -0.5 * jnp.square(value - parameters) - HALF_LOG_TWO_PI

    def clamped(self, natural: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.zeros((), bool)

    def mean(self, parameters: Float[Array, " size"]) -> Float[Array, " size"]:
        return parameters

    def draw(self, parameters: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return parameters + jax.random.normal(key, parameters.shape, parameters.dtype)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        return _finite(seen)


class Gaussian(AbstractFamily):
    """Reals with a mean and a scale of their own: `size` means, then as many raw scales.

    The standard deviation is `floor` + softplus(raw). The floor bounds what data that repeat exactly are worth, which
    without one is infinite: at most -log floor - 0.92 nats a value.

    **Raises:** `ValueError` where `floor` is not positive.
    """

    size: int = eqx.field(static=True)
    floor: float = eqx.field(static=True, default=LEAST_SCALE)

    def __check_init__(self):
        _check_floor("Gaussian", self.floor)

    @property
    def num_parameters(self) -> int:
        return 2 * self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all(jnp.isfinite(value))

    def log_density(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, ""]:
        return jnp.sum(self.log_densities(parameters, value))

    def log_densities(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (num_parameters,) and `value` (size,)."""
        mean, scale = self.mean_and_scale(parameters)
        return -(0.5 * jnp.square((value - mean) / scale) + jnp.log(scale) + HALF_LOG_TWO_PI)

    def mean(self, parameters: Float[Array, " num_parameters"]) -> Float[Array, " size"]:
        return self.mean_and_scale(parameters)[0]

    def mean_and_scale(
        self, parameters: Float[Array, " num_parameters"]
    ) -> tuple[Float[Array, " size"], Float[Array, " size"]]:
        """Means and standard deviations."""
        mean, raw = jnp.split(parameters, 2)
        return mean, self.floor + jax.nn.softplus(raw)

    def draw(self, parameters: Float[Array, " num_parameters"], *, key: Key) -> Float[Array, " size"]:
        mean, scale = self.mean_and_scale(parameters)
        return mean + scale * jax.random.normal(key, mean.shape, mean.dtype)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        return _finite(seen)


class StudentT(AbstractFamily):
    """Reals with outliers: `size` locations, as many raw scales, as many raw degrees of freedom.

    The scale is `floor` + softplus(raw), the degrees of freedom 1 + softplus(raw + 4), so that the mean exists.

    **Raises:** `ValueError` where `floor` is not positive.
    """

    size: int = eqx.field(static=True)
    floor: float = eqx.field(static=True, default=LEAST_SCALE)

    def __check_init__(self):
        _check_floor("StudentT", self.floor)

    @property
    def num_parameters(self) -> int:
        return 3 * self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all(jnp.isfinite(value))

    def log_density(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, ""]:
        return jnp.sum(self.log_densities(parameters, value))

    def log_densities(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (num_parameters,) and `value` (size,)."""
        location, scale, freedom = self._split(parameters)
        half = 0.5 * freedom
        normaliser = gammaln(half + 0.5) - gammaln(half) - 0.5 * jnp.log(freedom * math.pi) - jnp.log(scale)
        squared = jnp.square((value - location) / scale)
        return normaliser - (half + 0.5) * jnp.log1p(squared / freedom)

    def mean(self, parameters: Float[Array, " num_parameters"]) -> Float[Array, " size"]:
        return self._split(parameters)[0]

    def draw(self, parameters: Float[Array, " num_parameters"], *, key: Key) -> Float[Array, " size"]:
        location, scale, freedom = self._split(parameters)
        return location + scale * jax.random.t(key, freedom, location.shape, location.dtype)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        return _finite(seen)

    def _split(self, parameters: Array) -> tuple[Array, Array, Array]:
        location, raw, freedom = jnp.split(parameters, 3)
        return location, self.floor + jax.nn.softplus(raw), 1 + jax.nn.softplus(freedom + START_FREEDOM)


class Gamma(AbstractExponentialFamily):
    """Positive reals, of which log y and y are the statistics: shape eta_1 + 1 and scale -1/eta_2.

    The first `size` natural parameters belong to the logarithms. No law has a shape or a rate of zero or less: there
    `log_partition` is infinite, and `mean` and `draw`, which a chain needs to go on, are those of 1e-4, as `clamped`
    says. It has no moment form: where a chain needs a value it takes a sample, never the mean.
    """

    size: int = eqx.field(static=True)

    @property
    def naturals(self) -> int:
        return 2 * self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.all((value > 0) & jnp.isfinite(value))

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " naturals"]:
        return jnp.concatenate([jnp.log(jnp.where(value > 0, value, 1.0)), value])

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        return outside_log(self.inside(value), value, jnp.zeros((), value.dtype))

    def log_partition(self, natural: Float[Array, " naturals"]) -> Float[Array, ""]:
        shape, scale = self._shape_and_scale(natural)
        return jnp.where(self.clamped(natural), jnp.inf, jnp.sum(gammaln(shape) + shape * jnp.log(scale)))

    def clamped(self, natural: Float[Array, " naturals"]) -> Bool[Array, ""]:
        return ~jnp.all((natural[: self.size] + 1 >= LEAST) & (-natural[self.size :] >= LEAST))

    def mean(self, parameters: Float[Array, " naturals"]) -> Float[Array, " size"]:
        shape, scale = self._shape_and_scale(parameters)
        return shape * scale

    def draw(self, parameters: Float[Array, " naturals"], *, key: Key) -> Float[Array, " size"]:
        shape, scale = self._shape_and_scale(parameters)
        return jnp.maximum(jax.random.gamma(key, shape) * scale, jnp.finfo(scale.dtype).tiny)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def fault(self, seen: np.ndarray) -> str | None:
        wrong = ~((seen > 0) & np.isfinite(seen))
        return first_fault(seen, wrong, "values are positive", "add a small offset to zeros")

    def _shape_and_scale(self, natural: Array) -> tuple[Array, Array]:
        return jnp.maximum(natural[: self.size] + 1, LEAST), 1 / jnp.maximum(-natural[self.size :], LEAST)


def _finite(seen: np.ndarray) -> str | None:
    return first_fault(seen, ~np.isfinite(seen), "values are finite", "leave the step out as missing (all NaN)")


def _check_floor(owner: str, floor: float) -> None:
    if not floor > 0:
        raise ValueError(f"{owner}: floor must be positive, got {floor}")
