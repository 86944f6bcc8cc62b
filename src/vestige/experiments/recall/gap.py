"""How loose the evidence lower bound of a recall model is."""

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.temporal import TemporalModel, importance_weighted_bound
from vestige.tasks import PerfectRecall
from vestige.typing import Batch, Key

PARTICLES = 50


@eqx.filter_jit
def importance_gap(task: PerfectRecall, model: TemporalModel, *, key: Key) -> jax.Array:
    """How many nats per frame the importance-weighted bound lies above the ELBO: mean over 64 held-out
    sequences with 50 particles each."""
    key_data, key_paths = jax.random.split(key)
    frames = task.held_out(size=64, key=key_data).inputs

    def one(row):
        return importance_weighted_bound(
            model, Batch(frames[row]), particles=PARTICLES, key=jax.random.fold_in(key_paths, row)
        )[1]["gap"]

    return jnp.mean(jax.lax.map(one, jnp.arange(64)))
