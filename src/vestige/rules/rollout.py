"""A few steps of a long sequence, followed with gradient."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.longterm import LongTermModel
from vestige.sequences import AbstractSequence, Window


class Rollout(NamedTuple):
    """What happened in it."""

    window: Window
    """Its steps."""
    memories: Float[Array, "rollout memory"]
    """m_t after each of them."""
    state: Any
    """With which the next rollout begins."""


def follow(model: LongTermModel, sequence: AbstractSequence, offset: Int[Array, ""], state: Any, steps: int) -> Rollout:
    """Take `steps` steps from `offset` on. The state that enters is a constant."""
    window = sequence.window(offset, steps)
    state, memories = model.remember(jax.lax.stop_gradient(state), window.inputs, window.inside)
    return Rollout(window, memories, state)


def current_loss(model: LongTermModel, rollout: Rollout) -> Float[Array, ""]:
    """Mean over the known steps of what memory and predictor lose at the step itself: the read-out that is judged."""
    window = rollout.window
    losses = jax.vmap(model.surprise)(rollout.memories, window.inputs, window.outcomes)
    return mean_where(losses, window.known)


def local_loss(
    model: LongTermModel, sequence: AbstractSequence, offset: Int[Array, ""], steps: int
) -> Float[Array, ""]:
    """Mean over the same steps of what the detector loses."""
    lead = model.detector.context - 1
    window = sequence.window(offset - lead, steps + lead)
    predictions = model.detector(window.inputs, window.inside)
    losses = jax.vmap(model.outcome.loss)(predictions, jax.tree.map(lambda leaf: leaf[lead:], window.outcomes))
    return mean_where(losses, window.known[lead:])


def mean_where(values: Float[Array, " steps"], where: Bool[Array, " steps"]) -> Float[Array, ""]:
    """Their mean where `where` is True; 0 where it never is."""
    return jnp.sum(jnp.where(where, values, 0.0)) / jnp.maximum(jnp.sum(where, dtype=values.dtype), 1.0)
