"""Which steps a rollout's memory must predict, and how well it does."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from vestige.models.longterm import AbstractLongTermModel
from vestige.numerics import masked_where
from vestige.rules.points import prediction_points
from vestige.rules.rollout import mean_where
from vestige.rules.selection import AbstractSelection, Candidates, Targets
from vestige.sequences import AbstractSequence, at
from vestige.typing import Key, PyTree


class PredictionTargets(NamedTuple):
    """Of one rollout."""

    points: Int[Array, " points"]
    """After which of its steps it predicts."""
    counted: Bool[Array, " points"]
    """Which of them count."""
    targets: Targets
    """About which steps, by point."""


def prediction_targets(
    selection: AbstractSelection,
    candidates: Candidates,
    offset: Int[Array, ""],
    length: Int[Array, ""],
    *,
    rollout: int,
    frequency: int,
    count: int,
    horizon: int | None = None,
    key: Key,
) -> PredictionTargets:
    """The steps that must be predicted, for every prediction point of one rollout. Takes no model; no gradient.

    **Arguments:**

    - `selection`: chooses them.
    - `candidates`: of the sequence.
    - `offset`: the step at which the rollout begins.
    - `length`: steps of the sequence.
    - `rollout`: steps of the rollout, static.
    - `frequency`: steps between two prediction points, static.
    - `count`: steps for each point, static.
    - `horizon`: the farthest step that a point may ask about, counted from it, static; None: any.

    **Returns:** the points, which of them count, and their targets.
    """
    steps = jnp.clip(length - offset, 0, rollout)
    points, counted = prediction_points(rollout, frequency, steps)
    keys = jax.random.split(key, points.shape[0])

    def chosen(place: Array, key: Key) -> Targets:
        point = offset + place
        within = candidates if horizon is None else candidates.until(point + horizon)
        return selection(within, point, count, key=key)

    targets = jax.vmap(chosen)(points, keys)
    return PredictionTargets(points, counted, jax.lax.stop_gradient(targets))


def distant_loss(
    model: AbstractLongTermModel,
    sequence: AbstractSequence,
    memories: PyTree[Array],
    prediction_targets: PredictionTargets,
) -> Float[Array, ""]:
    """Mean over the prediction points of the weighted losses at their targets (MemUP equation E6).

    **Arguments:**

    - `model`: memory and predictor.
    - `sequence`: one.
    - `memories`: m_t of the rollout, with leading axis time.
    - `prediction_targets`: of that rollout.

    **Returns:** one number, in units of the model's loss.
    """

    def answered(memory: PyTree[Array], steps: Array) -> Array:
        picked = jax.tree.map(lambda leaf: leaf[:, 0], at(sequence, steps))
        inputs, outcomes = masked_where(picked.known, (picked.inputs, picked.outcomes))
        losses = jax.vmap(lambda x, y: model.surprise(memory, x, y))(inputs, outcomes)
        return jnp.where(picked.known, losses, 0.0)

    there = jax.tree.map(lambda leaf: leaf[prediction_targets.points], memories)
    losses = jax.vmap(answered)(there, prediction_targets.targets.steps)
    return mean_where(jnp.sum(losses * prediction_targets.targets.weights, axis=1), prediction_targets.counted)
