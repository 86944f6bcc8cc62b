"""What a person wants to see of a trained temporal model: final metrics, pictures, and sequences that it generates."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.errors import UsageError
from vestige.memory import Attention, Introspection
from vestige.models.temporal import TemporalModel, importance_weighted_bound
from vestige.numerics import batched_map
from vestige.tasks.contract import Evaluation
from vestige.tasks.evaluation import evaluate_many, scalars
from vestige.typing import Batch, Key

REPEATS = 8  # evaluations behind the final metrics
SHOWN = 4  # sequences per picture
AVERAGED = 256  # sequences behind the mean attention and gates
MEAN = ("read_weights", "read_gates")
NEWEST_FIRST = (Introspection, Attention)  # whose slot i is i + 1 steps back


@runtime_checkable
class OnMap(Protocol):
    """A task whose sequences are walks on a square map."""

    grid: int
    """Cells along a side."""


def diagnostics(task: Any, model: TemporalModel, *, size: int, key: Key) -> Evaluation:
    """Metrics on held-out and on training images, `size` sequences at a time, the tighter bound, and pictures.

    **Arguments:**

    - `task`: an `AbstractFrameTask`.
    - `model`: trained.
    - `size`: sequences per evaluation.
    """
    held_out = evaluate_many(task, model, size, REPEATS, key=key)
    learned = evaluate_many(task.on_training_images(), model, size, REPEATS, key=key)
    metrics = scalars(held_out)
    metrics["negative_iw_bound"] = metrics["negative_bound"] - float(importance_gap(task, model, key=key))
    curves = {name: np.asarray(value) for name, value in held_out.items() if np.ndim(value)}
    return Evaluation(metrics, scalars(learned), task.bounds(held_out), {**curves, **pictures(task, model, key=key)})


PARTICLES = 50


@eqx.filter_jit
def importance_gap(task: Any, model: TemporalModel, *, key: Key) -> jax.Array:
    """How many nats per frame the importance-weighted bound lies above the ELBO: mean over 64 held-out
    sequences with 50 particles each.

    **Arguments:**

    - `task`: an `AbstractFrameTask`.
    - `model`: trained.
    """
    key_data, key_paths = jax.random.split(key)
    batch = task.held_out(size=64, key=key_data)

    def one(row):
        example = jax.tree.map(lambda leaf: leaf[row], batch)
        key = jax.random.fold_in(key_paths, row)
        return importance_weighted_bound(model, example, particles=PARTICLES, key=key)[1]["gap"]

    return jnp.mean(jax.lax.map(one, jnp.arange(64)))


@eqx.filter_jit
def _pictures(task: Any, model: TemporalModel, key: Key) -> dict[str, Any]:
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
        return _generated(model, task.frames, batch.condition, None, key_sample, row)

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


def _generated(model: TemporalModel, frames: int, condition: Any, state: Any, key: Key, row: jax.Array) -> jax.Array:
    """Mean frames from the prior."""
    future = model.generate(frames, condition=condition, state=state, key=jax.random.fold_in(key, row))
    return jax.vmap(model.likelihood.mean)(future.frame_parameters)


def _continued(task: Any, model: TemporalModel, batch: Batch, key_filter: Key, key: Key, row: jax.Array) -> jax.Array:
    """The frames that are given, and how the model goes on."""
    given = task.given
    before, after = (None, None) if batch.condition is None else (batch.condition[:given], batch.condition[given:])
    past = model.filter(batch.inputs[:given], condition=before, key=jax.random.fold_in(key_filter, row))
    return jnp.concatenate([batch.inputs[:given], _generated(model, task.frames - given, after, past.state, key, row)])


def pictures(task: Any, model: TemporalModel, *, key: Key) -> dict[str, np.ndarray]:
    """The arrays of `evaluation.npz` beside the curves: sequences of the data, sampled from the prior, and filtered
    and then continued, with what is known about them; mean attention and gates over held-out sequences; and all that
    the memory reports while it reads the first sequence, its links after the last step only.

    **Arguments:**

    - `task`: an `AbstractFrameTask`.
    - `model`: trained.
    """
    arrays = jax.tree.map(np.asarray, _pictures(task, model, key))
    if "example_links" in arrays:
        arrays["example_links"] = arrays["example_links"][-1]
    alike = (arrays["predictable"] == arrays["predictable"][:1]).all()
    starts = np.flatnonzero(arrays["predictable"][0])
    if alike and len(starts) and arrays["predictable"][0, starts[0] :].all():
        arrays["recall_start"] = starts[0]
    given = np.asarray(task.given)
    if isinstance(task, OnMap):
        arrays["grid"] = np.asarray(task.grid)
    return {
        **arrays,
        "given": given,
        "newest_first": np.asarray(isinstance(model.memory, NEWEST_FIRST)),
    }


def generated(task: Any, model: TemporalModel, *, count: int, frames: int | None, given: int, seed: int) -> np.ndarray:
    """`count` sequences of `frames` mean frames, the first `given` of them held-out ones as they are. Actions, where
    the task has any, are those of held-out sequences.

    **Arguments:**

    - `task`: an `AbstractFrameTask`.
    - `model`: trained.
    - `count`, `frames`, `given`: how many sequences, their length (None: as in training), and how many frames are
      held-out ones.
    - `seed`: of the held-out frames and of the samples.

    **Raises:** `UsageError` where that leaves nothing to generate, or is more than a sequence has.
    """
    length: int = frames or task.frames
    if given >= length or given > task.frames:
        raise UsageError(f"--given {given}: a sequence has {min(length, task.frames)} frames")
    if task.condition_size and length > task.frames:
        raise UsageError(f"--frames {length}: there are actions for {task.frames} frames, as in training")
    key_data, key_filter, key_sample = jax.random.split(jax.random.key(seed), 3)
    truth = task.held_out(size=count, key=key_data)

    @eqx.filter_jit
    def one(model: TemporalModel, row: jax.Array, shown: jax.Array, actions: jax.Array | None) -> jax.Array:
        before, after = (None, None) if actions is None else (actions[:given], actions[given:length])
        past = model.filter(shown, condition=before, key=jax.random.fold_in(key_filter, row))
        future = model.generate(
            length - given, condition=after, state=past.state, key=jax.random.fold_in(key_sample, row)
        )
        future_frames = jax.vmap(model.likelihood.mean)(future.frame_parameters)
        return jnp.concatenate([shown, future_frames])

    rows = jnp.arange(count)
    return np.asarray(jax.vmap(lambda *row: one(model, *row))(rows, truth.inputs[:, :given], truth.condition))
