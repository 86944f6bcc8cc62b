"""How log q(v) of a harmonium is obtained."""

import abc

import equinox as eqx
import jax
from jaxtyping import Array, Float

from vestige.models.harmonium.model import Harmonium
from vestige.models.harmonium.partition import annealed_log_partition, exact_log_partition
from vestige.typing import Key, PyTree


class AbstractLikelihood(eqx.Module):
    """log q(v) = log_unnormalised(v) - log Z, in nats."""

    @abc.abstractmethod
    def __call__(self, harmonium: Harmonium, value: PyTree[Array], *, key: Key) -> Float[Array, ""]:
        """log q of one value.

        **Arguments:**

        - `harmonium`: with its partition function.
        - `value`: of the visible units, as `Harmonium.log_unnormalised` takes it.
        - `key`: for an estimate of log Z.

        **Returns:** one number, nats, or an estimate of it.
        """


class ExactLikelihood(AbstractLikelihood):
    """By enumeration of at most 20 hidden units."""

    def __call__(self, harmonium: Harmonium, value: PyTree[Array], *, key: Key) -> Float[Array, ""]:
        return harmonium.log_unnormalised(value) - exact_log_partition(harmonium)


class AnnealedLikelihood(AbstractLikelihood):
    """By annealed importance sampling: log Z is low on average, so the likelihood is high. More steps make it less so.

    The chains begin at the visible units that the hidden biases alone would make. O(chains · steps) sweeps.

    **Arguments:**

    - `chains`: independent ones, over which weights are averaged.
    - `steps`: temperatures between the base and the harmonium.

    **Raises:** `ValueError` where either is below 1.
    """

    chains: int = eqx.field(static=True, default=16)
    steps: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        if self.chains < 1 or self.steps < 1:
            raise ValueError(
                f"AnnealedLikelihood: chains and steps must be at least 1, got {self.chains} and {self.steps}"
            )

    def __call__(self, harmonium: Harmonium, value: PyTree[Array], *, key: Key) -> Float[Array, ""]:
        base = harmonium.natural(jax.nn.sigmoid(harmonium.hidden_bias))
        found = annealed_log_partition(harmonium, base=base, chains=self.chains, steps=self.steps, key=key)
        return harmonium.log_unnormalised(value) - found.log_partition
