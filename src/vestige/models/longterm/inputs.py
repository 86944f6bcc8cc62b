"""From what is seen at one step to features."""

import abc

import equinox as eqx
import jax
from jaxtyping import Array, Float

from vestige.typing import Key


class AbstractInput(eqx.Module):
    """Reads the inputs of one step."""

    features_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(self, inputs: Array) -> Float[Array, " features"]:
        """Its features."""


class Token(AbstractInput):
    """A learned vector for each of `tokens` integers."""

    table: eqx.nn.Embedding
    features_size: int = eqx.field(static=True)

    def __init__(self, tokens: int, features_size: int, *, key: Key):
        self.table = eqx.nn.Embedding(tokens, features_size, key=key)
        self.features_size = features_size

    def __call__(self, inputs: Array) -> Float[Array, " features"]:
        return self.table(inputs)


class Vector(AbstractInput):
    """A rectified layer on a vector of real numbers."""

    layer: eqx.nn.Linear
    features_size: int = eqx.field(static=True)

    def __init__(self, size: int, features_size: int, *, key: Key):
        self.layer = eqx.nn.Linear(size, features_size, key=key)
        self.features_size = features_size

    def __call__(self, inputs: Array) -> Float[Array, " features"]:
        return jax.nn.relu(self.layer(inputs))
