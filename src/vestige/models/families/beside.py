"""Two families at once."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from vestige.models.families.contract import AbstractExponentialFamily
from vestige.typing import Key


class Beside(eqx.Module):
    """Two exponential families side by side, given the same hidden units independent: values are pairs."""

    first: AbstractExponentialFamily
    second: AbstractExponentialFamily

    @property
    def naturals(self) -> int:
        """The length of both natural parameters together."""
        return self.first.naturals + self.second.naturals

    def require(self, value: tuple[Array, Array]) -> None:
        """**Raises** `ValueError` where a concrete value is outside the support of its family."""
        self.first.require(value[0])
        self.second.require(value[1])

    def statistics(self, value: tuple[Array, Array]) -> Float[Array, " naturals"]:
        """Those of the first, then those of the second."""
        return jnp.concatenate([self.first.statistics(value[0]), self.second.statistics(value[1])])

    def log_base(self, value: tuple[Array, Array]) -> Float[Array, ""]:
        """Their sum."""
        return self.first.log_base(value[0]) + self.second.log_base(value[1])

    def log_partition(self, natural: Float[Array, " naturals"]) -> Float[Array, ""]:
        """Their sum."""
        first, second = self._split(natural)
        return self.first.log_partition(first) + self.second.log_partition(second)

    def clamped(self, natural: Float[Array, " naturals"]) -> Bool[Array, ""]:
        """Whether either is."""
        first, second = self._split(natural)
        return self.first.clamped(first) | self.second.clamped(second)

    def mean(self, natural: Float[Array, " naturals"]) -> tuple[Array, Array]:
        """E of both."""
        first, second = self._split(natural)
        return self.first.mean(first), self.second.mean(second)

    def draw(self, natural: Float[Array, " naturals"], *, key: Key) -> tuple[Array, Array]:
        """A sample of both."""
        keys = jax.random.split(key)
        first, second = self._split(natural)
        return self.first.draw(first, key=keys[0]), self.second.draw(second, key=keys[1])

    def _split(self, natural: Array) -> tuple[Array, Array]:
        return natural[: self.first.naturals], natural[self.first.naturals :]
