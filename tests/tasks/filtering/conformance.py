"""What every filtering task must do, whatever it shows."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tests.tasks.filtering.filters import Leaky
from vestige.sequences import ArraySequence

MANY, FEW = 5, 2  # sizes of batches: each is compiled for itself


@eqx.filter_jit
def drawn(task, size, key):
    return task.batch(size=size, key=key).inputs


@eqx.filter_jit
def judged_rows(task, rows, key):
    return jax.vmap(lambda row: task.held_out(row, key=key))(rows)


@eqx.filter_jit
def evaluated(task, model, size, key):
    return task.evaluate(model, size=size, key=key)


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(np.asarray, a), jax.tree.map(np.asarray, b))


def close(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), a, b)


def shapes_are_as_told(task, key):
    seen = drawn(task, MANY, key)
    assert isinstance(seen, ArraySequence)
    assert seen.inputs.shape == (MANY, task.steps, task.width) and seen.inputs.dtype == jnp.float32
    assert seen.outcomes.shape == (MANY, task.steps, len(task.outcomes)) and seen.outcomes.dtype == jnp.float32
    assert seen.length.shape == (MANY,) and seen.length.dtype == jnp.int32
    assert (seen.length >= 1).all() and (seen.length <= task.steps).all()
    for row in range(MANY):
        task.family.admit(np.asarray(seen.inputs[row, : int(seen.length[row])]), "conformance")


def rows_stand_alone(task, key):
    """Row i depends on key and on i alone, but for the rounding of another batch size's program."""
    many, few = drawn(task, MANY, key), drawn(task, FEW, key)
    close(jax.tree.map(lambda leaf: leaf[:FEW], many), few)
    assert not np.array_equal(many.inputs[0], many.inputs[1])
    assert not np.array_equal(many.inputs[0], drawn(task, FEW, jax.random.fold_in(key, 1)).inputs[0])
    rows = jnp.arange(task.held_out_count(3))
    close(jax.tree.map(lambda leaf: leaf[:1], judged_rows(task, rows, key)), judged_rows(task, rows[:1], key))


def compiled_is_the_same(task, key):
    with jax.disable_jit(False):
        plain = task.batch(size=FEW, key=key).inputs
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), plain, drawn(task, FEW, key))


def is_judged(task, key):
    model = Leaky(jnp.array([0.0, 0.5]), task.width)
    metrics = evaluated(task, model, 4, key)
    delayed = ("position_r2_20", "position_r2_40")  # NaN in short sequences
    assert all(jnp.isfinite(value).all() for name, value in metrics.items() if name not in delayed)
    bounds = task.bounds(metrics)
    assert set(bounds) <= set(metrics) and bounds
    assert all(set(levels) == {"best", "chance"} for levels in bounds.values())
    same(metrics, evaluated(task, model, 4, key))


def padding_is_not_read(task, key):
    """A model filters what is inside alone: garbage behind the end changes nothing."""
    from vestige.tasks.filtering import unroll

    model = Leaky(jnp.array([0.3]), task.width)
    sequence = jax.tree.map(lambda leaf: leaf[0], drawn(task, 1, key))
    short = ArraySequence(sequence.inputs, sequence.outcomes, jnp.array(2, jnp.int32))
    spoilt = ArraySequence(sequence.inputs.at[2:].set(1e9), sequence.outcomes, jnp.array(2, jnp.int32))
    tell = lambda s: unroll(model, s, lambda before, seen, after, key: model.features(after), key=key)
    same(tell(short), tell(spoilt))
    assert np.isfinite(tell(short)).all()
