"""How the layer above enters the law of observed values, and what it is shown of them in return."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.models.families import (
    AbstractFamily,
    Bernoulli,
    Binomial,
    Categorical,
    ContinuousBernoulli,
    Gaussian,
    NegativeBinomial,
    Poisson,
    UnitGaussian,
)


class Coupling(NamedTuple):
    """Of a family whose first `size` parameters say where values lie; others are learned without the layer above."""

    parameters: Callable[[Any, Float[Array, " size"], Float[Array, " num_parameters"]], Float[Array, " num_parameters"]]
    """Of the family, from what comes down and from the biases."""
    seen: Callable[[Any, Float[Array, " size"], Float[Array, " num_parameters"]], Float[Array, " size"]]
    """What the layer above is shown of values: the statistic that is multiplied by what comes down, or for counts
    something of its order."""


def coupling(family: AbstractFamily) -> Coupling:
    """That of a family.

    **Arguments:** `family`: of observed values.

    **Raises:** `ValueError` for one that a net of two directions does not have.
    """
    if type(family) not in _COUPLINGS:
        known = ", ".join(kind.__name__ for kind in _COUPLINGS)
        raise ValueError(
            f"Visible: a recognition and a generation network know no {type(family).__name__}; take one of {known}"
        )
    return _COUPLINGS[type(family)]


def _shifted(family: AbstractFamily, drive: Array, bias: Array) -> Array:
    return bias.at[: family.size].add(drive)


def _shifted_by_scales(family: Gaussian, drive: Array, bias: Array) -> Array:
    return bias.at[: family.size].add(family.mean_and_scale(bias)[1] * drive)


def _in_scales(family: Gaussian, value: Array, bias: Array) -> Array:
    return value / family.mean_and_scale(bias)[1]


def _statistic(family: Any, value: Array, bias: Array) -> Array:
    return value


def _encoded(family: AbstractFamily, value: Array, bias: Array) -> Array:
    return family.encoder_input(jnp.maximum(value, 0.0))


_COUPLINGS: Mapping[type[AbstractFamily], Coupling] = {
    Bernoulli: Coupling(_shifted, _statistic),
    Binomial: Coupling(_shifted, _statistic),
    Categorical: Coupling(_shifted, _statistic),
    ContinuousBernoulli: Coupling(_shifted, _statistic),
    UnitGaussian: Coupling(_shifted, _statistic),
    Gaussian: Coupling(_shifted_by_scales, _in_scales),
    Poisson: Coupling(_shifted, _encoded),
    NegativeBinomial: Coupling(_shifted, _encoded),
}
