"""Features of a frame, and what a prediction of them says of the next frame."""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class AbstractFeaturizer(eqx.Module):
    """From frames of p numbers to the features that a model observes, and back."""

    @property
    @abc.abstractmethod
    def per_channel(self) -> int:
        """How many features a channel has."""

    @abc.abstractmethod
    def features(self, frames: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The features of recordings, on the host.

        **Arguments:**

        - `frames`: (total, p), the recordings one after the other; a missing frame is NaN.
        - `starts`: the rows at which recordings begin, integers.

        **Returns:** (total, p · per_channel), float32; a value that is NaN stays so.
        """

    @abc.abstractmethod
    def bare(self, features: Float[Array, "time features"]) -> Float[Array, "time p"]:
        """The frames, from their features.

        **Arguments:**

        - `features`: (time, p · per_channel).

        **Returns:** (time, p).
        """

    @abc.abstractmethod
    def next_frame(
        self, frame: Float[Array, "time p"], predicted: Float[Array, "time features"]
    ) -> Float[Array, "time p"]:
        """The next frame, from the last one and its expected features.

        **Arguments:**

        - `frame`: (time, p), the last frame before each prediction.
        - `predicted`: (time, p · per_channel), the expected features of the next one.

        **Returns:** (time, p).
        """

    @abc.abstractmethod
    def following(self, last: Float[Array, "time p"], frame: Float[Array, "time p"]) -> Float[Array, "time features"]:
        """The features of a frame, from it and the one before.

        **Arguments:**

        - `last`: (time, p), the frames before.
        - `frame`: (time, p).

        **Returns:** (time, p · per_channel).
        """

    @abc.abstractmethod
    def first(self, frame: Float[Array, "time p"]) -> Float[Array, "time features"]:
        """The features of a frame before which none is known.

        **Arguments:**

        - `frame`: (time, p).

        **Returns:** (time, p · per_channel).
        """


class Bare(AbstractFeaturizer):
    """The frame itself."""

    @property
    def per_channel(self) -> int:
        return 1

    def features(self, frames: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return frames.astype(np.float32)

    def bare(self, features: Float[Array, "time features"]) -> Float[Array, "time p"]:
        return features

    def next_frame(
        self, frame: Float[Array, "time p"], predicted: Float[Array, "time features"]
    ) -> Float[Array, "time p"]:
        return predicted

    def following(self, last: Float[Array, "time p"], frame: Float[Array, "time p"]) -> Float[Array, "time features"]:
        return frame

    def first(self, frame: Float[Array, "time p"]) -> Float[Array, "time features"]:
        return frame


class WithChanges(AbstractFeaturizer):
    """The frame, and after it how it has changed since the last frame, with mean 0 and variance 1 in training.

    The next frame is predicted as the last one and its expected change, so that a model need not keep, to the last
    digit, what everybody has before their eyes. After a gap and at the beginning no change is known: all are taken for
    the mean. Where only some are known, the others are missing.
    """

    mean: Float[Array, " p"]
    scale: Float[Array, " p"]
    """Of the changes."""

    @classmethod
    def fitted(cls, frames: np.ndarray, starts: np.ndarray) -> "WithChanges":
        """With the statistics of training recordings. A channel that always changes by as much keeps that unscaled."""
        changes = _changes(frames, starts)
        spread = np.nanstd(changes, axis=0)
        largest = np.nanmax(np.abs(changes), axis=0, initial=0.0)
        scale = np.where(spread > 1e-6 * largest, spread, 1.0)
        return cls.of(np.nanmean(changes, axis=0), scale)

    @classmethod
    def of(cls, mean: np.ndarray | list[float], scale: np.ndarray | list[float]) -> "WithChanges":
        """With these statistics of changes."""
        return cls(jnp.asarray(np.asarray(mean, np.float32)), jnp.asarray(np.asarray(scale, np.float32)))

    @property
    def per_channel(self) -> int:
        return 2

    def features(self, frames: np.ndarray, starts: np.ndarray) -> np.ndarray:
        changes = (_changes(frames, starts) - np.asarray(self.mean)) / np.asarray(self.scale)
        known = ~np.isnan(frames)
        changes = np.where(known, changes, np.nan)
        none = np.isnan(changes).all(axis=1, keepdims=True)
        changes = np.where(known & none, 0.0, changes)
        return np.concatenate([frames, changes], axis=1).astype(np.float32)

    def bare(self, features: Float[Array, "time features"]) -> Float[Array, "time p"]:
        return jnp.split(features, 2, axis=1)[0]

    def next_frame(
        self, frame: Float[Array, "time p"], predicted: Float[Array, "time features"]
    ) -> Float[Array, "time p"]:
        return frame + self.mean[None] + self.scale[None] * jnp.split(predicted, 2, axis=1)[1]

    def following(self, last: Float[Array, "time p"], frame: Float[Array, "time p"]) -> Float[Array, "time features"]:
        return jnp.concatenate([frame, (frame - last - self.mean[None]) / self.scale[None]], axis=1)

    def first(self, frame: Float[Array, "time p"]) -> Float[Array, "time features"]:
        return jnp.concatenate([frame, 0 * frame], axis=1)


def _changes(frames: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Since the frame before; NaN where that is not known."""
    changes = np.diff(frames, axis=0, prepend=np.nan)
    changes[starts] = np.nan
    return changes
