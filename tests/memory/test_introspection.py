import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import Introspection


def silent(slots, heads=1, latent=1, hidden=2, key=None, **options):
    """An Introspection memory whose interface is all zeros, to be set by hand."""
    memory = Introspection(latent, hidden, slots=slots, heads=heads, key=key, **options)
    zeros = (jnp.zeros_like(memory.interface.weight), jnp.zeros_like(memory.interface.bias))
    return eqx.tree_at(lambda m: (m.interface.weight, m.interface.bias), memory, zeros)


def looking_at(memory, slot):
    """Head 0 reads `slot` alone, its gate wide open."""
    bias = memory.interface.bias.at[slot].set(60.0).at[memory.slots :].set(60.0)
    return eqx.tree_at(lambda m: m.interface.bias, memory, bias)


def write(memory, *values):
    state = memory.init()
    for value in values:
        state = memory.write(state, jnp.array([value]), jnp.zeros(2))
    return state


def test_newest_first_and_the_oldest_is_forgotten(key):
    memory = silent(3, key=key)
    state = write(memory, 1.0, 2.0, 3.0, 4.0)
    np.testing.assert_array_equal(state.buffer[:, 0], [4, 3, 2])
    context, _, _ = looking_at(memory, 2).read(state, jnp.zeros(2))
    np.testing.assert_allclose(context, [2.0], rtol=1e-6)


def test_only_written_slots_are_read(key):
    memory = looking_at(silent(3, key=key), 2)  # asks for a slot that is not written yet
    context, _, info = memory.read(write(memory, 5.0), jnp.zeros(2))
    np.testing.assert_array_equal(info["read_weights"], [[1, 0, 0]])
    np.testing.assert_allclose(context, [5.0], rtol=1e-6)


def test_an_empty_memory_gives_exactly_zero(key):
    memory = Introspection(4, 2, slots=3, heads=2, key=key)
    context, _, info = memory.read(memory.init(), jnp.ones(2))
    np.testing.assert_array_equal(context, jnp.zeros(8))
    np.testing.assert_array_equal(info["read_weights"], jnp.zeros((2, 3)))
    gradients = eqx.filter_jit(eqx.filter_grad(lambda m: jnp.sum(m.read(m.init(), jnp.ones(2))[0])))(memory)
    assert bool(jnp.all(jnp.isfinite(gradients.interface.weight)))


def test_a_closed_gate_shuts_the_head_off(key):
    memory = looking_at(silent(3, key=key), 0)
    closed = eqx.tree_at(lambda m: m.interface.bias, memory, memory.interface.bias.at[3:].set(-60.0))
    context, _, _ = closed.read(write(memory, 5.0), jnp.zeros(2))
    assert float(context[0]) < 1e-20


def test_heads_read_on_their_own(key):
    memory = silent(3, heads=2, latent=1, key=key)
    bias = memory.interface.bias.reshape(2, 4)
    bias = bias.at[0, 0].set(60.0).at[1, 2].set(60.0).at[:, 3].set(60.0).reshape(-1)
    memory = eqx.tree_at(lambda m: m.interface.bias, memory, bias)
    context, _, _ = memory.read(write(memory, 1.0, 2.0, 3.0), jnp.zeros(2))
    np.testing.assert_allclose(context, [3.0, 1.0], rtol=1e-6)


@pytest.mark.parametrize("detach", [False, True])
def test_gradient_reaches_the_stored_latent_unless_detached(detach, key):
    memory = looking_at(silent(3, key=key, detach=detach), 0)

    def recalled(z):
        return memory.read(memory.write(memory.init(), z, jnp.zeros(2)), jnp.zeros(2))[0][0]

    gradient = eqx.filter_jit(eqx.filter_grad(recalled))(jnp.array([2.0]))
    assert float(gradient[0]) == pytest.approx(0.0 if detach else 1.0, abs=1e-6)


def test_the_controller_joins_the_context_when_asked(key):
    memory = Introspection(3, 2, slots=4, include_controller_state=True, key=key)
    context, _, _ = memory.read(memory.init(), jnp.array([7.0, 8.0]))
    np.testing.assert_array_equal(context, [0, 0, 0, 7, 8])


@pytest.mark.parametrize("wrong", [{"slots": 0}, {"slots": 3, "heads": 0}])
def test_impossible_sizes_are_refused(wrong, key):
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        Introspection(3, 2, key=key, **wrong)
