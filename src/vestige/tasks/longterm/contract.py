"""The contract of a task on long sequences."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.numerics import batched_map
from vestige.sequences import AbstractSequence, ContextWindowSequence, Window, at
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.tasks.longterm.reading import Encodes, EncodesAndPredicts, readouts_at
from vestige.typing import Batch, Key, Metrics, PyTree

EVALUATION_BATCH = 64
READ_SIZE = 200
REPEATS = 4  # evaluations behind the final metrics


class AbstractMemoryTask(AbstractTask):
    """Sequences in which some outcomes are uncertain to whoever does not remember.

    A final task says how one sequence is made, and at which of its steps a memory is judged and how. These steps are
    part of the task: what a detector takes for uncertain must not decide on what it is judged (MemUP pitfall 8).
    Row i of a batch is a function of the key and of i alone.
    """

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """The most steps that a sequence has."""

    @abc.abstractmethod
    def sequence(self, *, key: Key) -> AbstractSequence:
        """One sequence to train on; pure JAX."""

    @abc.abstractmethod
    def held_out(self, *, key: Key) -> AbstractSequence:
        """One sequence to be judged on; where sequences are generated, one like any other."""

    @abc.abstractmethod
    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        """The steps whose outcome takes a memory, as many in every sequence."""

    @abc.abstractmethod
    def judged(self, sequence: AbstractSequence) -> Int[Array, " judged"]:
        """The steps at which a model is judged, the queries among them."""

    @abc.abstractmethod
    def answers(self, model: Any, memories: PyTree[Array], asked: Window) -> dict[str, Float[Array, " _"]]:
        """Metrics of one sequence, of each of which the mean is reported; m_k and the step itself, for every judged
        k."""

    def batch(self, *, size: int, key: Key) -> Batch:
        """`size` sequences to train on, as one sequence with a leading axis, in `inputs`."""
        return Batch(jax.vmap(lambda row: self.sequence(key=jax.random.fold_in(key, row)))(jnp.arange(size)))

    def evaluate(self, model: Encodes, *, size: int, key: Key, read_size: int = READ_SIZE) -> Metrics:
        """Means over the judged steps of `size` held-out sequences, where y_k is predicted from m_k and x_k.

        Every sequence is read once, 64 at a time, in windows of `read_size` steps. Memory: that of reading 64 windows,
        however long the sequences.

        **Raises:** `ValueError` where `size` or `read_size` is not positive.
        """
        if size < 1 or read_size < 1:
            raise ValueError(f"evaluate: size and read_size must be at least 1, got size={size}, read_size={read_size}")

        def one(row: Array) -> dict[str, Array]:
            sequence = self.held_out(key=jax.random.fold_in(key, row))
            judged = self.judged(sequence)
            memories = readouts_at(model, sequence, judged, steps=self.steps, read_size=min(read_size, self.steps))
            return self.answers(model, memories, jax.tree.map(lambda leaf: leaf[:, 0], at(sequence, judged)))

        values = batched_map(one, jnp.arange(size), at_most=EVALUATION_BATCH)
        return {name: jnp.mean(found) for name, found in values.items()}

    def diagnostics(self, model: Encodes, *, size: int, key: Key) -> Evaluation:
        """Final metrics: the mean of four evaluations of `size` sequences, and their bounds."""
        held_out = evaluate_many(self, model, size, REPEATS, key=key)
        return Evaluation(scalars(held_out), {}, self.bounds(held_out), {})


class AbstractLongTask(AbstractMemoryTask):
    """Those in which a token or a vector is seen at each step, and the outcome is a class or a number."""

    @property
    @abc.abstractmethod
    def max_distance(self) -> int:
        """Over how many steps something must be remembered, about; for models that start out made for it."""

    @property
    @abc.abstractmethod
    def tokens(self) -> int | None:
        """How many different integers may be seen at a step; None where vectors are seen."""

    @property
    @abc.abstractmethod
    def features(self) -> int | None:
        """The length of the vector that is seen at a step; None where integers are seen."""

    @property
    @abc.abstractmethod
    def classes(self) -> int | None:
        """How many classes an outcome has; None where it is a number."""

    @abc.abstractmethod
    def judge(
        self, predictions: Float[Array, "queries outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        """Metrics per query, of which the mean is reported."""

    def judged(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return self.queries(sequence)

    def answers(self, model: EncodesAndPredicts, memories: Array, asked: Window) -> dict[str, Array]:
        return self.judge(jax.vmap(model.predict)(memories, asked.inputs), asked.outcomes)

    def with_context_window(self, width: int) -> "WithContextWindow":
        """The same task, every step of which shows the last `width` steps too. **Raises:** `ValueError` where
        `width < 1`."""
        return WithContextWindow(self, width)


class WithContextWindow(AbstractLongTask):
    """`task`, every step of which shows the last `width` steps too.

    Who is asked about a later step then sees where that is: needed where the questions are all alike and only their
    order tells them apart, as in `Copy`. Outcomes, queries and metrics are those of `task`.

    **Raises:** `ValueError` where `width < 1`.
    """

    task: AbstractLongTask
    width: int = eqx.field(static=True)

    def __check_init__(self):
        if self.width < 1:
            raise ValueError(f"WithContextWindow: width counts the step itself, so it is at least 1; got {self.width}")

    @property
    def steps(self) -> int:
        return self.task.steps

    @property
    def max_distance(self) -> int:
        return self.task.max_distance

    @property
    def tokens(self) -> int | None:
        return self.task.tokens

    @property
    def features(self) -> int | None:
        return self.task.features

    @property
    def classes(self) -> int | None:
        return self.task.classes

    def sequence(self, *, key: Key) -> ContextWindowSequence:
        return ContextWindowSequence(self.task.sequence(key=key), self.width)

    def held_out(self, *, key: Key) -> ContextWindowSequence:
        return ContextWindowSequence(self.task.held_out(key=key), self.width)

    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        assert isinstance(sequence, ContextWindowSequence)
        return self.task.queries(sequence.sequence)

    def judge(
        self, predictions: Float[Array, "queries outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        return self.task.judge(predictions, outcomes)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        return self.task.bounds(metrics)
