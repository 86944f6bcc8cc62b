"""How loose the evidence lower bound of a temporal model is."""

import equinox as eqx
import jax
import jax.numpy as jnp

from vestige.models.temporal import TemporalModel, importance_weighted_bound
from vestige.tasks import AbstractFrameTask
from vestige.typing import Key

PARTICLES = 50


@eqx.filter_jit
def importance_gap(task: AbstractFrameTask, model: TemporalModel, *, key: Key) -> jax.Array:
    """How many nats per frame the importance-weighted bound lies above the ELBO: mean over 64 held-out
    sequences with 50 particles each."""
    key_data, key_paths = jax.random.split(key)
    batch = task.held_out(size=64, key=key_data)

    def one(row):
        example = jax.tree.map(lambda leaf: leaf[row], batch)
        key = jax.random.fold_in(key_paths, row)
        return importance_weighted_bound(model, example, particles=PARTICLES, key=key)[1]["gap"]

    return jnp.mean(jax.lax.map(one, jnp.arange(64)))
