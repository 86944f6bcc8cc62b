import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import Attention
from vestige.memory.attention import PLACES

assert_close = np.testing.assert_allclose
assert_equal = np.testing.assert_array_equal

LATENT, HIDDEN = 2, 3


def silent(key, slots=4, heads=1, **options):
    """An attention memory whose parameters are all zero, to be set by hand."""
    return jax.tree.map(
        jnp.zeros_like, Attention(LATENT, HIDDEN, slots=slots, heads=heads, key_size=4, key=key, **options)
    )


def write(memory, *values, h=0.0):
    state = memory.init()
    for value in values:
        state = memory.write(state, jnp.full(LATENT, value), jnp.full(HIDDEN, h))
    return state


def biased(memory, *columns):
    """Head r wants column `columns[r]`: a distance, or the last column for "nothing"."""
    bias = jnp.stack([60.0 * jax.nn.one_hot(column, memory.slots + 1) for column in columns])
    return eqx.tree_at(lambda m: m.distance_bias, memory, bias)


@pytest.mark.slow
def test_newest_first_and_the_oldest_is_forgotten(key):
    memory = silent(key, slots=3)
    state = write(memory, 1.0, 2.0, 3.0, 4.0)
    assert_equal(memory.words(state)[:, 0], [4, 3, 2])
    assert int(state.stored) == 4


@pytest.mark.slow
def test_heads_look_a_fixed_distance_back(key):
    memory = biased(silent(key, heads=2), 1, 3)
    context, _, info = memory.read(write(memory, 1.0, 2.0, 3.0, 4.0), jnp.zeros(HIDDEN))
    assert_close(context[: 2 * LATENT], [3, 3, 1, 1], rtol=1e-5)
    assert_close(info["read_gates"], [[1], [1]], rtol=1e-5)


def test_weight_on_nothing_shuts_the_head_off(key):
    memory = biased(silent(key), 4)
    context, _, info = memory.read(write(memory, 5.0), jnp.zeros(HIDDEN))
    assert_close(context[:LATENT], [0, 0], atol=1e-20)
    assert_close(info["read_gates"], [[0]], atol=1e-20)


def projections(memory, **places):
    """Keys and queries that compare the named columns, scaled up."""
    keyed, query = places["keyed"], places["query"]
    return eqx.tree_at(
        lambda m: (m.keyed.weight, m.query.weight),
        memory,
        (
            memory.keyed.weight.at[jnp.arange(len(keyed)), jnp.array(keyed)].set(30.0),
            memory.query.weight.at[jnp.arange(len(query)), jnp.array(query)].set(30.0),
        ),
    )


def test_induction_finds_what_followed_the_like(key):
    """Keys from the previous latent (columns 0, 1), query from the latest (columns 0, 1)."""
    memory = projections(silent(key), keyed=[0, 1], query=[0, 1])
    a, b, c = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0]), jnp.array([-1.0, -1.0])
    state = memory.init()
    for z in (a, b, c, a):  # after a came b
        state = memory.write(state, z, jnp.zeros(HIDDEN))
    assert_close(memory.read(state, jnp.zeros(HIDDEN))[0][:LATENT], b, atol=1e-4)


def test_content_is_found_by_the_controller(key):
    """Keys from the own latent (columns 2, 3), query from h (column 2 on)."""
    memory = projections(silent(key), keyed=[2, 3], query=[2, 3])
    state = memory.init()
    for z in ([1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]):
        state = memory.write(state, jnp.array(z), jnp.zeros(HIDDEN))
    assert_close(memory.read(state, jnp.array([0.0, 1.0, 0.0]))[0][:LATENT], [0, 1], atol=1e-4)


def test_a_place_is_found_again(key):
    """Keys from the controller at the time of storing (columns 4 to 6), query from the controller now."""
    memory = projections(silent(key), keyed=[4, 5, 6], query=[2, 3, 4])
    state = memory.init()
    for value, place in enumerate(jnp.eye(HIDDEN)):
        state = memory.write(state, jnp.full(LATENT, 1.0 + value), place)
    assert_close(memory.read(state, jnp.eye(HIDDEN)[1])[0][:LATENT], [2, 2], atol=1e-4)


def test_a_way_back_leads_to_the_same_place(key):
    """Steps to the right, then as many to the left: the angles are the old ones, and so is what is found there."""
    memory = silent(key, slots=6)
    turn, places = memory.turn.weight.at[0, 0].set(1.0), 2 * PLACES
    cosine, sine = memory.keyed.weight.shape[1] - places, memory.keyed.weight.shape[1] - PLACES
    asked = memory.query.weight.shape[1] - memory.keyed.weight.shape[1]
    memory = projections(memory, keyed=[cosine, sine], query=[cosine + asked, sine + asked])
    memory = eqx.tree_at(lambda m: m.turn.weight, memory, turn)
    state = memory.init()
    for value, step in enumerate([0.0, 1.0, 1.0, 1.0, -1.0]):
        h = jnp.zeros(HIDDEN).at[0].set(step)
        context, state, _ = memory.read(state, h)
        state = memory.write(state, jnp.full(LATENT, 1.0 + value), h)
    assert_close(context[:LATENT], [3, 3], atol=0.02)  # at angle 2, as when 3 was stored


def test_the_number_of_the_step_is_part_of_the_key(key):
    memory = Attention(LATENT, HIDDEN, slots=4, key_size=4, key=key)
    state = write(memory, 1.0, 1.0, 1.0, h=1.0)  # the last two differ in nothing but their number
    assert not np.array_equal(state.keys[0], state.keys[1])


def test_fresh_heads_lean_towards_what_followed_the_like(key):
    memory = Attention(LATENT, HIDDEN, slots=4, key_size=8, key=key)
    assert_equal(memory.keyed.weight[:, :LATENT], memory.query.weight[:, :LATENT])


@pytest.mark.slow
def test_without_the_controller_the_context_is_the_reads(key):
    memory = Attention(LATENT, HIDDEN, slots=4, heads=3, include_controller_state=False, key=key)
    assert memory.context_size == 3 * LATENT
    assert_equal(memory.read(memory.init(), jnp.ones(HIDDEN))[0], jnp.zeros(6))


def test_a_key_size_of_zero_is_refused(key):
    with pytest.raises(ValueError, match="key_size must be at least 1, got 0"):
        Attention(LATENT, HIDDEN, slots=4, key_size=0, key=key)
