"""Values of several kinds side by side, each of which may be missing."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractFamily
from vestige.models.families.discrete import Categorical
from vestige.models.families.in_part import Factorises
from vestige.typing import Key


class Mixed(AbstractFamily):
    """Families side by side, independent given their parameters; a value that is NaN is missing and integrated out.

    Values and parameters are those of the parts, one part after the other. Classes, which are one value written as
    several numbers, are missing as a whole.

    **Arguments:** `parts`: in the order of the values, at least one.

    **Raises:** `ValueError` where there is no part, or values of one are not independent and not classes.
    """

    parts: tuple[AbstractFamily, ...]
    size: int = eqx.field(static=True)

    def __init__(self, parts: Sequence[AbstractFamily]):
        if not parts:
            raise ValueError("Mixed: there must be at least one part, got none")
        for part in parts:
            if not isinstance(part, Factorises | Categorical):
                raise ValueError(
                    f"Mixed: values of a part must be independent given its parameters, or classes; those of "
                    f"{type(part).__name__} are neither"
                )
        self.parts = tuple(parts)
        self.size = sum(part.size for part in parts)

    @property
    def num_parameters(self) -> int:
        return sum(part.num_parameters for part in self.parts)

    def inside(self, value: Float[Array, " size"]) -> Bool[Array, ""]:
        each = [part.inside(jnp.where(there, v, 0.0)) & _whole(part, there) for part, v, there in self._present(value)]
        return jnp.all(jnp.stack(each))

    def log_density(
        self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]
    ) -> Float[Array, ""]:
        return self.log_prob(parameters, value)

    def log_prob(self, parameters: Float[Array, " num_parameters"], value: Float[Array, " size"]) -> Float[Array, ""]:
        """log p of the values that are there; -inf where one of them is outside the support."""
        self.require(value)
        inside = self.inside(value)
        total = jnp.zeros((), parameters.dtype)
        for (part, v, there), p in zip(self._present(value), self.split_parameters(parameters), strict=True):
            safe = jnp.where(there & inside, v, 0.0)
            if isinstance(part, Factorises):
                total += jnp.sum(jnp.where(there, part.log_densities(p, safe), 0.0))
            else:
                total += jnp.where(jnp.all(there), part.log_density(p, safe), 0.0)
        return jnp.where(inside, total, -jnp.inf)

    def mean(self, parameters: Float[Array, " num_parameters"]) -> Float[Array, " size"]:
        each = zip(self.parts, self.split_parameters(parameters), strict=True)
        return jnp.concatenate([part.mean(p) for part, p in each])

    def draw(self, parameters: Float[Array, " num_parameters"], *, key: Key) -> Float[Array, " size"]:
        each = zip(self.parts, self.split_parameters(parameters), jax.random.split(key, len(self.parts)), strict=True)
        return jnp.concatenate([part.draw(p, key=k) for part, p, k in each])

    def encoder_input(self, value: Float[Array, " size"]) -> Float[Array, " size"]:
        each = zip(self.parts, self.split(value), strict=True)
        return jnp.concatenate([part.encoder_input(v) for part, v in each])

    def fault(self, seen: np.ndarray) -> str | None:
        first = 0
        for part in self.parts:
            values = seen[:, first : first + part.size]
            gaps = np.isnan(values)
            if isinstance(part, Categorical) and (cut := gaps.any(axis=1) & ~gaps.all(axis=1)).any():
                return f"expected that classes are missing as a whole, got a part of them in step {np.argmax(cut)}"
            if (fault := part.fault(np.where(gaps, 0.0, values))) is not None:
                return f"{type(part).__name__}, values {first} to {first + part.size - 1}: {fault}"
            first += part.size
        return None

    def admit(self, observations: np.ndarray, owner: str) -> None:
        """As the contract says; a step may be NaN in some of its values."""
        super().admit(np.where(np.isnan(observations), 0.0, observations), owner)
        if (fault := self.fault(observations.reshape(-1, self.size))) is not None:
            raise ValueError(f"{owner}: observations: {fault}")

    def split(self, value: Float[Array, " size"]) -> list[Array]:
        """The values of each part.

        **Arguments:** `value`: (size,), or anything of that length, such as a mask.
        """
        return _cut(value, [part.size for part in self.parts])

    def split_parameters(self, parameters: Float[Array, " num_parameters"]) -> list[Array]:
        """The parameters of each part.

        **Arguments:** `parameters`: (num_parameters,).
        """
        return _cut(parameters, [part.num_parameters for part in self.parts])

    def _present(self, value: Array) -> list[tuple[AbstractFamily, Array, Array]]:
        return [(part, v, ~jnp.isnan(v)) for part, v in zip(self.parts, self.split(value), strict=True)]


def _whole(part: AbstractFamily, there: Array) -> Bool[Array, ""]:
    """Whether classes are there or missing as a whole."""
    return jnp.all(there) | ~jnp.any(there) | (not isinstance(part, Categorical))


def _cut(values: Array, sizes: list[int]) -> list[Array]:
    ends = list(itertools.accumulate(sizes))
    return [values[end - size : end] for size, end in zip(sizes, ends, strict=True)]
