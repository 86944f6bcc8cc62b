"""The common part of all tasks on sequences of frames."""

import abc
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from vestige.models.temporal import AbstractLikelihood, elbo
from vestige.numerics import batched_map
from vestige.tasks import frame_diagnostics
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.source import AbstractSource
from vestige.tasks.tally import Tally
from vestige.typing import Batch, Key, Metrics

EVALUATION_BATCH = 64
Source = TypeVar("Source", bound=AbstractSource)
Task = TypeVar("Task", bound="AbstractFrameTask")


class Example(NamedTuple):
    """One sequence, and what is known about it but never given to a model."""

    batch: Batch
    """Frames, and actions where there are any; no batch axis."""
    predictable: Bool[Array, " time"]
    """The frames of which a perfect memory knows, from earlier frames and from actions, all that can be known.
    In a control, the frames that stand in their place."""
    facts: dict[str, Array]
    """What the sequence was made from: labels, positions, cells; named by each task."""


class AbstractFrameTask(AbstractTask, Generic[Source]):
    """Sequences of frames, some of which can be predicted by a model that remembers the others.

    A final task says how one sequence is made (`sequence`) and which metrics of its own it has (`sequence_metrics`);
    batches, held-out batches and evaluation are the same for all. Row i of a batch is a function of the key and of i
    alone.

    **Metrics**, in nats on held-out sequences: `kl_recall` (mean KL over the predictable frames of all sequences),
    `kl_fresh` (over all others), `kl_last` (last frame), `negative_bound` (per frame), `negative_bound_recall` (per
    predictable frame); curves `kl_per_frame` and `negative_bound_per_frame`. A mean over frames that no sequence has is
    NaN.

    **Raises:** `ValueError` where a sequence has fewer than two frames, where nothing or everything would be given,
    or where the two sources differ in the shape of a frame.
    """

    train: eqx.AbstractVar[Source]
    test: eqx.AbstractVar[Source]

    def __check_init__(self):
        name = type(self).__name__
        if self.frames < 2:
            raise ValueError(f"{name}: a sequence has at least 2 frames, got frames={self.frames}")
        if not 0 < self.given < self.frames:
            raise ValueError(f"{name}: given={self.given} must lie between 0 and frames={self.frames}")
        if self.train.frame_shape != self.test.frame_shape:
            raise ValueError(
                f"{name}: frames must have one shape, got {self.train.frame_shape} to train on and "
                f"{self.test.frame_shape} held out"
            )

    @property
    @abc.abstractmethod
    def frames(self) -> int:
        """Length of a sequence."""

    @property
    @abc.abstractmethod
    def given(self) -> int:
        """How many frames are shown before a model generates the others."""

    @property
    @abc.abstractmethod
    def condition_size(self) -> int:
        """Width of what is given at every step; 0 without actions."""

    @property
    @abc.abstractmethod
    def likelihood(self) -> AbstractLikelihood:
        """Of a frame, for models that are built for this task."""

    @abc.abstractmethod
    def sequence(self, source: Source, *, key: Key) -> Example:
        """One sequence; pure JAX.

        **Arguments:**

        - `source`: `train` or `test`.

        **Returns:** frames, (frames, …), actions where there are any, (frames, condition_size), which frames
        can be predicted, and what the sequence was made from. No batch axis.
        """

    @abc.abstractmethod
    def sequence_metrics(
        self, model: Any, example: Example, kl: Float[Array, " time"], *, key: Key
    ) -> Mapping[str, Tally]:
        """The task's own metrics on one sequence.

        **Arguments:**

        - `model`: a generative temporal model.
        - `example`: the sequence.
        - `kl`: (frames,), the KL per frame, in nats.
        - `key`: of what the model samples.

        **Returns:** name -> a sum and what it is to be divided by, so that sequences count by how many frames they
        bring.
        """

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame."""
        return self.train.frame_shape

    def batch(self, *, size: int, key: Key) -> Batch:
        return self._batch(self.train, size, key)

    def held_out(self, *, size: int, key: Key) -> Batch:
        """As `batch`, from the held-out source.

        **Arguments:**

        - `size`: how many sequences, static.

        **Returns:** a batch whose fields have a leading axis of `size`.
        """
        return self._batch(self.test, size, key)

    def _batch(self, source: Source, size: int, key: Key) -> Batch:
        keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(size))
        return jax.vmap(lambda k: self.sequence(source, key=k).batch)(keys)

    def on_training_images(self: Task) -> Task:
        """The same task evaluated on training material: the first of it, as much as there is held out.

        **Returns:** a task of the same class.
        """
        return eqx.tree_at(lambda task: task.test, self, self.train.first(self.test.size))

    def evaluate(self, model: Any, *, size: int, key: Key) -> Metrics:
        """Evaluate a model on held-out sequences. Costs one filter per sequence, and what `sequence_metrics` adds; 64
        sequences at a time.

        **Arguments:**

        - `model`: a generative temporal model.
        - `size`: held-out sequences, static.

        **Returns:** the metrics of the class and those of `sequence_metrics`: scalars, and curves over frames.
        """

        def one(row: Array) -> tuple[Metrics, dict[str, Tally]]:
            row_key = jax.random.fold_in(key, row)
            key_data, key_model = jax.random.split(row_key)
            example = self.sequence(self.test, key=key_data)
            metrics = elbo(model, example.batch, key=key_model)[1]
            kl = metrics["kl_per_frame"]
            own = self.sequence_metrics(model, example, kl, key=jax.random.fold_in(row_key, 2))
            return metrics, {
                "kl_recall": Tally.over(kl, example.predictable),
                "kl_fresh": Tally.over(kl, ~example.predictable),
                "negative_bound_recall": Tally.over(metrics["negative_bound_per_frame"], example.predictable),
                **own,
            }

        rows, tallies = batched_map(one, jnp.arange(size), at_most=EVALUATION_BATCH)
        means = jax.tree.map(lambda m: jnp.mean(m, axis=0), rows)
        sums = jax.tree.map(lambda m: jnp.sum(m, axis=0), tallies)
        return {
            **{name: tally.mean for name, tally in sums.items()},
            "kl_last": means["kl_per_frame"][-1],
            "negative_bound": means["negative_bound"],
            "kl_per_frame": means["kl_per_frame"],
            "negative_bound_per_frame": means["negative_bound_per_frame"],
        }

    def diagnostics(self, model: Any, *, size: int, key: Key) -> Evaluation:
        """Means over 8 evaluations on held-out and on training images, a tighter bound, and pictures.

        **Arguments:**

        - `model`: a generative temporal model.
        - `size`: sequences per evaluation.

        **Returns:** final metrics, those on training images, bounds, and arrays for the report.
        """
        return frame_diagnostics.diagnostics(self, model, size=size, key=key)

    def generated(self, model: Any, *, count: int, frames: int | None, given: int, seed: int) -> np.ndarray:
        """Sequences of mean frames that the model generates.

        **Arguments:**

        - `model`: a generative temporal model.
        - `count`: how many sequences.
        - `frames`: length of each; None: as long as in training.
        - `given`: how many frames at the beginning of each are held-out ones.
        - `seed`: of the held-out frames and of the samples.

        **Returns:** (count, frames, height, width), in [0, 1].

        **Raises:** `UsageError` where that leaves nothing to generate, or is more than a sequence has.
        """
        return frame_diagnostics.generated(self, model, count=count, frames=frames, given=given, seed=seed)
