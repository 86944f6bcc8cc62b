"""Recordings of different lengths, and tasks that train on windows of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from vestige.data import FrameSet
from vestige.sequences import ArraySequence
from vestige.tasks.filtering.contract import AbstractFilteringTask
from vestige.typing import Key


class Stretches(eqx.Module):
    """Recordings one after the other on the device, in whatever type is smallest; read as float32."""

    frames: Shaped[Array, "total p"]
    outcomes: Float[Array, "total d"]
    starts: Int[Array, " recordings"]
    lengths: Int[Array, " recordings"]
    longest: int = eqx.field(static=True)

    @property
    def count(self) -> int:
        """How many recordings there are."""
        return self.starts.shape[0]

    def cut(self, start: Int[Array, ""], length: Int[Array, ""], steps: int) -> ArraySequence:
        """`length` steps from `start` of all on, on a time axis of `steps`; beyond them stands what comes next, which
        counts for nothing."""
        where = jnp.minimum(start + jnp.arange(steps, dtype=jnp.int32), self.frames.shape[0] - 1)
        return ArraySequence(self.frames[where].astype(jnp.float32), self.outcomes[where], length)

    def recording(self, number: Int[Array, ""]) -> ArraySequence:
        """One of them as a whole, on the time axis of the longest."""
        return self.cut(self.starts[number], self.lengths[number], self.longest)

    def window(self, steps: int, *, key: Key) -> ArraySequence:
        """`steps` steps in a row, every such window of every recording equally likely; a recording that is shorter
        has one window, itself."""
        windows = jnp.maximum(self.lengths - steps + 1, 1)
        until = jnp.cumsum(windows)
        drawn = jax.random.randint(key, (), 0, until[-1], jnp.int32)
        number = jnp.searchsorted(until, drawn, side="right")
        offset = drawn - (until[number] - windows[number])
        return self.cut(self.starts[number] + offset, jnp.minimum(self.lengths[number], steps), steps)


def stretches(recordings: FrameSet, outcomes: np.ndarray | None = None) -> Stretches:
    """Recordings on the device.

    **Arguments:**

    - `recordings`: frames, one recording after the other.
    - `outcomes`: (total, d), what may be read out at each frame; by default nothing.

    **Raises:** `ValueError` where there are more or fewer outcomes than frames, or 2^31 frames or more.
    """
    outcomes = np.zeros((len(recordings.frames), 0)) if outcomes is None else outcomes
    if len(outcomes) != len(recordings.frames):
        raise ValueError(f"stretches: {len(recordings.frames)} frames need as many outcomes, got {len(outcomes)}")
    if len(outcomes) >= 2**31:
        raise ValueError(f"stretches: at most {2**31 - 1:,} frames have places in 32 bits, got {len(outcomes):,}")
    return Stretches(
        jnp.asarray(recordings.frames),
        jnp.asarray(outcomes.astype(np.float32)),
        jnp.asarray(recordings.starts.astype(np.int32)),
        jnp.asarray(recordings.lengths.astype(np.int32)),
        int(recordings.lengths.max()),
    )


class AbstractRecordings(AbstractFilteringTask):
    """Training sequences are windows of `length` steps at random places; evaluations take whole held-out recordings.

    An evaluation of `size` takes as many different recordings at random, or all where there are no more.
    """

    train: eqx.AbstractVar[Stretches]
    test: eqx.AbstractVar[Stretches]
    length: eqx.AbstractVar[int]

    @property
    def steps(self) -> int:
        return self.length

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ()

    def sequence(self, *, key: Key) -> ArraySequence:
        return self.train.window(self.length, key=key)

    def held_out_count(self, size: int) -> int:
        return min(size, self.test.count)

    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        return self.test.recording(jax.random.permutation(key, self.test.count)[row])


def check_evaluable(owner: str, held_out: np.ndarray, lengths: np.ndarray) -> None:
    """Check that an error of prediction can be computed.

    **Arguments:**

    - `owner`: the task, for the message.
    - `held_out`: (total, p), recordings one after the other; a missing frame is NaN.
    - `lengths`: steps of each recording.

    **Raises:** `ValueError` where no held-out frame has one before it to be predicted from, and every error is NaN.
    """
    there = ~np.isnan(held_out).all(axis=1)
    if max(int(part.sum()) for part in np.split(there, np.cumsum(lengths.astype(np.int64))[:-1])) < 2:
        raise ValueError(
            f"{owner}: at least one held-out recording must hold two steps that are not missing, to predict one; "
            "hold out a larger share"
        )


def checked_length(owner: str, length: int) -> None:
    """Check the `length` of training windows of the task `owner`.

    **Raises:** `ValueError` where a window has fewer than two steps.
    """
    if length < 2:
        raise ValueError(f"{owner}: length, the steps of a training window, must be at least 2, got {length}")
