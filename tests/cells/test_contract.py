"""The conformance suite of the cell contract: a new cell adds one line to CELLS."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.drawn import drawn

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

INPUT, OUTPUT, STEPS = 3, 4, 6


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


OF_EACH_KIND = {"lstm", "gru", "srnn", "linear", "stacked", "dnc behind", "tape"}
"""The others are options of these, and slow."""


@functools.cache
def made(name):
    if "chrono" in name:  # is about the first weights
        return eqx.filter_jit(CELLS[name])(jax.random.key(3))
    return drawn(CELLS[name], seed=3)


@pytest.fixture(params=[n if n in OF_EACH_KIND else pytest.param(n, marks=pytest.mark.slow) for n in CELLS])
def cell(request):
    return made(request.param)


@eqx.filter_jit
def first_state(cell):
    return cell.init()


@eqx.filter_jit
def _run(cell, xs, state, drive):
    def step(state, x):
        state, out = cell(state, x[0]) if drive is None else cell(state, *x)
        return state, (state, out)

    return jax.lax.scan(step, state, (xs, drive))[1]


def run(cell, xs, state=None, drive=None):
    """The state after each step, and what it gave: programs for `STEPS` steps with a drive and without."""
    return jax.device_get(_run(cell, xs, first_state(cell) if state is None else state, drive))


def after(states, step):
    return jax.tree.map(lambda leaf: leaf[step], states)


def inputs(key):
    return np.asarray(jax.random.normal(key, (STEPS, INPUT)))


def test_shapes(cell, key):
    _, out = run(cell, inputs(key))
    assert out.shape == (STEPS, cell.output_size)


def test_two_parts_are_the_whole(cell, key):
    xs = inputs(key)
    states, whole = run(cell, xs)
    rest, second = run(cell, np.roll(xs, -4, axis=0), after(states, 3))
    np.testing.assert_array_equal(whole[4:], second[: STEPS - 4])
    jax.tree.map(np.testing.assert_array_equal, after(states, -1), after(rest, STEPS - 5))


def test_no_drive_is_a_drive_of_zero(cell, key):
    xs = inputs(key)
    still, moved = (run(cell, xs, drive=np.full((STEPS, cell.drive_size), size, np.float32))[1] for size in (0, 1))
    np.testing.assert_allclose(run(cell, xs)[1], still, rtol=1e-5, atol=1e-7)
    assert np.max(np.abs(moved - run(cell, xs)[1])) > 1e-3


@eqx.filter_jit
def slopes(cell, xs):
    return eqx.filter_grad(lambda cell: jnp.sum(jax.lax.scan(lambda state, x: cell(state, x), cell.init(), xs)[1]))(
        cell
    )


@pytest.mark.few(4)
def test_a_thousand_wild_steps_stay_finite_gradient_included(cell, key):
    gradients = slopes(cell, 1e4 * np.asarray(jax.random.normal(key, (1000, INPUT))))
    for leaf in jax.tree.leaves(gradients):
        assert np.isfinite(leaf).all()


@eqx.filter_jit
def both_ways(cell, begun, xs, drive):
    """Last state, outputs and gradient: step by step, and unrolled."""

    def one_by_one(cell):
        return jax.lax.scan(lambda state, x: cell(state, *x), begun, (xs, drive))

    def unrolled(cell):
        return unroll(cell, begun, xs, drive)

    def with_gradient(way):
        def total(cell):
            end, out = way(cell)
            return jnp.sum(jnp.sin(out)), (end, out)

        return eqx.filter_value_and_grad(total, has_aux=True)(cell)

    return with_gradient(one_by_one), with_gradient(unrolled)


@pytest.mark.few(4)
def test_unrolled_is_step_by_step_gradient_included(cell, key):
    xs = np.asarray(jax.random.normal(key, (9, INPUT)))
    drive = 0.3 * np.asarray(jax.random.normal(jax.random.fold_in(key, 1), (9, cell.drive_size)))
    begun = after(run(cell, xs[:STEPS])[0], 1)
    found = jax.device_get(both_ways(cell, begun, xs, drive))
    ((_, (end, out)), gradients), ((_, (end_, out_)), gradients_) = found
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


@pytest.mark.few(2)
def test_masked_steps_are_not_there_wherever_they_are(cell, key):
    """NaN, or anything else, where the mask is False changes neither value nor gradient, and the result is that of the
    other steps alone."""
    xs = inputs(key)
    drive = 0.3 * np.asarray(jax.random.normal(jax.random.fold_in(key, 1), (STEPS, cell.drive_size)))
    begun = jax.device_get(first_state(cell))
    if not isinstance(cell, Remembering):
        begun = jax.tree.map(lambda leaf: (leaf + 0.25).astype(leaf.dtype), begun)
    for place, mask in MASKS.items():
        mask = np.array(mask)
        padded = [np.where(mask[:, None], leaf, np.float32(np.nan)) for leaf in (xs, drive)]
        found, slopes = jax.device_get(masked(cell, begun, *padded, mask))
        clean = jax.device_get(masked(cell, begun, xs, drive, mask))
        jax.tree.map(np.testing.assert_array_equal, (found, slopes), clean)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((found, slopes))), place
        if not mask.any():
            jax.tree.map(np.testing.assert_array_equal, found[1][0], begun)
            assert not any(np.any(leaf) for leaf in jax.tree.leaves(slopes[0]))
            continue
        count, alone = np.sum(mask), np.argsort(~mask, stable=True)  # the others first, whatever follows
        states, out = run(cell, xs[alone], begun, drive[alone])
        end = after(states, count - 1)
        np.testing.assert_allclose(found[1][1][mask], out[:count], rtol=1e-4, atol=1e-5)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found[1][0], end)
        assert not np.any(slopes[2][~mask]) and not np.any(slopes[3][~mask])


@eqx.filter_jit
def sine_of_outputs(cell, xs):
    def total(cell):
        return jnp.sum(jnp.sin(unroll(cell, cell.init(), xs)[1].astype(jnp.float32)))

    return eqx.filter_value_and_grad(total)(cell)


@pytest.mark.parametrize("dtype", [pytest.param(jnp.bfloat16, marks=pytest.mark.slow), jnp.float16])
@pytest.mark.few(3)
def test_half_precision(cell, key, dtype):
    """Parameters and inputs of 16 bits: it runs, and is what 32 bits give but for rounding."""
    half = lambda tree: jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, tree)
    xs = inputs(key).astype(dtype)
    with jax.numpy_dtype_promotion("standard"):
        value, slopes = jax.device_get(sine_of_outputs(half(cell), xs))
    expected = np.sum(np.sin(run(cell, xs.astype(np.float32))[1]))
    assert float(value) == pytest.approx(float(expected), abs=0.1 + 0.05 * abs(float(expected)))
    assert all(np.isfinite(leaf.astype(np.complex64)).all() for leaf in jax.tree.leaves(slopes))


def test_a_parallel_cell_says_so():
    assert isinstance(made("linear"), AbstractParallelCell)
    assert not isinstance(made("lstm"), AbstractParallelCell)
