"""Every registered memory keeps its contract."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import parametrised

LATENT, HIDDEN, STEPS = 3, 5, 6


@pytest.fixture(**parametrised("memory"))
def memory(request):
    return request.param.build(LATENT, HIDDEN, frames=4, key=jax.random.key(0))


@pytest.fixture
def inputs():
    keys = jax.random.split(jax.random.key(1))
    return jax.random.normal(keys[0], (STEPS, LATENT)), jax.random.normal(keys[1], (STEPS, HIDDEN))


def followed(memory, zs, hs):
    """The contexts of all steps."""

    def step(state, x):
        z, h = x
        context, state, _ = memory.read(state, h)
        return memory.write(state, z, h), context

    return jax.lax.scan(step, memory.init(), (zs, hs))[1]


def test_contexts_have_their_size_and_are_finite(memory, inputs):
    contexts = followed(memory, *inputs)
    assert contexts.shape == (STEPS, memory.context_size)
    assert jnp.isfinite(contexts).all()


def test_a_read_sees_only_what_was_written_before(memory, inputs):
    zs, hs = inputs
    changed = followed(memory, zs.at[2].add(1.0), hs)
    np.testing.assert_array_equal(changed[:3], followed(memory, zs, hs)[:3])


def test_a_row_of_a_batch_is_as_alone_and_gradients_are_finite(memory, inputs):
    rows = jax.tree.map(lambda x: jnp.stack([x, 2 * x]), inputs)
    both = jax.vmap(lambda zs, hs: followed(memory, zs, hs))(*rows)
    np.testing.assert_allclose(both[0], followed(memory, *inputs), rtol=1e-5, atol=1e-6)
    slopes = jax.grad(lambda zs: jnp.sum(followed(memory, zs, inputs[1]) ** 2))(inputs[0])
    assert jnp.isfinite(slopes).all()
