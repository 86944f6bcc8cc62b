"""What a person wants to see of a trained recall model, as arrays."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.models.temporal import TemporalModel
from vestige.tasks import PerfectRecall
from vestige.typing import Key

SHOWN = 4  # sequences per picture
AVERAGED = 256  # sequences behind the mean attention and gates


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
