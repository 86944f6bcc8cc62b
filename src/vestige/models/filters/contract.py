"""What a model that only ever goes forward in time offers."""

import abc
import dataclasses
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Key

Module = TypeVar("Module", bound=eqx.Module)


def replaced(module: Module, **fields: Any) -> Module:
    """The same module with other values of some fields, which may be static.

    **Arguments:**

    - `module`: any; its constructor is not called.
    - `fields`: name -> value.
    """
    made = object.__new__(type(module))
    for field in dataclasses.fields(module):  # pyright: ignore[reportArgumentType]
        object.__setattr__(made, field.name, fields.get(field.name, getattr(module, field.name)))
    return made


class AbstractFilter(eqx.Module):
    """A state x_t made of x_{t-1} and y_t alone, and the densities by which it may be fitted at a single step.

    `joint` and `given` are the two targets of that step: how the previous state and the observation come together,
    and how the observation follows from the state. Which one is fitted is the rule's matter. Unbatched.
    """

    @property
    @abc.abstractmethod
    def in_part(self) -> bool:
        """Whether an observation may be missing in some of its values: `advance`, `log_predictive` and densities then
        take one with NaN."""

    def seeing_parts(self) -> "AbstractFilter | None":
        """The same model, of observations that may be missing in some of their values.

        **Returns:** a model whose `in_part` is true; None where the kind of model has no likelihood of some of the
        values.
        """
        return None

    @abc.abstractmethod
    def init(self) -> Float[Array, " hidden"]:
        """x_0.

        **Returns:** (hidden,).
        """

    @abc.abstractmethod
    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        """x_t from x_{t-1} and an observation that is there, or is so `in_part`.

        **Arguments:**

        - `state`: (hidden,), x_{t-1}.
        - `observation`: (observed,), y_t, finite; NaN in what is missing.

        **Returns:** (hidden,).
        """

    @abc.abstractmethod
    def joint(self) -> Any:
        """The density of pairs (x_{t-1}, y_t).

        **Returns:** a density, whose methods are those that the model's step objective needs.
        """

    @abc.abstractmethod
    def given(self, state: Float[Array, " hidden"]) -> Any:
        """The density of y_t given x_{t-1}.

        **Arguments:**

        - `state`: (hidden,), x_{t-1}.

        **Returns:** a density as that of `joint`, differentiable in the state.
        """

    @abc.abstractmethod
    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " features"]:
        """What is read out of a state linearly.

        **Arguments:**

        - `state`: (hidden,), x_t.

        **Returns:** (features,).
        """

    @abc.abstractmethod
    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        """E[y_t | x_t]: the observation without its noise.

        **Arguments:**

        - `state`: (hidden,), x_t.

        **Returns:** (observed,), in units of the observation.
        """

    @abc.abstractmethod
    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """E[y_{t+1} | x_t].

        **Arguments:**

        - `state`: (hidden,), x_t.
        - `key`: for models that estimate it by sampling.

        **Returns:** (observed,), in units of the observation.
        """

    @abc.abstractmethod
    def draw(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """A sample of y_{t+1} from q(y_{t+1} | x_t).

        **Arguments:**

        - `state`: (hidden,), x_t.
        - `key`: of the sample.

        **Returns:** (observed,), in the support of the observation.
        """

    @abc.abstractmethod
    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """log q(y_t | x_{t-1}), or an estimate of it.

        **Arguments:**

        - `previous`: (hidden,), x_{t-1}, the state before the observation.
        - `observation`: (observed,), y_t.
        - `key`: for models that estimate it by sampling.

        **Returns:** one number, nats.
        """

    def filter(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        """x_t from x_{t-1} and y_t, which may be missing.

        **Arguments:**

        - `state`: (hidden,), x_{t-1}.
        - `observation`: (observed,), y_t; where a number is NaN or infinite it counts as missing, or, where the model
          is `in_part`, that number does.

        **Returns:** (hidden,); a missing observation leaves the state as it is.
        """
        finite = jnp.isfinite(observation)
        there = jnp.any(finite) if self.in_part else jnp.all(finite)
        observation = jnp.where(finite, observation, jnp.nan) if self.in_part else observation
        following = self.advance(state, jnp.where(there, observation, 0.0)).astype(state.dtype)
        return jnp.where(there, following, state)

    def unroll(
        self, state: Float[Array, " hidden"], observations: Float[Array, "time observed"]
    ) -> tuple[Array, Float[Array, "time hidden"]]:
        """Filter some steps, one scan.

        **Arguments:**

        - `state`: (hidden,), that before the first.
        - `observations`: (time, observed); a step with a NaN or an infinite number is missing.

        **Returns:** the state after the last step, and (time, hidden), the state *before* each.
        """

        def step(state: Array, observation: Array) -> tuple[Array, Array]:
            return self.filter(state, observation), state

        return jax.lax.scan(step, state, observations)
