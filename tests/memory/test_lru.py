import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import LRU
from vestige.memory.allocation import least_used
from vestige.memory.lru import blend, decay_usage

assert_close = np.testing.assert_allclose

USAGE = jnp.array([0.9, 0.2, 0.5, 0.7])
JUST_READ = jnp.array([[0.0, 0.0, 1.0, 0.0]])


def test_half_over_what_was_read_half_into_the_least_used():
    weights = blend(JUST_READ, least_used(USAGE, 1), jnp.zeros(1))
    assert_close(weights, [[0, 0.5, 0.5, 0]])
    usage = decay_usage(USAGE, jnp.full((1, 4), 0.25), weights, 0.95)
    assert_close(usage, [1.105, 0.94, 1.225, 0.915], rtol=1e-6)


def always_least_used(heads, slots, key):
    """An LRU memory whose alpha is as low as it gets."""
    memory = LRU(3, 5, slots=slots, word_size=4, heads=heads, key=key)
    gates = slice(heads * 4, None)
    linear = memory.write_interface
    return eqx.tree_at(
        lambda m: (m.write_interface.weight, m.write_interface.bias),
        memory,
        (linear.weight.at[gates].set(0.0), linear.bias.at[gates].set(-1e9)),
    )


@pytest.mark.parametrize(("heads", "slots"), [(1, 6), (2, 6), (3, 7)])
@pytest.mark.slow
def test_every_slot_is_filled_before_any_is_used_again(heads, slots, key):
    memory = always_least_used(heads, slots, key)
    state, seen = memory.init(), []
    for step in range(slots // heads):
        h = jax.random.normal(jax.random.fold_in(key, step), (5,))
        _, state, _ = memory.read(state, h)
        state = memory.write(state, jnp.ones(3), h)
        seen += np.argmax(state.write_weights, axis=-1).tolist()
        assert sorted(seen) == np.flatnonzero(memory.written(state)).tolist()
    assert seen == list(range(len(seen)))


def test_the_slot_is_wiped_first(key):
    memory = always_least_used(1, 1, key)
    state = memory.write(memory.init(), jnp.ones(3), jnp.ones(5))
    again = memory.write(state, jnp.ones(3), jnp.ones(5))
    assert_close(memory.words(again), memory.words(state), rtol=1e-6)


def test_without_strength_weights_are_nearly_flat(key):
    for strength in (True, False):
        memory = LRU(3, 5, slots=4, word_size=4, strength=strength, key=key)
        memory = eqx.tree_at(lambda m: m.read_interface.bias, memory, replace_fn=lambda b: b.at[4:].set(50.0))
        state = memory.init()._replace(memory=10 * jnp.eye(4))
        weights = memory.read(state, jnp.linspace(-1.0, 1.0, 5))[2]["read_weights"]
        ratio = float(jnp.max(weights) / jnp.min(weights))
        assert (ratio > np.e**2) == strength


def test_no_gradient_through_the_ranking(key):
    memory = LRU(3, 5, slots=4, word_size=4, key=key)

    def later(usage):
        state = memory.write(memory.init()._replace(usage=usage), jnp.ones(3), jnp.ones(5))
        return jnp.sum(memory.read(state, jnp.ones(5))[0])

    np.testing.assert_array_equal(jax.jit(jax.grad(later))(USAGE), jnp.zeros(4))


def test_fewer_slots_than_heads_are_refused(key):
    with pytest.raises(ValueError, match="got 3 heads and 2 slots"):
        LRU(3, 5, slots=2, word_size=4, heads=3, key=key)
