"""A filter, one sequence at a time: what is required of a model, and what is read out of its states."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.sequences import ArraySequence
from vestige.typing import Key, PyTree


@runtime_checkable
class Filters(Protocol):
    """What a filtering task requires of a model, for one sequence: x_t is its state after y_1 … y_t."""

    def init(self) -> Any:
        """x_0.

        **Returns:** a pytree of arrays.
        """
        ...

    def filter(self, state: Any, observation: Float[Array, " p"], /) -> Any:
        """x_t from x_{t-1} and y_t.

        **Arguments:**

        - `state`: x_{t-1}.
        - `observation`: (p,), y_t; a missing one, NaN, leaves the state as it is. One that is NaN in some values counts
          as missing too, unless the model says otherwise (`in_part`).

        **Returns:** x_t.
        """
        ...

    def features(self, state: Any, /) -> Float[Array, " features"]:
        """What is read out of a state, linearly.

        **Arguments:**

        - `state`: x_t.

        **Returns:** (features,).
        """
        ...

    def reconstruct(self, state: Any, /) -> Float[Array, " p"]:
        """E[y_t | x_t].

        **Arguments:**

        - `state`: x_t.

        **Returns:** (p,).
        """
        ...

    def predict(self, state: Any, /, *, key: Key) -> Float[Array, " p"]:
        """E[y_{t+1} | x_t].

        **Arguments:**

        - `state`: x_t.

        **Returns:** (p,).
        """
        ...

    def log_predictive(self, previous: Any, observation: Float[Array, " p"], /, *, key: Key) -> Float[Array, ""]:
        """log q(y_t | x_{t-1}).

        **Arguments:**

        - `previous`: x_{t-1}, the state *before* the observation.
        - `observation`: (p,), y_t.

        **Returns:** one number, nats.
        """
        ...


def unroll(
    model: Filters,
    sequence: ArraySequence,
    read_out: Callable[[Any, Float[Array, " p"], Any, Key], PyTree[Array]],
    *,
    key: Key,
) -> PyTree[Array]:
    """Filter one sequence and keep something of every step.

    Steps beyond the sequence's length count as missing, so that nothing in the padding reaches a state; what is
    read out there means nothing. One scan; memory for what is read out alone.

    **Arguments:**

    - `model`: the filter.
    - `sequence`: of observations.
    - `read_out`: `read_out(before, observation, after, key)`, from the states before and after a step to what is kept.

    **Returns:** what `read_out` returned, time first.
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
