"""Recorded motion: the next posture is foretold."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data import FrameSet
from vestige.models.families import Gaussian
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import Filters, follow, over_held_out
from vestige.tasks.filtering.next_frame import frame_errors, mean_per_frame, repeated
from vestige.tasks.filtering.readout import Readout, ridge
from vestige.tasks.filtering.recordings import AbstractRecordings, Stretches, checked_time, stretches
from vestige.typing import Key, Metrics

CONSTANT = 1e-6
"""A channel is constant if its standard deviation is this small beside that of the liveliest."""


class MotionCapture(AbstractRecordings):
    """Joint angles, each channel with mean 0 and variance 1 over the training frames. No outcomes.

    **Metrics** on whole held-out recordings, from the second frame on, in these units: `frame_error`, squared error of
    `predict` summed over channels, per frame; `frame_error_channel`, mean over channels; on the same frames
    `repeat_error` (the last frame again) and `linear_error` (linear regression on the last frame, fitted on the
    training frames).
    """

    train: Stretches
    test: Stretches
    mean: Float[Array, " p"]
    scale: Float[Array, " p"]
    """A frame as recorded is `mean + scale · y`."""
    channels: tuple[str, ...] = eqx.field(static=True)
    time: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        checked_time("MotionCapture", self.time)

    @property
    def family(self) -> Gaussian:
        return Gaussian(len(self.channels))

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        regression = self._regression()

        def one(sequence: ArraySequence, key: Key) -> dict[str, tuple[Array, Array]]:
            told = lambda before, seen, after, key: model.predict(after, key=key)
            foretold, frames = follow(model, sequence, told, key=key), sequence.inputs
            inside = jnp.arange(frames.shape[0]) < sequence.length
            last = repeated(frames)
            return {
                "frame_error": frame_errors(foretold, frames, inside),
                "repeat_error": frame_errors(last, frames, inside),
                "linear_error": frame_errors(regression(last), frames, inside),
            }

        found = mean_per_frame(over_held_out(self, one, size=size, key=key))
        return {**found, "frame_error_channel": found["frame_error"] / self.width}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What can at best be reached is not known; chance is the last frame again."""
        chance = metrics["repeat_error"]
        return {
            "frame_error": {"best": None, "chance": chance},
            "frame_error_channel": {"best": None, "chance": chance / self.width},
        }

    def _regression(self) -> Readout:
        """From a frame to the next of the same recording."""
        before, after = self.train.frames[:-1], self.train.frames[1:]
        first = jnp.zeros(before.shape[0], bool).at[self.train.starts[1:] - 1].set(True)
        gap = jnp.any(jnp.isnan(before) | jnp.isnan(after), axis=1)
        return ridge(before, after, weights=jnp.where(first | gap, 0.0, 1.0))


def constant_channels(recordings: FrameSet) -> tuple[str, ...]:
    """The names of those that never change, and so can neither be standardised nor learned from."""
    spread = np.nanstd(recordings.frames.astype(np.float64), axis=0)
    # "not larger" and not "smaller", so that all channels are constant where none is lively
    still = ~(spread > CONSTANT * np.nanmax(spread))
    return tuple(name for name, constant in zip(recordings.channels, still, strict=True) if constant)


def motion_capture(
    train: FrameSet, test: FrameSet, *, nth: int = 1, drop: tuple[str, ...] = (), time: int = 100
) -> MotionCapture:
    """The task on frames as `Mocap().load` gives them, every `nth` of them, without the channels named in `drop`.

    A frame that is NaN is missing. **Raises** `ValueError` where a channel that is left is constant in training (they
    are named; `drop=constant_channels(train)` leaves them out), where a name in `drop` is unknown, where a frame is NaN
    in part, or a value is infinite.
    """
    if unknown := set(drop) - set(train.channels):
        raise ValueError(f"motion_capture: drop names channels that there are not: {sorted(unknown)}")
    if still := set(constant_channels(train)) - set(drop):
        names = [name for name in train.channels if name in still]
        raise ValueError(
            f"motion_capture: channels must change over the training frames, got constant {', '.join(names)}; "
            "leave them out with drop=constant_channels(train)"
        )
    kept = [j for j, name in enumerate(train.channels) if name not in drop]
    names = tuple(train.channels[j] for j in kept)
    thin = [part.every(nth) for part in (train, test)]
    known = thin[0].frames[:, kept].astype(np.float64)
    mean, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    parts = []
    for part in thin:
        frames = ((part.frames[:, kept] - mean) / scale).astype(np.float32)
        Gaussian(len(kept)).admit(frames, "motion_capture")
        parts.append(stretches(FrameSet(frames, part.lengths, names)))
    as_array = lambda x: jnp.asarray(x.astype(np.float32))
    return MotionCapture(
        train=parts[0], test=parts[1], mean=as_array(mean), scale=as_array(scale), channels=names, time=time
    )
