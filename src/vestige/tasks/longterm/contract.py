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
    """Sequences in which some outcomes are uncertain to a model that does not remember.

    A final task says how one sequence is made, and at which of its steps a memory is evaluated and how. These steps are
    part of the task: what a detector takes for uncertain must not decide on what it is evaluated (MemUP pitfall 8).
    Row i of a batch is a function of the key and of i alone.
    """

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """The most steps that a sequence has."""

    @abc.abstractmethod
    def sequence(self, *, key: Key) -> AbstractSequence:
        """One sequence to train on; pure JAX.

        **Returns:** at most `steps` steps, read in windows.
        """

    @abc.abstractmethod
    def held_out(self, *, key: Key) -> AbstractSequence:
        """One sequence to be evaluated on; where sequences are generated, one like any other.

        **Returns:** a sequence like those to train on.
        """

    @abc.abstractmethod
    def queries(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        """The steps whose outcome takes a memory.

        **Arguments:**

        - `sequence`: of this task.

        **Returns:** (queries,), integers, as many in every sequence.
        """

    @abc.abstractmethod
    def eval_steps(self, sequence: AbstractSequence) -> Int[Array, " evaluated"]:
        """The steps at which a model is evaluated, the queries among them.

        **Arguments:**

        - `sequence`: of this task.

        **Returns:** (evaluated,), integers, as many in every sequence.
        """

    @abc.abstractmethod
    def answers(self, model: Any, memories: PyTree[Array], queried: Window) -> dict[str, Float[Array, " _"]]:
        """Metrics of one sequence.

        **Arguments:**

        - `model`: the long-term model.
        - `memories`: m_k for every step that is evaluated, with that leading axis.
        - `queried`: these steps, with the same leading axis.

        **Returns:** name -> one number for each of them, or for some; the mean is reported.
        """

    def batch(self, *, size: int, key: Key) -> Batch:
        """Draw sequences to train on.

        **Arguments:**

        - `size`: how many, static.

        **Returns:** a batch with one sequence with a leading axis in `inputs`.
        """
        return Batch(jax.vmap(lambda row: self.sequence(key=jax.random.fold_in(key, row)))(jnp.arange(size)))

    def evaluate(self, model: Encodes, *, size: int, key: Key, read_size: int = READ_SIZE) -> Metrics:
        """Means over the evaluated steps of held-out sequences, where y_k is predicted from m_k and x_k.

        Every sequence is read once, 64 at a time, in windows of `read_size` steps. Memory: that of reading 64 windows,
        however long the sequences.

        **Arguments:**

        - `model`: the long-term model.
        - `size`: held-out sequences, static.
        - `read_size`: steps read at a time; it changes no result.

        **Returns:** the metrics, scalars.

        **Raises:** `ValueError` where `size` or `read_size` is not positive.
        """
        if size < 1 or read_size < 1:
            raise ValueError(f"evaluate: size and read_size must be at least 1, got size={size}, read_size={read_size}")

        def one(row: Array) -> dict[str, Array]:
            sequence = self.held_out(key=jax.random.fold_in(key, row))
            steps = self.eval_steps(sequence)
            memories = readouts_at(model, sequence, steps, steps=self.steps, read_size=min(read_size, self.steps))
            return self.answers(model, memories, jax.tree.map(lambda leaf: leaf[:, 0], at(sequence, steps)))

        values = batched_map(one, jnp.arange(size), at_most=EVALUATION_BATCH)
        return {name: jnp.mean(found) for name, found in values.items()}

    def diagnostics(self, model: Encodes, *, size: int, key: Key) -> Evaluation:
        """Final metrics: the mean of four evaluations, and their bounds.

        **Arguments:**

        - `model`: the long-term model.
        - `size`: held-out sequences per evaluation.

        **Returns:** metrics and bounds; there are no arrays.
        """
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
    def prediction_metrics(
        self, predictions: Float[Array, "queries outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        """Metrics per query.

        **Arguments:**

        - `predictions`: (queries, outputs), logits of the classes, or the mean of a number.
        - `outcomes`: (queries,), classes or numbers.

        **Returns:** name -> (queries,), of which the mean is reported.
        """

    def eval_steps(self, sequence: AbstractSequence) -> Int[Array, " queries"]:
        return self.queries(sequence)

    def answers(self, model: EncodesAndPredicts, memories: Array, queried: Window) -> dict[str, Array]:
        return self.prediction_metrics(jax.vmap(model.predict)(memories, queried.inputs), queried.outcomes)

    def with_context_window(self, width: int) -> "WithContextWindow":
        """The same task, every step of which shows the last few too.

        **Arguments:**

        - `width`: steps that are shown, the present one included.

        **Returns:** the task.

        **Raises:** `ValueError` where `width < 1`.
        """
        return WithContextWindow(self, width)


class WithContextWindow(AbstractLongTask):
    """`task`, every step of which shows the last `width` steps too.

    A prediction of a later step then sees where that is: needed where the questions are all alike and only their
    order distinguishes them, as in `Copy`. Outcomes, queries and metrics are those of `task`.

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

    def prediction_metrics(
        self, predictions: Float[Array, "queries outputs"], outcomes: Array
    ) -> dict[str, Float[Array, " queries"]]:
        return self.task.prediction_metrics(predictions, outcomes)

    def bounds(self, metrics: Metrics) -> dict[str, Any]:
        return self.task.bounds(metrics)
