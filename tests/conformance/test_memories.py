"""Every registered memory keeps its contract. Two programs a memory."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import parametrised

LATENT, HIDDEN, STEPS = 3, 5, 6


@pytest.fixture(**parametrised("memory"), scope="module")
def memory(request):
    return request.param.build(LATENT, HIDDEN, frames=4, key=jax.random.key(0))


@pytest.fixture(scope="module")
def inputs():
    keys = jax.random.split(jax.random.key(1))
    return jax.random.normal(keys[0], (STEPS, LATENT)), jax.random.normal(keys[1], (STEPS, HIDDEN))


def contexts(memory, zs, hs):
    """Of all steps."""

    def step(state, x):
        z, h = x
        context, state, _ = memory.read(state, h)
        return memory.write(state, z, h), context

    return jax.lax.scan(step, memory.init(), (zs, hs))[1]


@eqx.filter_jit
def followed(memory, zs, hs):
    """The contexts of all steps, and the slopes of their squares."""
    slopes, found = jax.grad(lambda zs: (jnp.sum((found := contexts(memory, zs, hs)) ** 2), found), has_aux=True)(zs)
    return found, slopes


@eqx.filter_jit
def batched(memory, zs, hs):
    return jax.vmap(lambda zs, hs: contexts(memory, zs, hs))(zs, hs)


@pytest.mark.few(2)
def test_contexts_have_their_size_and_are_finite(memory, inputs):
    found, _ = followed(memory, *inputs)
    assert found.shape == (STEPS, memory.context_size)
    assert np.isfinite(found).all()


@pytest.mark.few(2)
def test_a_read_sees_only_what_was_written_before(memory, inputs):
    zs, hs = inputs
    changed, _ = followed(memory, zs.at[2].add(1.0), hs)
    np.testing.assert_array_equal(changed[:3], followed(memory, zs, hs)[0][:3])


def test_a_row_of_a_batch_is_as_alone_and_gradients_are_finite(memory, inputs):
    found, slopes = followed(memory, *inputs)
    both = batched(memory, *(jnp.stack([x, 2 * x]) for x in inputs))
    np.testing.assert_allclose(both[0], found, rtol=1e-5, atol=1e-6)
    assert np.isfinite(slopes).all()
