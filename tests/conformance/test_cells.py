"""Every registered cell keeps its contract. One program a cell: masks and states are arguments."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import cases, quick_first
from vestige.cells import unroll

INPUTS, STEPS = 3, 6
CELLS = dict(cases("cell"))
MASKED = {"nothing": [], "start": [0], "middle": [2, 3], "end": [5], "all": [0, 1, 2, 3, 4, 5]}


@pytest.fixture(params=quick_first(cases("cell")), scope="module")
def cell(request):
    spec = CELLS[request.param]
    small = {"hidden": 4} if "hidden" in {field.name for field in dataclasses.fields(spec)} else {}
    return dataclasses.replace(spec, **small).build(INPUTS, distance=STEPS, key=jax.random.key(0))


@pytest.fixture(scope="module")
def xs():
    return jax.random.normal(jax.random.key(1), (STEPS, INPUTS))


@eqx.filter_jit
def followed(cell, state, xs, mask):
    """The state after some steps, their outputs, and the slopes of all it holds, in parameters and inputs."""

    def total(arguments):
        cell, xs = arguments
        end, outputs = unroll(cell, state, xs, mask=mask)
        inexact = [leaf for leaf in jax.tree.leaves(end) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
        return sum(jnp.sum(jnp.real(leaf)) for leaf in inexact), (end, outputs)

    slopes, (end, outputs) = eqx.filter_grad(total, has_aux=True)((cell, xs))
    return end, outputs, slopes


def begun(cell):
    return jax.tree.map(np.asarray, beginning(cell))


beginning = eqx.filter_jit(lambda cell: cell.init())


def finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(jax.device_get(tree)))


EVERY = np.ones(STEPS, bool)


@pytest.mark.few(3)
def test_outputs_have_their_size_and_are_finite(cell, xs):
    _, outputs, slopes = followed(cell, begun(cell), xs, EVERY)
    assert outputs.shape == (STEPS, cell.output_size) and finite(outputs)
    assert finite(slopes)


@pytest.mark.few(1)
def test_two_windows_are_one(cell, xs):
    whole, _, _ = followed(cell, begun(cell), xs, EVERY)
    first = np.arange(STEPS) < 2  # the rest of either window is masked
    state, _, _ = followed(cell, begun(cell), xs, first)
    after, _, _ = followed(cell, state, xs, ~first)
    for got, want in zip(jax.tree.leaves(after), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("masked", MASKED.values(), ids=MASKED)
def test_masked_steps_leave_the_state_and_may_hold_anything(cell, xs, masked):
    """Also NaN; neither the state nor its gradient knows of them. The same steps without a gap, masked behind them, are
    the oracle."""
    keep = [i for i in range(STEPS) if i not in masked]
    mask = np.isin(np.arange(STEPS), keep)
    state, _, slopes = followed(cell, begun(cell), np.where(mask[:, None], xs, np.float32(np.nan)), mask)
    together = np.concatenate([np.asarray(xs)[keep], np.zeros((len(masked), INPUTS), np.float32)])
    wanted, _, _ = followed(cell, begun(cell), together, np.arange(STEPS) < len(keep))
    for got, want in zip(jax.tree.leaves(state), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    if not keep:
        for got, want in zip(jax.tree.leaves(state), jax.tree.leaves(begun(cell)), strict=True):
            np.testing.assert_array_equal(got, want)
    assert finite(slopes)
