"""What a person wants to see of a trained temporal model, as arrays."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.memory import Attention, Introspection
from vestige.models.temporal import TemporalModel
from vestige.numerics import batched_map
from vestige.tasks import AbstractFrameTask, MapNavigation
from vestige.typing import Batch, Key

SHOWN = 4  # sequences per picture
AVERAGED = 256  # sequences behind the mean attention and gates
MEAN = ("read_weights", "read_gates")
NEWEST_FIRST = (Introspection, Attention)  # whose slot i is i + 1 steps back


@eqx.filter_jit
def _pictures(task: AbstractFrameTask[Any], model: TemporalModel, key: Key) -> dict[str, Any]:
    key_data, key_filter, key_continue, key_sample = jax.random.split(key, 4)
    rows = jnp.arange(AVERAGED)
    shown = jax.vmap(lambda k: task.sequence(task.test, key=k))(
        jax.vmap(lambda row: jax.random.fold_in(key_data, row))(rows)
    )

    def filtered(batch: Batch, row: jax.Array) -> Any:
        return model.filter(batch.inputs, condition=batch.condition, key=jax.random.fold_in(key_filter, row))

    def follow(batch: Batch, row: jax.Array) -> dict[str, Any]:
        info = filtered(batch, row).info
        return {name: info[name] for name in MEAN if name in info}

    each = batched_map(lambda one: follow(*one), (shown.batch, rows), at_most=64)
    info = jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), each)
    few, facts, predictable = jax.tree.map(lambda leaf: leaf[:SHOWN], (shown.batch, shown.facts, shown.predictable))
    example = filtered(jax.tree.map(lambda leaf: leaf[0], few), rows[0]).info

    def continued(batch: Batch, row: jax.Array) -> jax.Array:
        return _continued(task, model, batch, key_filter, key_continue, row)

    def sampled(batch: Batch, row: jax.Array) -> jax.Array:
        return _imagined(model, task.frames, batch.condition, None, key_sample, row)

    return {
        "frames": few.inputs,
        "continued": jax.vmap(continued)(few, rows[:SHOWN]),
        "continued_truth": few.inputs,
        "sampled": jax.vmap(sampled)(few, rows[:SHOWN]),
        "predictable": predictable,
        **info,
        **{f"example_{name}": leaf for name, leaf in example.items()},
        **facts,
    }


def _imagined(model: TemporalModel, frames: int, condition: Any, state: Any, key: Key, row: jax.Array) -> jax.Array:
    """Mean frames from the prior."""
    future = model.generate(frames, condition=condition, state=state, key=jax.random.fold_in(key, row))
    return jax.vmap(model.likelihood.mean)(future.frame_parameters)


def _continued(
    task: AbstractFrameTask[Any], model: TemporalModel, batch: Batch, key_filter: Key, key: Key, row: jax.Array
) -> jax.Array:
    """The frames that are given, and how the model goes on."""
    given = task.given
    before, after = (None, None) if batch.condition is None else (batch.condition[:given], batch.condition[given:])
    past = model.filter(batch.inputs[:given], condition=before, key=jax.random.fold_in(key_filter, row))
    return jnp.concatenate([batch.inputs[:given], _imagined(model, task.frames - given, after, past.state, key, row)])


def portrait(task: AbstractFrameTask[Any], model: TemporalModel, *, key: Key) -> dict[str, np.ndarray]:
    """The arrays of `evaluation.npz` beside the curves: sequences of the data, sampled from the prior, and filtered
    and then continued, with what is known about them; mean attention and gates over held-out sequences; and all that
    the memory tells while it follows the first sequence, its links after the last step only."""
    arrays = jax.tree.map(np.asarray, _pictures(task, model, key))
    if "example_links" in arrays:
        arrays["example_links"] = arrays["example_links"][-1]
    alike = (arrays["predictable"] == arrays["predictable"][:1]).all()
    starts = np.flatnonzero(arrays["predictable"][0])
    if alike and len(starts) and arrays["predictable"][0, starts[0] :].all():
        arrays["recall_start"] = starts[0]
    if isinstance(task, MapNavigation):
        arrays["grid"] = np.asarray(task.grid)
    return {
        **arrays,
        "given": np.asarray(task.given),
        "newest_first": np.asarray(isinstance(model.memory, NEWEST_FIRST)),
    }
