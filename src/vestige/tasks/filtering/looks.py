"""What is seen of a posture, and what a prediction of it says of the next one."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class AbstractLook(eqx.Module):
    """From postures of p numbers to what is seen of them, and back."""

    @property
    @abc.abstractmethod
    def per_channel(self) -> int:
        """How many numbers of a channel are seen."""

    @abc.abstractmethod
    def seen(self, postures: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """(total, p) of recordings that begin at `starts` to (total, p · per_channel), float32, on the host. A frame
        that is NaN stays so."""

    @abc.abstractmethod
    def posture(self, seen: Float[Array, "time seen"]) -> Float[Array, "time p"]:
        """Of what was seen."""

    @abc.abstractmethod
    def foretold(self, posture: Float[Array, "time p"], predicted: Float[Array, "time seen"]) -> Float[Array, "time p"]:
        """The next posture, from the last one and what is expected to be seen."""


class Postures(AbstractLook):
    """The posture itself."""

    @property
    def per_channel(self) -> int:
        return 1

    def seen(self, postures: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return postures.astype(np.float32)

    def posture(self, seen: Float[Array, "time seen"]) -> Float[Array, "time p"]:
        return seen

    def foretold(self, posture: Float[Array, "time p"], predicted: Float[Array, "time seen"]) -> Float[Array, "time p"]:
        return predicted


class WithChanges(AbstractLook):
    """The posture, and after it how it has changed since the last frame, with mean 0 and variance 1 in training.

    The next posture is foretold as the last one and its expected change, so that a model need not keep, to the last
    digit, what everybody has before their eyes. After a gap and at the beginning no change is known: it is taken for
    the mean.
    """

    mean: Float[Array, " p"]
    scale: Float[Array, " p"]
    """Of the changes."""

    @classmethod
    def fitted(cls, postures: np.ndarray, starts: np.ndarray) -> "WithChanges":
        """With the statistics of training recordings. A channel that always changes by as much keeps that unscaled."""
        changes = _changes(postures, starts)
        spread = np.nanstd(changes, axis=0)
        scale = np.where(spread > 1e-6 * np.nanmax(spread), spread, 1.0)
        as_array = lambda x: jnp.asarray(x.astype(np.float32))
        return cls(as_array(np.nanmean(changes, axis=0)), as_array(scale))

    @property
    def per_channel(self) -> int:
        return 2

    def seen(self, postures: np.ndarray, starts: np.ndarray) -> np.ndarray:
        changes = (_changes(postures, starts) - np.asarray(self.mean)) / np.asarray(self.scale)
        known = ~np.isnan(postures)
        changes = np.where(known & np.isnan(changes), 0.0, np.where(known, changes, np.nan))
        return np.concatenate([postures, changes], axis=1).astype(np.float32)

    def posture(self, seen: Float[Array, "time seen"]) -> Float[Array, "time p"]:
        return jnp.split(seen, 2, axis=1)[0]

    def foretold(self, posture: Float[Array, "time p"], predicted: Float[Array, "time seen"]) -> Float[Array, "time p"]:
        return posture + self.mean[None] + self.scale[None] * jnp.split(predicted, 2, axis=1)[1]


def _changes(postures: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Since the frame before; NaN where that is not known."""
    changes = np.diff(postures, axis=0, prepend=np.nan)
    changes[starts] = np.nan
    return changes
