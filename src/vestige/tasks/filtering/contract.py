"""The contract of a task in which a model that only goes forward is evaluated by what its state knows."""

import abc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vestige.models.families import AbstractFamily
from vestige.numerics import batched_map
from vestige.sequences import ArraySequence
from vestige.tasks.contract import AbstractTask, Evaluation
from vestige.tasks.filtering import diagnostics
from vestige.tasks.filtering.momentum_groups import POPULATION, MomentumGroups
from vestige.tasks.filtering.sampling import plain_samples, sampled_sequences
from vestige.tasks.samples import Sampled
from vestige.typing import Batch, Key, PyTree

EVALUATION_BATCH = 64


class AbstractFilteringTask(AbstractTask):
    """Sequences of observations, some of what lies behind them, and what is read out of a filter's state.

    A batch's `inputs` are one [`ArraySequence`][vestige.sequences.ArraySequence] with a leading batch axis. Its inputs
    are the observations (time, `width`), float32, where a step that is missing is NaN in all `width` values (in some,
    where `family` is an [`InPart`][vestige.models.families.InPart]) and counts
    as inside all the same; its outcomes are what may be read out of a state at that step (time, d), float32, named by
    `outcomes`. Row i of a batch, and row i of the held-out sequences, are functions of the key and of i alone.
    """

    @property
    @abc.abstractmethod
    def family(self) -> AbstractFamily:
        """Of the observations: what kind of values they are, and how many at a step."""

    @property
    @abc.abstractmethod
    def outcomes(self) -> tuple[str, ...]:
        """The names of the d outcomes."""

    @property
    @abc.abstractmethod
    def steps(self) -> int:
        """The time axis of a training sequence; one may be shorter (`length`)."""

    @abc.abstractmethod
    def sequence(self, *, key: Key) -> ArraySequence:
        """One sequence to train on; pure JAX.

        **Returns:** at most `steps` steps: observations (steps, width) and outcomes (steps, d), float32.
        """

    @abc.abstractmethod
    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        """One of the sequences on which a model is evaluated under this key; pure JAX.

        **Arguments:**

        - `row`: its number, an integer from 0 to `held_out_count` - 1; may be traced.
        - `key`: which sequences are held out; the same for all rows.

        **Returns:** a sequence like those to train on; its length may differ.
        """

    @property
    def width(self) -> int:
        """p, how many numbers are observed at a step."""
        return self.family.size

    def held_out_count(self, size: int) -> int:
        """How many sequences an evaluation takes.

        **Arguments:**

        - `size`: held-out sequences that are wanted.

        **Returns:** `size`, or fewer where the held-out data have fewer.
        """
        return size

    @property
    def momentum_groups(self) -> MomentumGroups:
        """With which a recurrent harmonium learns such observations: the table of the authors' programs."""
        return POPULATION

    def diagnostics(self, model: Any, *, size: int, key: Key) -> Evaluation:
        """Metrics on held-out sequences, one of them filtered step by step, and what the model generates, where it
        can.

        Costs one evaluation, and one sequence more.

        **Arguments:**

        - `model`: as `evaluate` takes it.
        - `size`: held-out sequences of the evaluation.

        **Returns:** final metrics, their bounds, and arrays for the report.
        """
        return diagnostics.diagnostics(self, model, size=size, key=key)

    def sampled(self, model: Any, *, count: int, steps: int | None, given: int, seed: int) -> Sampled:
        """Sequences that a model generates, for `vestige sample`.

        **Arguments:**

        - `model`: a filter that is trained on this task.
        - `count`: how many.
        - `steps`: of each; None: as many as in training.
        - `given`: how many at the beginning of each are those of held-out sequences.
        - `seed`: of the held-out sequences and of the samples.

        **Returns:** the samples, in the units of the data.

        **Raises:** `UsageError` where there are no such sequences, or not as long.
        """
        length = max(self.steps, given + 1) if steps is None else steps
        return self.shown(sampled_sequences(self, model, count=count, steps=length, given=given, seed=seed))

    def shown(self, sequences: np.ndarray) -> Sampled:
        """Sequences in the forms in which they can be written.

        **Arguments:**

        - `sequences`: (count, steps, p) float64, as a model sees them.

        **Returns:** a table with a row for each step, and what else they are.
        """
        return plain_samples(sequences)

    def batch(self, *, size: int, key: Key) -> Batch:
        """Draw sequences to train on.

        **Arguments:**

        - `size`: how many, static.

        **Returns:** a batch with one sequence with a leading axis in `inputs`.
        """
        return Batch(jax.vmap(lambda row: self.sequence(key=jax.random.fold_in(key, row)))(jnp.arange(size)))


def over_held_out(
    task: AbstractFilteringTask, of: Callable[[ArraySequence, Key], PyTree[Array]], *, size: int, key: Key
) -> PyTree[Array]:
    """Apply a function to each held-out sequence, up to 64 sequences at a time.

    **Arguments:**

    - `task`: whose held-out sequences they are.
    - `of`: from a sequence and a key of the row's own to a pytree of arrays.
    - `size`: held-out sequences that are wanted.

    **Returns:** the results, stacked.

    **Raises:** `ValueError` where `size` is not positive.
    """
    if size < 1:
        raise ValueError(f"{type(task).__name__}.evaluate: size must be at least 1, got {size}")
    key_rows, key_model = jax.random.split(key)

    def one(row: Array) -> PyTree[Array]:
        return of(task.held_out(row, key=key_rows), jax.random.fold_in(key_model, row))

    return batched_map(one, jnp.arange(task.held_out_count(size)), at_most=EVALUATION_BATCH)
