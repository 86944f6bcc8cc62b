"""Sequences that a recall model makes up, alone or from a given beginning."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.errors import UsageError
from vestige.models.temporal import TemporalModel
from vestige.tasks import PerfectRecall


def imagine(
    task: PerfectRecall, model: TemporalModel, *, count: int, frames: int | None, given: int, seed: int
) -> np.ndarray:
    """`count` sequences of `frames` mean frames, the first `given` of them held-out images as they are.

    **Raises:** `UsageError` where that leaves nothing to imagine or is more than a sequence has.
    """
    frames = frames or task.frames
    if given >= frames or given > task.frames:
        raise UsageError(f"--given {given}: a sequence has {min(frames, task.frames)} frames")
    key_data, key_filter, key_sample = jax.random.split(jax.random.key(seed), 3)
    truth = task.held_out(size=count, key=key_data).inputs[:, :given]

    @eqx.filter_jit
    def one(model: TemporalModel, row: jax.Array, shown: jax.Array) -> jax.Array:
        past = model.filter(shown, key=jax.random.fold_in(key_filter, row))
        future = model.generate(frames - given, state=past.state, key=jax.random.fold_in(key_sample, row))
        return jnp.concatenate([shown, model.likelihood.mean(future.frame_parameters)])

    return np.asarray(jax.vmap(lambda row, shown: one(model, row, shown))(jnp.arange(count), truth))
