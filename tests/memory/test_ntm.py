import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import NTM
from vestige.memory.ntm import address

assert_close = np.testing.assert_allclose

MEMORY = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 0.0]])
ON_THREE = jnp.array([[0.0, 0.0, 0.0, 1.0]])


def addressed(**changes):
    given = {
        "keys": jnp.array([[1.0, 0.0]]),
        "strengths": jnp.array([2.0]),
        "gates": jnp.array([0.5]),
        "shifts": jnp.array([[0.1, 0.8, 0.1]]),
        "exponents": jnp.array([2.0]),
    }
    return address(MEMORY, ON_THREE, **(given | changes))[0]


class TestAddressing:
    """The four stages, on numbers checked by hand; each stage is seen by switching off those after it."""

    STAY, PLAIN = jnp.array([[0.0, 1.0, 0.0]]), jnp.ones(1)

    def test_content(self):
        weights = addressed(gates=jnp.ones(1), shifts=self.STAY, exponents=self.PLAIN)
        assert_close(weights, [0.584686, 0.079129, 0.325476, 0.010709], atol=2e-6)

    def test_interpolation(self):
        weights = addressed(shifts=self.STAY, exponents=self.PLAIN)
        assert_close(weights, [0.292343, 0.039564, 0.162738, 0.505354], atol=2e-6)

    def test_shift(self):
        assert_close(addressed(exponents=self.PLAIN), [0.288366, 0.077160, 0.184682, 0.449792], atol=2e-6)

    def test_all_four_and_the_read(self):
        weights = addressed()
        assert_close(weights, [0.255446, 0.018289, 0.104776, 0.621489], atol=2e-6)
        assert_close(weights @ MEMORY, [-0.261267, 0.123065], atol=2e-6)

    def test_no_strength_and_an_open_gate_is_uniform(self):
        weights = addressed(strengths=jnp.zeros(1), gates=jnp.ones(1), exponents=self.PLAIN)
        assert_close(weights, jnp.full(4, 0.25), rtol=1e-5)


def test_it_writes_and_reads_the_word(key):
    """Erase all, add a known vector at slot 0, then look it up by content."""
    memory = NTM(2, 3, slots=4, word_size=2, key=key)
    silent = jax.tree.map(jnp.zeros_like, memory)
    write = silent.write_interface.bias.at[:2].set(50.0).at[2:4].set(jnp.array([3.0, -1.0]))
    write = write.at[7].set(-50.0).at[9:].set(jnp.array([-50.0, 50.0, -50.0]))  # gate shut, no move
    read = silent.read_interface.bias.at[:2].set(jnp.array([3.0, -1.0])).at[2:4].set(50.0)
    read = read.at[5:].set(jnp.array([-50.0, 50.0, -50.0]))
    memory = eqx.tree_at(lambda m: (m.write_interface.bias, m.read_interface.bias), silent, (write, read))
    state = memory.write(memory.init(), jnp.zeros(2), jnp.zeros(3))
    assert_close(memory.words(state)[0], [3, -1], atol=1e-5)
    np.testing.assert_array_equal(memory.written(state), [True, False, False, False])
    again = memory.write(state, jnp.zeros(2), jnp.zeros(3))
    assert_close(memory.words(again)[0], [3, -1], atol=1e-5)  # erased, not added up
    context, _, info = memory.read(state, jnp.zeros(3))
    assert_close(context[:2], [3, -1], atol=1e-4)
    assert_close(info["read_weights"], [[1, 0, 0, 0]], atol=1e-5)


def test_heads_start_on_slot_zero(key):
    state = NTM(2, 3, slots=4, word_size=2, heads=2, key=key).init()
    np.testing.assert_array_equal(state.read_weights[:, 0], [1, 1])
    assert float(state.write_weights[0]) == 1


def test_a_max_shift_of_zero_is_refused(key):
    with pytest.raises(ValueError, match="max_shift must be at least 1, got 0"):
        NTM(2, 3, slots=4, word_size=2, max_shift=0, key=key)
