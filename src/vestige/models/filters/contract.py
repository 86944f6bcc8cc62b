"""What a model that only ever goes forward in time offers."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vestige.typing import Key


class AbstractFilter(eqx.Module):
    """A state x_t made of x_{t-1} and y_t alone, and the densities by which it may be fitted at a single step.

    `joint` and `given` are the two targets of that step: how the previous state and the observation come together,
    and how the observation follows from the state. Which one is fitted is the rule's matter. Unbatched.
    """

    @abc.abstractmethod
    def init(self) -> Float[Array, " hidden"]:
        """x_0."""

    @abc.abstractmethod
    def advance(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        """x_t from x_{t-1} and an observation that is there."""

    @abc.abstractmethod
    def joint(self) -> Any:
        """The density of pairs (x_{t-1}, y_t)."""

    @abc.abstractmethod
    def given(self, state: Float[Array, " hidden"]) -> Any:
        """The density of y_t given x_{t-1}, differentiable in it."""

    @abc.abstractmethod
    def features(self, state: Float[Array, " hidden"]) -> Float[Array, " features"]:
        """What is read out of a state linearly."""

    @abc.abstractmethod
    def reconstruct(self, state: Float[Array, " hidden"]) -> Float[Array, " observed"]:
        """E[y_t | x_t]: the observation without its noise."""

    @abc.abstractmethod
    def predict(self, state: Float[Array, " hidden"], *, key: Key) -> Float[Array, " observed"]:
        """E[y_{t+1} | x_t]."""

    @abc.abstractmethod
    def log_predictive(
        self, previous: Float[Array, " hidden"], observation: Float[Array, " observed"], *, key: Key
    ) -> Float[Array, ""]:
        """log q(y_t | x_{t-1}) in nats, or an estimate of it."""

    def filter(self, state: Float[Array, " hidden"], observation: Float[Array, " observed"]) -> Array:
        """x_t from x_{t-1} and y_t; an observation with a NaN in it is missing and leaves the state as it is, and so
        does one with an infinite value, of which nothing can be made."""
        there = jnp.all(jnp.isfinite(observation))
        return jnp.where(there, self.advance(state, jnp.where(there, observation, 0.0)), state)

    def unroll(
        self, state: Float[Array, " hidden"], observations: Float[Array, "time observed"]
    ) -> tuple[Array, Float[Array, "time hidden"]]:
        """Some steps: the state after the last, and the state *before* each."""

        def step(state: Array, observation: Array) -> tuple[Array, Array]:
            return self.filter(state, observation), state

        return jax.lax.scan(step, state, observations)
