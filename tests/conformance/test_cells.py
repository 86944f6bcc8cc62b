"""Every registered cell keeps its contract. Two programs a cell: masks are arguments."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import cases
from vestige.cells import unroll

INPUTS, STEPS = 3, 6
CELLS = dict(cases("cell"))
MASKED = {"nothing": [], "start": [0], "middle": [2, 3], "end": [5], "all": [0, 1, 2, 3, 4, 5]}


@pytest.fixture(params=CELLS, scope="module")
def cell(request):
    spec = CELLS[request.param]
    small = {"hidden": 4} if "hidden" in {field.name for field in dataclasses.fields(spec)} else {}
    return dataclasses.replace(spec, **small).build(INPUTS, distance=STEPS, key=jax.random.key(0))


@pytest.fixture(scope="module")
def xs():
    return jax.random.normal(jax.random.key(1), (STEPS, INPUTS))


@eqx.filter_jit
def followed(cell, state, xs, mask):
    """The state after some steps, and their outputs."""
    return unroll(cell, state, xs, mask=mask)


@eqx.filter_jit
def slopes(cell, xs, mask):
    """Of all that the state holds at the end, in the parameters and in the inputs."""

    def total(arguments):
        cell, xs = arguments
        leaves = jax.tree.leaves(unroll(cell, cell.init(), xs, mask=mask)[0])
        return sum(jnp.sum(jnp.real(leaf)) for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact))

    return eqx.filter_grad(total)((cell, xs))


EVERY = jnp.ones(STEPS, bool)


def test_outputs_have_their_size_and_are_finite(cell, xs):
    _, outputs = followed(cell, cell.init(), xs, EVERY)
    assert outputs.shape == (STEPS, cell.output_size) and jnp.isfinite(outputs).all()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes(cell, xs, EVERY)))


def test_two_windows_are_one(cell, xs):
    whole, _ = followed(cell, cell.init(), xs, EVERY)
    first = jnp.arange(STEPS) < 2  # the rest of either window is masked
    state, _ = followed(cell, cell.init(), xs, first)
    after, _ = followed(cell, state, xs, ~first)
    for got, want in zip(jax.tree.leaves(after), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("masked", MASKED.values(), ids=MASKED)
def test_masked_steps_leave_the_state_and_may_hold_anything(cell, xs, masked):
    """Also NaN; neither the state nor its gradient knows of them. The same steps without a gap, masked behind them, are
    the oracle."""
    keep = [i for i in range(STEPS) if i not in masked]
    mask = jnp.asarray([i in keep for i in range(STEPS)])
    filled = jnp.where(mask[:, None], xs, jnp.nan)
    state, _ = followed(cell, cell.init(), filled, mask)
    together = jnp.concatenate([xs[jnp.asarray(keep, jnp.int32)], jnp.zeros((len(masked), INPUTS))])
    wanted, _ = followed(cell, cell.init(), together, jnp.arange(STEPS) < len(keep))
    for got, want in zip(jax.tree.leaves(state), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    if not keep:
        for got, want in zip(jax.tree.leaves(state), jax.tree.leaves(cell.init()), strict=True):
            np.testing.assert_array_equal(got, want)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes(cell, filled, mask)))
