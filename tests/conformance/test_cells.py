"""Every registered cell keeps its contract."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import parametrised
from vestige.cells import unroll

INPUTS, STEPS = 3, 6


@pytest.fixture(**parametrised("cell"))
def cell(request):
    spec = request.param
    small = {"hidden": 4} if "hidden" in {field.name for field in dataclasses.fields(spec)} else {}
    return dataclasses.replace(spec, **small).build(INPUTS, distance=STEPS, key=jax.random.key(0))


@pytest.fixture
def xs():
    return jax.random.normal(jax.random.key(1), (STEPS, INPUTS))


def test_outputs_have_their_size_and_finite_gradients(cell, xs):
    _, outputs = unroll(cell, cell.init(), xs)
    assert outputs.shape == (STEPS, cell.output_size)
    slopes = jax.grad(lambda xs: jnp.sum(unroll(cell, cell.init(), xs)[1] ** 2))(xs)
    assert jnp.isfinite(outputs).all() and jnp.isfinite(slopes).all()


def test_two_windows_are_one(cell, xs):
    _, whole = unroll(cell, cell.init(), xs)
    state, first = unroll(cell, cell.init(), xs[:2])
    _, second = unroll(cell, state, xs[2:])
    np.testing.assert_allclose(jnp.concatenate([first, second]), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("masked", [[0], [2, 3], [5], [0, 1, 2, 3, 4, 5]], ids=["start", "middle", "end", "all"])
def test_masked_steps_leave_the_state_and_may_hold_anything(cell, xs, masked):
    """Also NaN; neither the state nor its gradient knows of them."""
    keep = jnp.asarray([i for i in range(STEPS) if i not in masked], jnp.int32)
    mask = jnp.zeros(STEPS, bool).at[keep].set(True)
    filled = jnp.where(mask[:, None], xs, jnp.nan)
    state, _ = unroll(cell, cell.init(), filled, mask=mask)
    wanted, _ = unroll(cell, cell.init(), xs[keep]) if len(keep) else (cell.init(), None)
    for got, want in zip(jax.tree.leaves(state), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)

    def loss(cell):
        leaves = jax.tree.leaves(unroll(cell, cell.init(), filled, mask=mask)[0])
        return sum(jnp.sum(jnp.real(leaf)) for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact))

    for slope in jax.tree.leaves(eqx.filter_grad(loss)(cell)):
        assert jnp.isfinite(slope).all()
