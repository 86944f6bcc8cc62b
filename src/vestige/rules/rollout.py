"""A few steps of a long sequence, followed with gradient."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.longterm import AbstractLongTermModel
from vestige.numerics import masked_where
from vestige.sequences import AbstractSequence, Window
from vestige.typing import PyTree


class Rollout(NamedTuple):
    """What happened in it."""

    window: Window
    """Its steps."""
    memories: PyTree[Array]
    """m_t after each of them, time first."""
    state: Any
    """With which the next rollout begins."""


def unroll(
    model: AbstractLongTermModel,
    sequence: AbstractSequence,
    offset: Int[Array, ""],
    state: Any,
    steps: int,
    stride: int | None = None,
) -> Rollout:
    """Take some steps of one sequence. Differentiable in the state that enters: the caller cuts the gradient there.

    **Arguments:**

    - `model`: whose memory reads.
    - `sequence`: one.
    - `offset`: the first step.
    - `state`: that before it.
    - `steps`: how many, static.
    - `stride`: the next rollout begins after this many of them; None: after all.

    **Returns:** the window, m_t for each step, and the state with which the next rollout begins.
    """
    window = sequence.window(offset, steps)
    if stride is None or stride == steps:
        state, memories = model.encode(state, window.inputs, window.inside)
        return Rollout(window, memories, state)
    early = jax.tree.map(lambda leaf: leaf[:stride], window)
    late = jax.tree.map(lambda leaf: leaf[stride:], window)
    state, first = model.encode(state, early.inputs, early.inside)
    _, second = model.encode(state, late.inputs, late.inside)
    both = jax.tree.map(lambda one, other: jnp.concatenate([one, other]), first, second)
    return Rollout(window, both, state)


def current_loss(model: AbstractLongTermModel, rollout: Rollout) -> Float[Array, ""]:
    """Mean over the known steps of the loss of memory and predictor at the step itself, where a model is evaluated.

    **Arguments:**

    - `model`: memory and predictor.
    - `rollout`: one.

    **Returns:** one number, in units of the model's loss.
    """
    window = rollout.window
    inputs, outcomes = masked_where(window.known, (window.inputs, window.outcomes))
    losses = jax.vmap(model.surprise)(rollout.memories, inputs, outcomes)
    return mean_where(losses, window.known)


def local_loss(
    model: AbstractLongTermModel, sequence: AbstractSequence, offset: Int[Array, ""], steps: int
) -> Float[Array, ""]:
    """Mean over the known steps of a rollout of the detector's loss.

    **Arguments:**

    - `model`: with the detector.
    - `sequence`: one.
    - `offset`, `steps`: the first step of the rollout, and how many.

    **Returns:** one number, in units of the detector's loss.
    """
    lead = model.detector.context - 1
    window = sequence.window(offset - lead, steps + lead)
    predictions = model.detector(window.inputs, window.inside)
    outcomes = masked_where(window.known, window.outcomes)
    losses = jax.vmap(model.outcome.loss)(predictions, jax.tree.map(lambda leaf: leaf[lead:], outcomes))
    return mean_where(losses, window.known[lead:])


def mean_where(values: Float[Array, " steps"], where: Bool[Array, " steps"]) -> Float[Array, ""]:
    """The mean of `values` where `where` is True; 0 where it never is."""
    return jnp.sum(jnp.where(where, values, 0.0)) / jnp.maximum(jnp.sum(where, dtype=values.dtype), 1.0)
