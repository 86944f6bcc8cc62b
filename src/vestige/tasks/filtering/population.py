"""A quantity seen through the spikes of a population of tuned neurons, and how they are decoded (notes 3.6, 5.2)."""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.models.families import AbstractFamily, Poisson, UnitGaussian
from vestige.numerics import poisson
from vestige.typing import Key

TUNING = (1 / 6) / (2 * math.sqrt(2 * math.log(2)))
"""Standard deviation of a tuning curve whose full width at half maximum is a sixth of the range."""


class AbstractSensor(eqx.Module):
    """What is observed of a vector of `dims` numbers, and the best estimate of it from one observation alone."""

    dims: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def family(self) -> AbstractFamily:
        """The kind of the numbers observed, and how many."""

    @abc.abstractmethod
    def observe(self, stimulus: Float[Array, " dims"], *, key: Key) -> Float[Array, " p"]:
        """A noisy observation.

        **Arguments:**

        - `stimulus`: (dims,), in its own units.

        **Returns:** (p,), values of `family`.
        """

    @abc.abstractmethod
    def decode(self, observation: Float[Array, " p"]) -> tuple[Float[Array, " dims"], Float[Array, " dims"]]:
        """The best estimate from one observation alone.

        **Arguments:**

        - `observation`: (p,), as `observe` returns it.

        **Returns:** estimate and variance of each number, (dims,), in units of the stimulus and their square; NaN where
        the observation says nothing.
        """

    @abc.abstractmethod
    def difference(self, a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """a - b, the short way where the sensor cannot distinguish values a period apart.

        **Arguments:**

        - `a`, `b`: arrays of one shape, in units of the stimulus.

        **Returns:** an array of that shape.
        """


class PopulationCode(AbstractSensor):
    """Poisson counts of `neurons`^`dims` neurons with Gaussian tuning on a ring (in two dimensions a torus).

    With xi = (stimulus - low) / (high - low) and N neurons in a dimension, preferred values are i / (N - 1), the ring
    has the period N / (N - 1), and rates are g · prod over dimensions of sum_w exp(-(xi + w N/(N-1) - i/(N-1))² / 2c²),
    w = -1, 0, 1, c = `tuning`. The gain g is uniform in `gains` and drawn anew for every observation: a reliability
    that changes from step to step. Defaults are those of the 1-D experiment (rbmish; notes 5.2).

    Given the counts of a dense lattice the likelihood of xi is Gaussian: its mean is the centre of mass of the counts,
    its variance c² / (their sum). On the ring the counts are turned first so that the largest is in the middle. No
    spike at all says nothing: estimate and variance are NaN, and a filter skips the step.

    **Raises:** `ValueError` where there are fewer than 3 neurons in a dimension, no dimension, an empty range, or
    gains that are not positive and rising.
    """

    low: float = eqx.field(static=True, default=-math.pi / 3)
    high: float = eqx.field(static=True, default=math.pi / 3)
    neurons: int = eqx.field(static=True, default=15)
    dims: int = eqx.field(static=True, default=1)
    gains: tuple[float, float] = eqx.field(static=True, default=(6.4, 9.6))
    tuning: float = eqx.field(static=True, default=TUNING)

    def __check_init__(self):
        if self.neurons < 3 or self.dims < 1:
            raise ValueError(
                f"PopulationCode: needs neurons >= 3 and dims >= 1, got neurons={self.neurons}, dims={self.dims}"
            )
        if not self.low < self.high or self.tuning <= 0:
            raise ValueError(
                f"PopulationCode: needs low < high and tuning > 0, got {self.low}, {self.high} and {self.tuning}"
            )
        if not 0 < self.gains[0] <= self.gains[1]:
            raise ValueError(f"PopulationCode: gains are (least, most) with 0 < least <= most, got {self.gains}")

    @property
    def family(self) -> Poisson:
        return Poisson(self.neurons**self.dims)

    @property
    def period(self) -> float:
        """Of the ring, in the units of the stimulus."""
        return (self.high - self.low) * self.neurons / (self.neurons - 1)

    @property
    def _preferred(self) -> np.ndarray:
        return (np.arange(self.neurons) / (self.neurons - 1)).astype(np.float32)

    def shape_of(self, stimulus: Float[Array, " dims"]) -> Float[Array, " p"]:
        """Rates at gain 1, the last dimension running fastest."""
        period = self.neurons / (self.neurons - 1)
        xi = (stimulus - self.low) / (self.high - self.low)
        xi = xi - period * jnp.floor(xi / period)
        away = xi[:, None, None] + period * jnp.array([-1.0, 0.0, 1.0], xi.dtype)[None, :, None]
        away = away - jnp.asarray(self._preferred, xi.dtype)[None, None, :]
        curves = jnp.sum(jnp.exp(-jnp.square(away) / (2 * self.tuning**2)), axis=1)
        rates = curves[0]
        for curve in curves[1:]:
            rates = (rates[:, None] * curve[None, :]).reshape(-1)
        return rates

    def rates(self, stimulus: Float[Array, " dims"], *, key: Key) -> Float[Array, " p"]:
        """Expected counts, with a gain drawn for this observation."""
        return jax.random.uniform(key, minval=self.gains[0], maxval=self.gains[1]) * self.shape_of(stimulus)

    def observe(self, stimulus: Float[Array, " dims"], *, key: Key) -> Float[Array, " p"]:
        key_gain, key_counts = jax.random.split(key)
        return poisson(self.rates(stimulus, key=key_gain), key=key_counts)

    def decode(self, observation: Float[Array, " p"]) -> tuple[Float[Array, " dims"], Float[Array, " dims"]]:
        lattice = observation.reshape((self.neurons,) * self.dims)
        rest = lambda dim: tuple(other for other in range(self.dims) if other != dim)
        along = jnp.stack([jnp.sum(lattice, axis=rest(dim)) for dim in range(self.dims)])
        spikes = jnp.sum(observation)
        middle = self.neurons // 2

        def one(counts: Array) -> Array:
            largest = jnp.argmax(counts)
            turned = jnp.roll(counts, middle - largest)
            offset = jnp.arange(self.neurons, dtype=counts.dtype) - middle
            place = largest.astype(counts.dtype) + jnp.sum(turned * offset) / jnp.where(spikes > 0, spikes, 1.0)
            return self.low + (self.high - self.low) * place / (self.neurons - 1)

        variance = jnp.square((self.high - self.low) * self.tuning) / jnp.where(spikes > 0, spikes, 1.0)
        heard = spikes > 0
        variances = jnp.full(self.dims, jnp.where(heard, variance, jnp.nan))
        return jnp.where(heard, jax.vmap(one)(along), jnp.nan), variances

    def difference(self, a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return a - b - self.period * jnp.round((a - b) / self.period)


class GaussianSensor(AbstractSensor):
    """The stimulus plus Gaussian noise of the given `variance`, in units of the noise: (s + N(0, v)) / sqrt(v)."""

    variance: float = eqx.field(static=True, default=0.0012)
    dims: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        if self.variance <= 0 or self.dims < 1:
            raise ValueError(
                f"GaussianSensor: needs variance > 0 and dims >= 1, got variance={self.variance}, dims={self.dims}"
            )

    @property
    def family(self) -> UnitGaussian:
        return UnitGaussian(self.dims)

    def observe(self, stimulus: Float[Array, " dims"], *, key: Key) -> Float[Array, " p"]:
        return stimulus / math.sqrt(self.variance) + jax.random.normal(key, stimulus.shape)

    def decode(self, observation: Float[Array, " p"]) -> tuple[Float[Array, " dims"], Float[Array, " dims"]]:
        missing = jnp.isnan(observation)
        return observation * math.sqrt(self.variance), jnp.where(missing, jnp.nan, self.variance)

    def difference(self, a: Float[Array, "*shape"], b: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return a - b
