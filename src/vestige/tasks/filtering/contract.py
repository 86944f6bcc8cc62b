"""The contract of a task in which a model that only goes forward is judged by what its state knows."""

import abc
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from vestige.models.families import AbstractFamily
from vestige.numerics import batched_map
from vestige.sequences import ArraySequence
from vestige.tasks.contract import AbstractTask
from vestige.typing import Batch, Key, PyTree

EVALUATION_BATCH = 64


@runtime_checkable
class Filters(Protocol):
    """What is asked of a model, for one sequence: x_t is its state after y_1 … y_t."""

    def init(self) -> Any:
        """x_0."""
        ...

    def filter(self, state: Any, observation: Float[Array, " p"], /) -> Any:
        """x_t from x_{t-1} and y_t; a missing observation, NaN, leaves the state as it is."""
        ...

    def features(self, state: Any, /) -> Float[Array, " features"]:
        """What is read out of a state, linearly."""
        ...

    def reconstruct(self, state: Any, /) -> Float[Array, " p"]:
        """E[y_t | x_t]."""
        ...

    def predict(self, state: Any, /, *, key: Key) -> Float[Array, " p"]:
        """E[y_{t+1} | x_t]."""
        ...

    def log_predictive(self, previous: Any, observation: Float[Array, " p"], /, *, key: Key) -> Float[Array, ""]:
        """log q(y_t | x_{t-1}), in nats, from the state *before* the observation."""
        ...


class AbstractFilteringTask(AbstractTask):
    """Sequences of observations, some of what lies behind them, and what a filter's state is asked.

    A batch's `inputs` are one [`ArraySequence`][vestige.sequences.ArraySequence] with a leading batch axis. Its inputs
    are the observations (time, `width`), float32, where a step that is missing is NaN in all `width` values and counts
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
        """One sequence to train on; pure JAX."""

    @abc.abstractmethod
    def held_out(self, row: Int[Array, ""], *, key: Key) -> ArraySequence:
        """The sequence in row `row` of those that a model is judged on under this key; pure JAX."""

    @property
    def width(self) -> int:
        """p, how many numbers are observed at a step."""
        return self.family.size

    def held_out_count(self, size: int) -> int:
        """How many sequences an evaluation of `size` judges: fewer where the held-out data have fewer."""
        return size

    def batch(self, *, size: int, key: Key) -> Batch:
        """`size` sequences to train on, as one with a leading axis, in `inputs`."""
        return Batch(jax.vmap(lambda row: self.sequence(key=jax.random.fold_in(key, row)))(jnp.arange(size)))


def over_held_out(
    task: AbstractFilteringTask, of: Callable[[ArraySequence, Key], PyTree[Array]], *, size: int, key: Key
) -> PyTree[Array]:
    """`of` each held-out sequence, with a key of the row's own, stacked; up to 64 sequences at a time.

    **Raises:** `ValueError` where `size` is not positive.
    """
    if size < 1:
        raise ValueError(f"{type(task).__name__}.evaluate: size must be at least 1, got {size}")
    key_rows, key_model = jax.random.split(key)

    def one(row: Array) -> PyTree[Array]:
        return of(task.held_out(row, key=key_rows), jax.random.fold_in(key_model, row))

    return batched_map(one, jnp.arange(task.held_out_count(size)), at_most=EVALUATION_BATCH)


def unroll(
    model: Filters,
    sequence: ArraySequence,
    read_out: Callable[[Any, Float[Array, " p"], Any, Key], PyTree[Array]],
    *,
    key: Key,
) -> PyTree[Array]:
    """Filter one sequence and keep `read_out(before, observation, after, key)` of every step, time first.

    Steps beyond the sequence's length count as missing, so that nothing in the padding reaches a state; what is
    read out there means nothing. One scan; memory for what is read out alone.
    """
    observations = observed(sequence)

    def step(state: Any, item: tuple[Array, Array]) -> tuple[Any, PyTree[Array]]:
        observation, time = item
        after = model.filter(state, observation)
        return after, read_out(state, observation, after, jax.random.fold_in(key, time))

    return jax.lax.scan(step, model.init(), (observations, jnp.arange(observations.shape[0])))[1]


def observed(sequence: ArraySequence) -> Float[Array, "time p"]:
    """The observations, NaN beyond the sequence's length."""
    inside = jnp.arange(sequence.inputs.shape[0]) < sequence.length
    return jnp.where(inside[:, None], sequence.inputs, jnp.nan)
