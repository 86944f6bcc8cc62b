"""Observations of which some values may be missing."""

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractFamily
from vestige.typing import Key


@runtime_checkable
class Factorises(Protocol):
    """A family whose values are independent given the parameters, so that those which are missing can be left out."""

    def log_densities(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, " size"]:
        """log p of each value; `log_density` is their sum.

        **Arguments:**

        - `parameters`: (num_parameters,), what a net puts out.
        - `value`: (size,), y, finite and in the support.

        **Returns:** (size,), nats.
        """
        ...


class InPart(AbstractFamily):
    """Values of another family of which each may be missing: NaN. The law is that of the values that are there.

    log p is the sum over these, and 0 where none is there: missing values are integrated out, which is exact as the
    values are independent given the parameters.

    **Arguments:**

    - `of`: the family, which must have `log_densities`.

    **Raises:** `ValueError` where it has none.
    """

    of: AbstractFamily
    size: int = eqx.field(static=True)

    def __init__(self, of: AbstractFamily):
        if not isinstance(of, Factorises):
            raise ValueError(
                f"InPart: values of {type(of).__name__} are not independent given its parameters, so that none of "
                "them can be missing by itself; mark the whole step as missing"
            )
        self.of, self.size = of, of.size

    @property
    def num_parameters(self) -> int:
        return self.of.num_parameters

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        return self.of.inside(jnp.where(jnp.isnan(value), 0.0, value))

    def fault(self, seen: np.ndarray) -> str | None:
        return self.of.fault(np.where(np.isnan(seen), 0.0, seen))

    def log_density(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, ""]:
        return self.log_prob(parameters, value)

    def log_prob(self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]) -> Float[Array, ""]:
        """log p of the values that are there; -inf where one of them is outside the support."""
        self.require(value)
        there, inside = ~jnp.isnan(value), self.inside(value)
        assert isinstance(self.of, Factorises)
        each = self.of.log_densities(parameters, jnp.where(there & inside, value, 0.0))
        return jnp.where(inside, jnp.sum(jnp.where(there, each, 0.0)), -jnp.inf)

    def mean(self, parameters: Float[Array, " num_parameters"]) -> Float[Array, " size"]:
        return self.of.mean(parameters)

    def draw(self, parameters: Float[Array, " num_parameters"], *, key: Key) -> Float[Array, " size"]:
        return self.of.draw(parameters, key=key)

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        return self.of.encoder_input(value)

    def admit(self, observations: np.ndarray, owner: str) -> None:
        """As the contract says; a step may be NaN in some of its values."""
        self.of.admit(np.where(np.isnan(observations), 0.0, observations), owner)


def whole(family: AbstractFamily) -> AbstractFamily:
    """The family of the same values, none of which is missing by itself.

    **Arguments:** `family`: any.
    """
    return family.of if isinstance(family, InPart) else family


def missing_in_part(observations: np.ndarray) -> np.ndarray:
    """Which of some `observations` (n, size) hold values and lack others.

    **Returns:** (n,) booleans.
    """
    gaps = np.isnan(observations)
    return np.asarray(gaps.any(axis=1) & ~gaps.all(axis=1))
