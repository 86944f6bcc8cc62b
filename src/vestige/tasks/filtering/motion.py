"""Recorded motion: the next posture is predicted."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vestige.data import FrameSet
from vestige.models.families import UnitGaussian
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import over_held_out
from vestige.tasks.filtering.featurizers import AbstractFeaturizer, Bare, WithChanges
from vestige.tasks.filtering.momentum_groups import MOTION, MomentumGroups
from vestige.tasks.filtering.next_frame import frame_errors, mean_per_frame, next_regression, repeated
from vestige.tasks.filtering.recordings import AbstractRecordings, Stretches, check_evaluable, checked_length, stretches
from vestige.tasks.filtering.unrolling import Filters, unroll
from vestige.typing import Key, Metrics

CONSTANT = 4
"""A channel is constant if its standard deviation is within so many rounding errors of its largest value."""


class MotionCapture(AbstractRecordings):
    """Joint angles, each channel with mean 0 and variance 1 over the training frames, and what `featurizer` adds.

    No outcome.

    **Metrics** on whole held-out recordings, from the second frame on, in these units: `frame_error`, squared error of
    the posture that `predict` predicts, summed over channels, per frame; `frame_error_channel`, mean over channels; on
    the same frames `repeat_error` (the last posture again) and `linear_error` (linear regression on what was last seen,
    fitted on the training frames). `log_likelihood`: mean over frames of log q(y_t | x_{t-1}) of what is seen, in nats;
    `independent_log_likelihood`: of standard normal numbers, which is what they are one by one in training.
    """

    train: Stretches
    test: Stretches
    mean: Float[Array, " p"]
    scale: Float[Array, " p"]
    """A frame as recorded is `mean + scale · y`."""
    channels: tuple[str, ...] = eqx.field(static=True)
    featurizer: AbstractFeaturizer = Bare()
    """What is seen of a posture."""
    length: int = eqx.field(static=True, default=100)

    def __check_init__(self):
        checked_length("MotionCapture", self.length)

    @property
    def family(self) -> UnitGaussian:
        return UnitGaussian(self.featurizer.per_channel * len(self.channels))

    @property
    def momentum_groups(self) -> MomentumGroups:
        return MOTION

    def evaluate(self, model: Filters, *, size: int, key: Key) -> Metrics:
        regression = next_regression(self.train, self.featurizer.bare)

        def one(sequence: ArraySequence, key: Key) -> dict[str, tuple[Array, Array]]:
            read_out = lambda before, seen, after, key: (
                model.predict(after, key=key),
                model.log_predictive(before, jnp.nan_to_num(seen), key=key),
            )
            predicted, scores = unroll(model, sequence, read_out, key=key)
            frames, last = self.featurizer.bare(sequence.inputs), repeated(sequence.inputs)
            inside = jnp.arange(frames.shape[0]) < sequence.length
            there = inside & ~jnp.any(jnp.isnan(sequence.inputs), axis=1)
            alone = jax.vmap(self.family.log_base)(jnp.nan_to_num(sequence.inputs))
            total = lambda score: (jnp.sum(jnp.where(there, score, 0.0)), jnp.sum(there).astype(jnp.float32))
            posture = self.featurizer.bare(last)
            return {
                "log_likelihood": total(scores),
                "independent_log_likelihood": total(alone),
                "frame_error": frame_errors(self.featurizer.next_frame(posture, predicted), frames, inside),
                "repeat_error": frame_errors(posture, frames, inside),
                "linear_error": frame_errors(regression(last), frames, inside),
            }

        found = mean_per_frame(over_held_out(self, one, size=size, key=key))
        return {**found, "frame_error_channel": found["frame_error"] / len(self.channels)}

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """What can at best be reached is not known; chance is the last frame again."""
        chance = metrics["repeat_error"]
        return {
            "frame_error": {"best": None, "chance": chance},
            "frame_error_channel": {"best": None, "chance": chance / len(self.channels)},
            "log_likelihood": {"best": None, "chance": metrics["independent_log_likelihood"]},
        }


def constant_channels(recordings: FrameSet) -> tuple[str, ...]:
    """The names of those that never change, and so can neither be standardised nor learned from.

    Each is measured by itself, by the rounding errors of the type in which the frames come: how large another channel
    is does not matter.
    """
    frames = recordings.frames.astype(np.float64)
    frames = np.where(np.isnan(frames).all(axis=0), 0.0, frames)  # a channel of NaN alone is constant too
    kind = recordings.frames.dtype
    rounding = np.finfo(kind if kind.kind == "f" else np.float64).eps
    spread, largest = np.nanstd(frames, axis=0), np.nanmax(np.abs(frames), axis=0)
    still = ~(spread > CONSTANT * rounding * largest)
    return tuple(name for name, constant in zip(recordings.channels, still, strict=True) if constant)


def motion_capture(
    train: FrameSet,
    test: FrameSet,
    *,
    nth: int = 1,
    drop: tuple[str, ...] = (),
    changes: bool = False,
    length: int = 100,
) -> MotionCapture:
    """The task on frames as `Mocap().load` gives them, every `nth` of them, without the channels named in `drop`; with
    `changes` what is seen is the posture and how it changes.

    A frame that is NaN is missing. **Raises** `ValueError` where a channel that is left is constant in training (they
    are named; `drop=constant_channels(train)` leaves them out), where a name in `drop` is unknown, where a frame is NaN
    in part, or a value is infinite.

    **Arguments:**

    - `train`, `test`: recordings to train on and held-out ones.
    - `nth`: one frame is kept of so many.
    - `drop`: names of channels that are left out.
    - `changes`: whether changes are observed beside the posture.
    - `length`: steps of a training window.
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
    angles = [(part.frames[:, kept] - mean) / scale for part in thin]
    for frames in angles:
        UnitGaussian(len(kept)).admit(frames, "motion_capture")
    check_evaluable("motion_capture", angles[1], thin[1].lengths)
    featurizer = WithChanges.fitted(angles[0], thin[0].starts) if changes else Bare()
    seen = names if featurizer.per_channel == 1 else (*names, *(f"change of {name}" for name in names))
    parts = [
        stretches(FrameSet(featurizer.features(frames, part.starts), part.lengths, seen))
        for frames, part in zip(angles, thin, strict=True)
    ]
    as_array = lambda x: jnp.asarray(x.astype(np.float32))
    return MotionCapture(
        train=parts[0],
        test=parts[1],
        mean=as_array(mean),
        scale=as_array(scale),
        channels=names,
        featurizer=featurizer,
        length=length,
    )
