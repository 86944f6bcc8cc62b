"""Counts 0, 1, 2, … of any size."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractExponentialFamily, AbstractFamily, first_fault
from vestige.numerics import log_poisson, outside_log, poisson, soft_clamp
from vestige.typing import Key

LOG_CONCENTRATIONS = (-7.0, 14.0)
SHIFT = 8  # added to a concentration, from where on the ratio of gamma functions is by series
LARGEST_EXACT = 2**24  # the counts that float32 can tell apart
LEAST_SPREAD = 0.5  # of √y, that of a Poisson count however large its rate


class CountScale(eqx.Module):
    """How large counts are, so that a net sees and puts out numbers of order 1. Plain numbers, nothing is learned.

    `rates` are the rates at eta = 0, and `spreads` the standard deviations of √y, one for each value.
    """

    rates: tuple[float, ...] = eqx.field(static=True)
    spreads: tuple[float, ...] = eqx.field(static=True)

    def __check_init__(self):
        if len(self.rates) != len(self.spreads) or not all(0 < x < np.inf for x in (*self.rates, *self.spreads)):
            raise ValueError("CountScale: rates and spreads must be positive, finite and as many of each")

    @classmethod
    def fitted(cls, counts: Float[np.ndarray, "n size"]) -> "CountScale":
        """Those of training counts, on the host; a count that is NaN is missing. Half a count more in one step more is
        granted to each, so that no rate is zero."""
        seen = counts[~np.isnan(counts).all(axis=1)].astype(np.float64)
        known = (~np.isnan(seen)).sum(axis=0)
        rates = (np.nansum(seen, axis=0) + 0.5) / (known + 1)
        roots = np.where(known > 0, np.sqrt(seen), 0.0)
        spreads = np.where(known > 0, np.maximum(np.nanstd(roots, axis=0), LEAST_SPREAD), 1.0)
        return cls(tuple(rates.tolist()), tuple(spreads.tolist()))


class Poisson(AbstractExponentialFamily):
    """Counts, from the logarithm of their rates, which knows no limit: eta is log(rate / rate at zero).

    The base measure is the Poisson law itself at eta = 0, of rate 1 or of the `scale`'s, so that log-probabilities
    keep their digits at large counts.
    """

    size: int = eqx.field(static=True)
    scale: CountScale | None = None

    def __check_init__(self):
        _check("Poisson", self.size, self.scale)

    @property
    def naturals(self) -> int:
        return self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return _counted(value)

    def statistics(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return value

    def log_base(self, value: Float[Array, " size"]) -> Float[Array, ""]:
        inside = self.inside(value)
        each = log_poisson(jnp.where(inside, value, 0.0), _rates(self, value.dtype))
        return outside_log(inside, value, jnp.sum(each))

    def log_partition(self, natural: Float[Array, " size"]) -> Float[Array, ""]:
        return jnp.sum(_rates(self, natural.dtype) * jnp.expm1(natural))

    def log_densities(self, parameters: Float[Array, " size"], value: Float[Array, " size"]) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (size,) and `value` (size,)."""
        rates = _rates(self, value.dtype)
        return parameters * value + log_poisson(value, rates) - rates * jnp.expm1(parameters)

    def clamped(self, natural: Float[Array, " size"]) -> Bool[Array, ""]:
        return jnp.zeros((), bool)

    def mean(self, parameters: Float[Array, " size"]) -> Float[Array, " size"]:
        return _rates(self, parameters.dtype) * jnp.exp(parameters)

    def draw(self, parameters: Float[Array, " size"], *, key: Key) -> Float[Array, " size"]:
        return poisson(self.mean(parameters), key=key)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return _shown(self.scale, value)

    def fault(self, seen: np.ndarray) -> str | None:
        return _fault(seen)


