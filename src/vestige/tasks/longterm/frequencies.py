"""How often each outcome comes: what can be said of them without having seen anything."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.typing import Metrics


class AbstractFrequencies(eqx.Module):
    """Statistics of the known outcomes of a sequence, gathered window after window."""

    @abc.abstractmethod
    def added(self, outcomes: Array, known: Bool[Array, " steps"], seen: Int[Array, ""]) -> "AbstractFrequencies":
        """The statistics with the outcomes of a window added.

        **Arguments:**

        - `outcomes`: (steps,), classes or numbers.
        - `known`: (steps,), bool; the others do not count.
        - `seen`: how many known outcomes were added before.

        **Returns:** statistics of the same class.
        """

    @abc.abstractmethod
    def together(self, weights: Float[Array, " lanes"]) -> Metrics:
        """What a constant prediction reaches on several sequences. The statistics must have a leading axis.

        **Arguments:**

        - `weights`: (lanes,), the share of each sequence in all known outcomes.

        **Returns:** metrics, scalars.
        """


class ClassFrequencies(AbstractFrequencies):
    """Of classes: the share of each."""

    share: Float[Array, "*lanes classes"]

    def added(self, outcomes: Array, known: Bool[Array, " steps"], seen: Int[Array, ""]) -> "ClassFrequencies":
        now = jnp.sum(known, dtype=jnp.int32)
        one_hot = jax.nn.one_hot(outcomes, self.share.shape[-1])
        missed = jnp.sum(jnp.where(known[:, None], one_hot - self.share[None], 0.0), axis=0)
        return ClassFrequencies(self.share + missed / jnp.maximum(seen + now, 1).astype(jnp.float32))

    def together(self, weights: Float[Array, " lanes"]) -> Metrics:
        share = weights @ self.share
        logs = jnp.log(jnp.where(share > 0, share, 1.0))
        return {"majority_accuracy": jnp.max(share), "frequency_cross_entropy": -jnp.sum(share * logs)}


class NumberFrequencies(AbstractFrequencies):
    """Of numbers: mean and variance, by deviations, so that a large mean costs no digits (Chan et al. 1983)."""

    mean: Float[Array, "*lanes"]
    variance: Float[Array, "*lanes"]

    def added(self, outcomes: Array, known: Bool[Array, " steps"], seen: Int[Array, ""]) -> "NumberFrequencies":
        now = jnp.sum(known, dtype=jnp.int32)
        some = jnp.maximum(now, 1).astype(jnp.float32)
        mean = jnp.sum(jnp.where(known, outcomes, 0.0)) / some
        variance = jnp.sum(jnp.where(known, jnp.square(outcomes - mean), 0.0)) / some
        share = now.astype(jnp.float32) / jnp.maximum(seen + now, 1).astype(jnp.float32)
        apart = mean - self.mean
        spread = (1 - share) * self.variance + share * variance + share * (1 - share) * jnp.square(apart)
        return NumberFrequencies(self.mean + share * apart, spread)

    def together(self, weights: Float[Array, " lanes"]) -> Metrics:
        mean = jnp.sum(weights * self.mean)
        return {"constant_mse": jnp.sum(weights * (self.variance + jnp.square(self.mean - mean)))}


def no_frequencies(classes: int | None) -> AbstractFrequencies:
    """Before the first outcome: of so many classes, or of numbers."""
    if classes is None:
        return NumberFrequencies(jnp.zeros(()), jnp.zeros(()))
    return ClassFrequencies(jnp.zeros(classes))
