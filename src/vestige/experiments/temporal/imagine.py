"""Sequences that a temporal model makes up, alone or from a given beginning."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.errors import UsageError
from vestige.models.temporal import TemporalModel
from vestige.tasks import AbstractFrameTask


def imagine(
    task: AbstractFrameTask[Any], model: TemporalModel, *, count: int, frames: int | None, given: int, seed: int
) -> np.ndarray:
    """`count` sequences of `frames` mean frames, the first `given` of them held-out ones as they are. Actions, where
    the task has any, are those of held-out sequences.

    **Raises:** `UsageError` where that leaves nothing to imagine, or is more than a sequence has.
    """
    frames = frames or task.frames
    if given >= frames or given > task.frames:
        raise UsageError(f"--given {given}: a sequence has {min(frames, task.frames)} frames")
    if task.condition_size and frames > task.frames:
        raise UsageError(f"--frames {frames}: there are actions for {task.frames} frames, as in training")
    key_data, key_filter, key_sample = jax.random.split(jax.random.key(seed), 3)
    truth = task.held_out(size=count, key=key_data)

    @eqx.filter_jit
    def one(model: TemporalModel, row: jax.Array, shown: jax.Array, actions: jax.Array | None) -> jax.Array:
        before, after = (None, None) if actions is None else (actions[:given], actions[given:frames])
        past = model.filter(shown, condition=before, key=jax.random.fold_in(key_filter, row))
        future = model.generate(
            frames - given, condition=after, state=past.state, key=jax.random.fold_in(key_sample, row)
        )
        imagined = jax.vmap(model.likelihood.mean)(future.frame_parameters)
        return jnp.concatenate([shown, imagined])

    rows = jnp.arange(count)
    return np.asarray(jax.vmap(lambda *row: one(model, *row))(rows, truth.inputs[:, :given], truth.condition))
