"""What every filtering task must do, whatever it shows. One program for each of what is drawn, held out and judged."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from tests.tasks.filtering.filters import Leaky
from vestige.sequences import ArraySequence
from vestige.tasks.filtering import unroll

MANY, FEW = 5, 1  # sizes of batches: each is compiled for itself


@eqx.filter_jit
def drawn(task, size, key):
    return task.batch(size=size, key=key).inputs


@eqx.filter_jit
def judged_rows(task, rows, key):
    return jax.vmap(lambda row: task.held_out(row, key=key))(rows)


@eqx.filter_jit
def evaluated(task, model, size, key):
    return task.evaluate(model, size=size, key=key)


@eqx.filter_jit
def told(model, sequence, key):
    """The features of the state after each step."""
    return unroll(model, sequence, lambda before, seen, after, key: model.features(after), key=key)


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, jax.tree.map(np.asarray, a), jax.tree.map(np.asarray, b))


def close(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), a, b)


def first(rows):
    """The first of them, on the host."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[0], rows)


def shapes_are_as_told(task, key):
    seen = drawn(task, MANY, key)
    assert isinstance(seen, ArraySequence)
    assert seen.inputs.shape == (MANY, task.steps, task.width) and seen.inputs.dtype == jnp.float32
    assert seen.outcomes.shape == (MANY, task.steps, len(task.outcomes)) and seen.outcomes.dtype == jnp.float32
    assert seen.length.shape == (MANY,) and seen.length.dtype == jnp.int32
    inputs, lengths = np.asarray(seen.inputs), np.asarray(seen.length)
    assert (lengths >= 1).all() and (lengths <= task.steps).all()
    for row in range(MANY):
        task.family.admit(inputs[row, : lengths[row]], "conformance")


def rows_and_keys_differ(task, key):
    inputs = np.asarray(drawn(task, MANY, key).inputs)
    assert not np.array_equal(inputs[0], inputs[1])
    assert not np.array_equal(inputs[0], first(drawn(task, MANY, jax.random.fold_in(key, 1))).inputs)


def rows_stand_alone(task, key):
    """Row i depends on key and on i alone, but for the rounding of another batch size's program."""
    close(first(drawn(task, MANY, key)), first(drawn(task, FEW, key)))
    rows = np.arange(task.held_out_count(3))
    same(first(judged_rows(task, rows, key)), first(judged_rows(task, np.zeros_like(rows), key)))


def compiled_is_the_same(task, key):
    with jax.disable_jit(False):
        plain = task.batch(size=FEW, key=key).inputs
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), plain, drawn(task, FEW, key))


def is_judged(task, key):
    model = Leaky(jnp.array([0.0, 0.5]), task.width)
    metrics = evaluated(task, model, 4, key)
    delayed = ("position_r2_20", "position_r2_40")  # NaN in short sequences
    assert all(np.isfinite(value).all() for name, value in metrics.items() if name not in delayed)
    bounds = task.bounds(metrics)
    assert set(bounds) <= set(metrics) and bounds
    assert all(set(levels) == {"best", "chance"} for levels in bounds.values())
    same(metrics, evaluated(task, model, 4, key))


def padding_is_not_read(task, key):
    """A model filters what is inside alone: garbage behind the end changes nothing."""
    model = Leaky(jnp.array([0.3]), task.width)
    sequence, two = first(drawn(task, MANY, key)), np.array(2, np.int32)
    garbage = np.concatenate([sequence.inputs[:2], np.full_like(sequence.inputs[2:], 1e9)])
    short, spoilt = (
        told(model, ArraySequence(jnp.asarray(inputs), jnp.asarray(sequence.outcomes), jnp.asarray(two)), key)
        for inputs in (sequence.inputs, garbage)
    )
    same(short, spoilt)
    assert np.isfinite(short).all()
