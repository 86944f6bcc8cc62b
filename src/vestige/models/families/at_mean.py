"""The parameters at which a family has a given mean."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families.contract import AbstractFamily
from vestige.models.families.counts import NegativeBinomial, Poisson
from vestige.models.families.discrete import Bernoulli, Categorical
from vestige.models.families.grey import ContinuousBernoulli
from vestige.models.families.reals import START_FREEDOM, Gaussian, StudentT, UnitGaussian

LEAST_RATE = 0.05
"""Of the rate in training: no count is predicted to be rarer."""
LEAST_BIT = 0.01
"""No bit or class is predicted to be rarer, no bit more frequent than one minus it; no grey level is darker."""
HALVINGS = 40
"""Steps of a bisection, enough for float32."""


def parameters_at(
    family: AbstractFamily, mean: Float[Array, " size"], spread: Float[Array, " size"]
) -> Float[Array, " num_parameters"]:
    """What a net would have to put out for a mean that was predicted by somebody else.

    **Arguments:**

    - `family`: of the values.
    - `mean`: (size,), the wanted mean; outside the support it is brought to its edge.
    - `spread`: (size,), the standard deviation of the values around it, positive; families without one ignore it.

    **Returns:** the parameters of that mean.

    **Raises:** `ValueError` for families other than reals, counts, bits, grey levels and classes.
    """
    for kind, of in _PARAMETERS.items():
        if type(family) is kind:
            return of(family, mean, spread)
    raise ValueError(
        f"parameters_at: values must be reals, counts, bits, grey levels or classes, got {type(family).__name__}; take "
        "another model"
    )


def _raw_scale(family: Any, scale: Array) -> Array:
    """The inverse of `floor` + softplus(raw)."""
    above = jnp.maximum(scale - family.floor, 1e-6)
    return above + jnp.log(-jnp.expm1(-above))


def _student(family: StudentT, mean: Array, spread: Array) -> Array:
    freedom = START_FREEDOM + 1.018  # 1 + softplus(START_FREEDOM)
    scale = spread * ((freedom - 2) / freedom) ** 0.5
    return jnp.concatenate([mean, _raw_scale(family, scale), jnp.zeros_like(mean)])


def _log_rate(family: Any, mean: Array) -> Array:
    rates = jnp.ones_like(mean) if family.scale is None else jnp.asarray(family.scale.rates, mean.dtype)
    return jnp.log(jnp.maximum(mean / rates, LEAST_RATE))


def _negative_binomial(family: NegativeBinomial, mean: Array, spread: Array) -> Array:
    log_rate = _log_rate(family, mean)
    rates = jnp.ones_like(mean) if family.scale is None else jnp.asarray(family.scale.rates, mean.dtype)
    beyond = jnp.maximum(jnp.square(spread) - rates, 1e-2 * rates)
    return jnp.concatenate([log_rate, jnp.clip(2 * jnp.log(rates) - jnp.log(beyond), -5.0, 10.0)])


def _logit(family: Bernoulli, mean: Array, spread: Array) -> Array:
    kept = jnp.clip(mean, LEAST_BIT, 1 - LEAST_BIT)
    return jnp.log(kept) - jnp.log1p(-kept)


def _log_ratios(family: Categorical, mean: Array, spread: Array) -> Array:
    kept = jnp.clip(mean, LEAST_BIT, 1.0)
    return jnp.log(kept) - jnp.log(jnp.maximum(1 - jnp.sum(mean), LEAST_BIT))


def _of_grey(family: ContinuousBernoulli, mean: Array, spread: Array) -> Array:
    """By bisection: the mean rises with the parameter."""
    wanted = jnp.clip(mean, LEAST_BIT, 1 - LEAST_BIT)
    low, high = jnp.full_like(wanted, -2 / LEAST_BIT), jnp.full_like(wanted, 2 / LEAST_BIT)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = family.mean(middle) > wanted
        low, high = jnp.where(above, low, middle), jnp.where(above, middle, high)
    return (low + high) / 2


_PARAMETERS: dict[type[AbstractFamily], Callable[[Any, Array, Array], Array]] = {
    UnitGaussian: lambda family, mean, spread: mean,
    Gaussian: lambda family, mean, spread: jnp.concatenate([mean, _raw_scale(family, spread)]),
    StudentT: _student,
    Poisson: lambda family, mean, spread: _log_rate(family, mean),
    NegativeBinomial: _negative_binomial,
    Bernoulli: _logit,
    Categorical: _log_ratios,
    ContinuousBernoulli: _of_grey,
}
