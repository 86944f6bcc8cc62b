"""Tasks on frames as tasks on long sequences, so that rules for long-term memories train generative models on them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from vestige.models.longterm import Observed
from vestige.models.temporal import AbstractLikelihood
from vestige.sequences import AbstractSequence, Window
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.frames import AbstractFrameTask, Example
from vestige.tasks.source import AbstractSource
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics


class Numbered(AbstractFrameTask[AbstractSource]):
    """A task on frames in which the number of a frame is given with it, one-hot, behind what is given anyway.

    A rule that queries a memory about a later frame needs the frame to be named: where nothing is given, all frames
    ahead would be queried by the same question.
    """

    inner: AbstractFrameTask[Any]
    train: AbstractSource
    test: AbstractSource

    def __init__(self, inner: AbstractFrameTask[Any]):
        self.inner, self.train, self.test = inner, inner.train, inner.test

    @property
    def frames(self) -> int:
        """As the task's own."""
        return self.inner.frames

    @property
    def given(self) -> int:
        """As the task's own."""
        return self.inner.given

    @property
    def condition_size(self) -> int:
        """What the task gives, and the number of the frame."""
        return self.inner.condition_size + self.inner.frames

    @property
    def likelihood(self) -> AbstractLikelihood:
        """As the task's own."""
        return self.inner.likelihood

    def sequence(self, source: AbstractSource, *, key: Key) -> Example:
        example = self.inner.sequence(source, key=key)
        batch = example.batch
        number = jnp.eye(self.frames, dtype=jnp.float32)
        condition = number if batch.condition is None else jnp.concatenate([batch.condition, number], axis=1)
        return example._replace(batch=Batch(batch.inputs, condition=condition))

    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> dict[str, Tally]:
        return dict(self.inner.sequence_metrics(model, example, kl, key=key))

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        """As the task's own: a number says nothing of what a frame shows."""
        return self.inner.bounds(metrics)


class FrameSequence(AbstractSequence):
    """One sequence of frames, each with what is given for it. Outcomes are the frames."""

    frames: Float[Array, "time *frame"]
    condition: Float[Array, "time given"]
    length: Int[Array, ""]
    key: Key

    def window(self, start: Int[Array, ""], size: int) -> Window:
        steps = start + jnp.arange(size, dtype=start.dtype)
        inside = (steps >= 0) & (steps < self.length)
        keys = jax.vmap(lambda step: jax.random.fold_in(self.key, step))(steps)
        frame, given = self._at(steps - 1)
        outcome, condition = self._at(steps)
        return Window(Observed(frame, given, condition, steps == 0, keys), outcome, inside, inside)

    def _at(self, steps: Int[Array, " size"]) -> tuple[Array, Array]:
        """Frames and what is given for them; zeros outside the sequence."""
        there = (steps >= 0) & (steps < self.length)
        which = jnp.where(there, steps, 0)
        frames = jnp.where(there.reshape(-1, *[1] * (self.frames.ndim - 1)), self.frames[which], 0.0)
        return frames, jnp.where(there[:, None], self.condition[which], 0.0)


class FrameSequences(AbstractTask):
    """A task on frames whose examples are sequences read in windows, for a generative model behind the contract of
    long-term models (`GenerativeMemory`).

    Frames are numbered (`Numbered`). Metrics, bounds and pictures are those of the task itself, on the temporal model.
    The queries, for `OracleScore` and the precision of a selection, are the frames after those that are given.
    """

    task: Numbered

    def __init__(self, task: AbstractFrameTask[Any]):
        self.task = Numbered(task)

    @property
    def steps(self) -> int:
        """Frames of a sequence."""
        return self.task.frames

    @property
    def frames(self) -> int:
        """How many frames are worth keeping."""
        return self.task.frames

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Of one frame."""
        return self.task.frame_shape

    @property
    def condition_size(self) -> int:
        """How many numbers are given with a frame."""
        return self.task.condition_size

    @property
    def likelihood(self) -> AbstractLikelihood:
        """Of a frame."""
        return self.task.likelihood

    def sequence(self, *, key: Key) -> FrameSequence:
        """One sequence to train on."""
        return self._of(self.task.train, key)

    def held_out(self, *, key: Key) -> FrameSequence:
        """One held-out sequence."""
        return self._of(self.task.test, key)

    def _of(self, source: AbstractSource, key: Key) -> FrameSequence:
        batch = self.task.sequence(source, key=key).batch
        assert batch.condition is not None
        noise = jax.random.fold_in(key, 1)
        return FrameSequence(batch.inputs, batch.condition, jnp.asarray(self.steps, jnp.int32), noise)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        """The frames after those that are given."""
        return jnp.arange(self.task.given, self.steps, dtype=jnp.int32)

    def batch(self, *, size: int, key: Key) -> Batch:
        return Batch(jax.vmap(lambda row: self.sequence(key=jax.random.fold_in(key, row)))(jnp.arange(size)))

    def evaluate(self, model: Any, *, size: int, key: Key) -> Metrics:
        """The task's own metrics, of the temporal model."""
        return self.task.evaluate(model.model, size=size, key=key)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        return self.task.bounds(metrics)

    def diagnostics(self, model: Any, *, size: int, key: Key) -> Evaluation:
        """As the task's own."""
        return self.task.diagnostics(model.model, size=size, key=key)

    def generated(self, model: Any, *, count: int, frames: int | None, given: int, seed: int) -> np.ndarray:
        """As the task's own."""
        return self.task.generated(model.model, count=count, frames=frames, given=given, seed=seed)
