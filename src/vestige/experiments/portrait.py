"""What a person wants to see of a trained recall model, as arrays."""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.models.temporal import TemporalModel, importance_weighted_bound
from vestige.tasks import PerfectRecall
from vestige.typing import Batch, Key

SHOWN = 4  # sequences per picture
AVERAGED = 256  # sequences behind the mean attention and gates
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


@eqx.filter_jit
def _pictures(task: PerfectRecall, model: TemporalModel, key: Key) -> dict[str, Any]:
    key_data, key_filter, key_continue, key_sample = jax.random.split(key, 4)
    frames = task.held_out(size=AVERAGED, key=key_data).inputs
    rows = jnp.arange(AVERAGED)

    def follow(row):
        return model.filter(frames[row], key=jax.random.fold_in(key_filter, row)).info

    info = jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), jax.lax.map(follow, rows, batch_size=64))

    def continued(row):
        past = model.filter(frames[row, : task.l], key=jax.random.fold_in(key_filter, row))
        future = model.generate(task.k, state=past.state, key=jax.random.fold_in(key_continue, row))
        imagined = model.likelihood.mean(future.frame_parameters)
        return jnp.concatenate([frames[row, : task.l], imagined])

    def sampled(row):
        whole = model.generate(task.frames, key=jax.random.fold_in(key_sample, row))
        return model.likelihood.mean(whole.frame_parameters)

    shown = rows[:SHOWN]
    return {
        "frames": frames[:SHOWN],
        "continued": jax.vmap(continued)(shown),
        "continued_truth": frames[:SHOWN],
        "sampled": jax.vmap(sampled)(shown),
        **info,
    }


def portrait(task: PerfectRecall, model: TemporalModel, *, key: Key) -> dict[str, np.ndarray]:
    """Sequences sampled from the prior, sequences filtered for l frames and then continued, mean attention
    and gates over held-out sequences: the arrays of `evaluation.npz`."""
    arrays = jax.tree.map(np.asarray, _pictures(task, model, key))
    return {**arrays, "given": np.asarray(task.l), "recall_start": np.asarray(task.l)}


def imagine(task: PerfectRecall, model: TemporalModel, *, count: int, frames: int, given: int, seed: int) -> np.ndarray:
    """`count` sequences of `frames` mean frames, the first `given` of them held-out images as they are."""
    key_data, key_filter, key_sample = jax.random.split(jax.random.key(seed), 3)
    truth = task.held_out(size=count, key=key_data).inputs[:, :given]

    @eqx.filter_jit
    def one(model: TemporalModel, row: jax.Array, shown: jax.Array) -> jax.Array:
        past = model.filter(shown, key=jax.random.fold_in(key_filter, row))
        future = model.generate(frames - given, state=past.state, key=jax.random.fold_in(key_sample, row))
        return jnp.concatenate([shown, model.likelihood.mean(future.frame_parameters)])

    return np.asarray(jax.vmap(lambda row, shown: one(model, row, shown))(jnp.arange(count), truth))


def save_strips(path: Path, sequences: np.ndarray) -> None:
    """Write `(count, time, height, width)` in [0, 1] as a picture, a row per sequence, and as `.npz` beside it."""
    from matplotlib.image import imsave

    count, frames, height, width = sequences.shape
    scale = max(1, 48 // height)
    padded = np.pad(sequences, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=0.5)
    rows = padded.transpose(0, 2, 1, 3).reshape(count * (height + 1), frames * (width + 1))
    imsave(path, 1.0 - rows.repeat(scale, 0).repeat(scale, 1), cmap="gray", vmin=0.0, vmax=1.0, format="png")
    np.savez_compressed(path.with_suffix(".npz"), sequences=sequences)
