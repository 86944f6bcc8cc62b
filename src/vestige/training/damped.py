"""Momentum whose mass grows: the optimiser of the harmonium literature."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from vestige.typing import PyTree

Schedule = Callable[[Int[Array, ""]], Float[Array, ""]]


class DampedState(NamedTuple):
    """Updates done, and the velocity of every parameter."""

    updates: Int[Array, ""]
    velocity: optax.Updates


def mass_spring_damper(
    momentum_groups: Callable[[PyTree], PyTree],
    *,
    growth: Schedule,
    momentum: Schedule,
    decay: Schedule,
    stiffness: float = 0.0,
) -> optax.GradientTransformation:
    """velocity <- -decay w + momentum velocity - (gradient + stiffness w) / (growth mass), w <- w + the new velocity.

    Each parameter is a mass on a spring with a damper: 1 / mass is its first learning rate. (rbmish; the notes' 3.2.3.)

    **Arguments:**

    - `momentum_groups`: of the parameters, to be made from them: a number, or a tree of numbers with their structure.
    - `growth`, `momentum`, `decay`: from the number of updates done.
    - `stiffness`: of the spring, 0 for none.

    The update needs the parameters. Memory: one velocity per parameter.
    """

    def init(parameters: optax.Params) -> DampedState:
        return DampedState(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, parameters))

    def update(
        gradients: optax.Updates, state: DampedState, parameters: optax.Params | None = None
    ) -> tuple[optax.Updates, DampedState]:
        if parameters is None:
            raise ValueError("mass_spring_damper: the update needs the parameters; pass them as optax's third argument")
        grown, kept, pulled = growth(state.updates), momentum(state.updates), decay(state.updates)

        def one(gradient: Array, velocity: Array, weight: Array, mass: float) -> Array:
            return kept * velocity - pulled * weight - (gradient + stiffness * weight) / (grown * mass)

        velocity = jax.tree.map(one, gradients, state.velocity, parameters, momentum_groups(parameters))
        return velocity, DampedState(state.updates + 1, velocity)

    return optax.GradientTransformation(init, update)  # pyright: ignore[reportArgumentType]
