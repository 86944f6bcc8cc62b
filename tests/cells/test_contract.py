"""The conformance suite of the cell contract: a new cell adds one line to CELLS."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.cells import LSTM

INPUT, OUTPUT = 3, 4
CELLS = {"lstm": lambda key: LSTM(INPUT, OUTPUT, key=key)}


@pytest.fixture(params=CELLS)
def cell(request):
    return CELLS[request.param](jax.random.key(3))


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
    np.testing.assert_array_equal(run(cell, xs)[1], run(cell, xs, drive=jnp.zeros(cell.drive_size))[1])
    moved = run(cell, xs, drive=jnp.ones(cell.drive_size))[1]
    assert float(jnp.max(jnp.abs(moved - run(cell, xs)[1]))) > 1e-3


def test_a_thousand_wild_steps_stay_finite_gradient_included(cell, key):
    xs = 1e4 * jax.random.normal(key, (1000, INPUT))
    gradients = eqx.filter_grad(lambda c: jnp.sum(run(c, xs)[1]))(cell)
    for leaf in jax.tree.leaves(gradients):
        assert bool(jnp.all(jnp.isfinite(leaf)))
