"""The conformance suite of the cell contract: a new cell adds one line to CELLS."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.cells import (
    GRU,
    LSTM,
    SRNN,
    AbstractParallelCell,
    Chrono,
    LinearRecurrence,
    Remembering,
    Stacked,
    Tape,
    unroll,
)
from vestige.memory import DNC, Attention

INPUT, OUTPUT = 3, 4


def remembering(key):
    keys = jax.random.split(key, 3)
    memory = DNC(2, OUTPUT, slots=5, word_size=3, key=keys[0])
    cell = LSTM(INPUT + memory.feedback_size, OUTPUT, key=keys[1])
    return Remembering(cell, memory, eqx.nn.Linear(INPUT + OUTPUT, 2, key=keys[2]))


def attending(key):
    keys = jax.random.split(key, 3)
    memory = Attention(2, OUTPUT, slots=9, key_size=4, key=keys[0])
    return Remembering(GRU(INPUT, OUTPUT, key=keys[1]), memory, eqx.nn.Linear(INPUT + OUTPUT, 2, key=keys[2]))


CELLS = {
    "lstm": lambda key: LSTM(INPUT, OUTPUT, key=key),
    "lstm, hard": lambda key: LSTM(INPUT, OUTPUT, gate=jax.nn.hard_sigmoid, key=key),
    "lstm, chrono": lambda key: LSTM(INPUT, OUTPUT, retention=Chrono(100.0), key=key),
    "gru": lambda key: GRU(INPUT, OUTPUT, key=key),
    "gru, chrono": lambda key: GRU(INPUT, OUTPUT, retention=Chrono(100.0), key=key),
    "srnn": lambda key: SRNN(INPUT, OUTPUT, key=key),
    "linear": lambda key: LinearRecurrence(INPUT, OUTPUT, units=6, key=key),
    "stacked": lambda key: Stacked([LSTM(INPUT, 5, key=key), LinearRecurrence(5, 6, key=key), GRU(6, OUTPUT, key=key)]),
    "dnc behind": remembering,
    "attention behind": attending,
    "tape": lambda key: Tape(GRU(INPUT, OUTPUT, key=key), INPUT, slots=3, word_size=2, key=jax.random.fold_in(key, 1)),
}


@functools.cache
def made(name):
    """In one compilation."""
    return eqx.filter_jit(CELLS[name])(jax.random.key(3))


@pytest.fixture(params=CELLS)
def cell(request):
    return made(request.param)


@eqx.filter_jit
def run(cell, xs, state=None, drive=None):
    def step(state, x):
        return cell(state, x) if drive is None else cell(state, x, drive)

    return jax.lax.scan(step, cell.init() if state is None else state, xs)


def test_shapes(cell, key):
    _, out = run(cell, jax.random.normal(key, (6, INPUT)))
    assert out.shape == (6, cell.output_size)


def test_two_parts_are_the_whole(cell, key):
    xs = jax.random.normal(key, (8, INPUT))
    state, whole = run(cell, xs)
    half, first = run(cell, xs[:4])
    end, second = run(cell, xs[4:], half)
    np.testing.assert_array_equal(whole, jnp.concatenate([first, second]))
    jax.tree.map(np.testing.assert_array_equal, state, end)


def test_no_drive_is_a_drive_of_zero(cell, key):
    xs = jax.random.normal(key, (5, INPUT))
    still = run(cell, xs, drive=jnp.zeros(cell.drive_size))[1]
    np.testing.assert_allclose(run(cell, xs)[1], still, rtol=1e-5, atol=1e-7)
    moved = run(cell, xs, drive=jnp.ones(cell.drive_size))[1]
    assert float(jnp.max(jnp.abs(moved - run(cell, xs)[1]))) > 1e-3


@eqx.filter_jit
def slopes(cell, xs):
    return eqx.filter_grad(lambda c: jnp.sum(run(c, xs)[1]))(cell)


def test_a_thousand_wild_steps_stay_finite_gradient_included(cell, key):
    gradients = slopes(cell, 1e4 * jax.random.normal(key, (1000, INPUT)))
    for leaf in jax.tree.leaves(gradients):
        assert bool(jnp.all(jnp.isfinite(leaf)))


@eqx.filter_jit
def both_ways(cell, xs, drive):
    """Last state, outputs and gradient: step by step, and unrolled."""
    begun, _ = run(cell, xs[:2])

    def one_by_one(cell):
        return jax.lax.scan(lambda state, x: cell(state, *x), begun, (xs, drive))

    def unrolled(cell):
        return unroll(cell, begun, xs, drive)

    def with_gradient(way):
        return *way(cell), eqx.filter_grad(lambda c: jnp.sum(jnp.sin(way(c)[1])))(cell)

    return with_gradient(one_by_one), with_gradient(unrolled)


def test_unrolled_is_step_by_step_gradient_included(cell, key):
    xs = jax.random.normal(key, (9, INPUT))
    drive = 0.3 * jax.random.normal(jax.random.fold_in(key, 1), (9, cell.drive_size))
    (end, out, gradients), (end_, out_, gradients_) = both_ways(cell, xs, drive)
    np.testing.assert_allclose(out_, out, rtol=1e-4, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), end_, end)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4), gradients_, gradients)


MASKS = {
    "whole": [True, True, True, True, True, True],
    "start": [False, False, True, True, True, True],
    "middle": [True, True, False, False, True, True],
    "end": [True, True, True, False, False, False],
    "here and there": [False, True, False, True, True, False],
    "all": [False] * 6,
}


@eqx.filter_jit
def masked(cell, begun, xs, drive, mask):
    """State and outputs that count, and the gradient of both for the parameters, the state before, inputs and drive."""

    def total(parts):
        cell, begun, xs, drive = parts
        end, out = unroll(cell, begun, xs, drive, mask=mask)
        out = jnp.where(mask[:, None], out, 0.0)
        numbers = [jnp.sum(jnp.sin(jnp.abs(leaf) + jnp.real(leaf))) for leaf in jax.tree.leaves(end)]
        return jnp.sum(jnp.sin(out)) + sum(numbers), (end, out)

    return eqx.filter_value_and_grad(total, has_aux=True)((cell, begun, xs, drive))


def test_masked_steps_are_not_there_wherever_they_are(cell, key):
    """NaN, or anything else, where the mask is False changes neither value nor gradient, and the result is that of the
    other steps alone."""
    xs = np.asarray(jax.random.normal(key, (6, INPUT)))
    drive = np.asarray(0.3 * jax.random.normal(jax.random.fold_in(key, 1), (6, cell.drive_size)))
    begun = jax.tree.map(lambda leaf: leaf + 0.25, cell.init()) if not isinstance(cell, Remembering) else cell.init()
    for place, mask in MASKS.items():
        mask = np.array(mask)
        padded = [np.where(mask[:, None], leaf, np.float32(np.nan)) for leaf in (xs, drive)]
        found, slopes = jax.device_get(masked(cell, begun, *padded, mask))
        clean = jax.device_get(masked(cell, begun, xs, drive, mask))
        jax.tree.map(np.testing.assert_array_equal, (found, slopes), clean)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((found, slopes))), place
        if not mask.any():
            jax.tree.map(np.testing.assert_array_equal, found[1][0], jax.device_get(begun))
            assert not any(np.any(leaf) for leaf in jax.tree.leaves(slopes[0]))
            continue
        end, out = jax.lax.scan(lambda state, x: cell(state, *x), begun, (xs[mask], drive[mask]))
        np.testing.assert_allclose(found[1][1][mask], out, rtol=1e-4, atol=1e-5)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found[1][0], end)
        assert not np.any(slopes[2][~mask]) and not np.any(slopes[3][~mask])


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision(cell, key, dtype):
    """Parameters and inputs of 16 bits: it runs, and is what 32 bits give but for rounding."""
    half = lambda tree: jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, tree)
    xs = jax.random.normal(key, (6, INPUT)).astype(dtype)
    loss = lambda cell, xs: jnp.sum(jnp.sin(unroll(cell, cell.init(), xs)[1].astype(jnp.float32)))
    with jax.numpy_dtype_promotion("standard"):
        value, slopes = eqx.filter_jit(eqx.filter_value_and_grad(loss))(half(cell), xs)
    expected = loss(cell, xs.astype(jnp.float32))
    assert float(value) == pytest.approx(float(expected), abs=0.1 + 0.05 * abs(float(expected)))
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(slopes))


def test_a_parallel_cell_says_so():
    assert isinstance(CELLS["linear"](jax.random.key(0)), AbstractParallelCell)
    assert not isinstance(CELLS["lstm"](jax.random.key(0)), AbstractParallelCell)