class NegativeBinomial(AbstractFamily):
    """Counts that vary more than Poisson counts do: Var(y) = mean + mean² / concentration.

    The first `size` parameters are log(mean / rate at zero), as of `Poisson`; of the others the concentration is the
    exponential, kept smoothly within e^-7 to e^14.
    """

    size: int = eqx.field(static=True)
    scale: CountScale | None = None

    def __check_init__(self):
        _check("NegativeBinomial", self.size, self.scale)

    @property
    def num_parameters(self) -> int:
        return 2 * self.size

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return _counted(value)

    def log_density(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, ""]:
        return jnp.sum(self.log_densities(parameters, jnp.where(self.inside(value), value, 0.0)))

    def log_densities(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, " size"]:
        """log p of each value, of `parameters` (num_parameters,) and `value` (size,)."""
        log_mean, concentration = self._split(parameters)
        mean = jnp.exp(log_mean)
        return log_poisson(value, mean) + _log_ratio(value, mean, concentration)

    def mean(self, parameters: Float[Array, " num_parameters"]) -> Float[Array, " size"]:
        return jnp.exp(self._split(parameters)[0])

    def draw(self, parameters: Float[Array, " num_parameters"], *, key: Key) -> Float[Array, " size"]:
        key_rate, key_count = jax.random.split(key)
        log_mean, concentration = self._split(parameters)
        log_rate = jax.random.loggamma(key_rate, concentration) - jnp.log(concentration) + log_mean
        return poisson(jnp.exp(log_rate), key=key_count)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return _shown(self.scale, value)

    def fault(self, seen: np.ndarray) -> str | None:
        return _fault(seen)

    def _split(self, parameters: Array) -> tuple[Array, Array]:
        """log mean, and the concentration."""
        log_mean, raw = jnp.split(parameters, 2)
        rates = _rates(self, parameters.dtype)
        return log_mean + jnp.log(rates), jnp.exp(soft_clamp(raw, *LOG_CONCENTRATIONS))


def _log_ratio(count: Array, mean: Array, concentration: Array) -> Array:
    """log of a negative binomial's probability beside that of a Poisson count of the same mean.

    log Γ(r + y) - log Γ(r) - r log(1 + m / r) - y log(r + m) + m, by Stirling's series from r + 8 on, in an order in
    which nothing large cancels.
    """
    start = concentration + SHIFT
    tail = lambda x: (1 / x) * (1 / 12 - jnp.square(1 / x) * (1 / 360 - jnp.square(1 / x) / 1260))
    steps = sum((jnp.log1p(count / (concentration + k)) for k in range(SHIFT)), jnp.zeros_like(count))
    rising = (start - 0.5) * jnp.log1p(count / start) + tail(start + count) - tail(start) - steps
    powers = count * jnp.log1p((count + SHIFT - mean) / (concentration + mean))
    return (mean - count) + (rising - concentration * jnp.log1p(mean / concentration)) + powers


def _check(owner: str, size: int, scale: CountScale | None) -> None:
    if scale is not None and len(scale.rates) != size:
        raise ValueError(f"{owner}: scale must be of {size} values, got {len(scale.rates)}")


def _counted(value: Array) -> Bool[Array, ""]:
    return jnp.all((value >= 0) & (value == jnp.floor(value)) & jnp.isfinite(value))


def _rates(family: Poisson | NegativeBinomial, dtype: jnp.dtype) -> Float[Array, " size"]:
    scale = family.scale
    return jnp.ones(family.size, dtype) if scale is None else jnp.asarray(scale.rates, dtype)


def _shown(scale: CountScale | None, value: Array) -> Array:
    if scale is None:
        return jnp.sqrt(value) - 0.7
    roots, spreads = (jnp.asarray(x, value.dtype) for x in (np.sqrt(scale.rates), scale.spreads))
    return (jnp.sqrt(value) - roots) / spreads


def _fault(seen: np.ndarray) -> str | None:
    wrong = ~((seen >= 0) & (seen == np.floor(seen)) & np.isfinite(seen))
    fault = first_fault(seen, wrong, "counts are 0, 1, 2, …", "bin the events first, and do not scale the counts")
    if fault is not None:
        return fault
    wanted = f"counts are at most {LARGEST_EXACT:,}, as far as float32 can count"
    return first_fault(seen, seen > LARGEST_EXACT, wanted, "count in shorter windows, or take them for numbers")
