import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.memory import DNC

assert_close = np.testing.assert_allclose
assert_equal = np.testing.assert_array_equal

WORD = 3


def scripted(key, *, free=-50.0, mode=1):
    """A memory of words [z, 0] with heads that always read by `mode`: back 0, content 1, forward 2.

    It writes z in full to the first free slot, erasing; its free gate has the given logit, its key is h.
    """
    memory = jax.tree.map(jnp.zeros_like, DNC(WORD, WORD, slots=4, word_size=WORD, key=key))
    w = memory.write_interface
    weight = w.weight.at[2 * WORD : 3 * WORD, WORD:].set(jnp.eye(WORD))  # the vector is z
    bias = w.bias.at[WORD : 2 * WORD].set(50.0).at[3 * WORD : 3 * WORD + 2].set(50.0).at[-1].set(free)
    r = memory.read_interface
    key_is_h = r.weight.at[:WORD].set(jnp.eye(WORD))
    modes = r.bias.at[WORD].set(50.0).at[WORD + 1 :].set(-50.0).at[WORD + 1 + mode].set(50.0)
    return eqx.tree_at(
        lambda m: (m.write_interface.weight, m.write_interface.bias, m.read_interface.weight, m.read_interface.bias),
        memory,
        (weight, bias, key_is_h, modes),
    )


def write(memory, state, *words):
    for word in words:
        state = memory.write(state, word, jnp.zeros(WORD))
    return state


A, B, C = jnp.eye(WORD)


def slot_of(state, word):
    """Where the memory keeps the word; it must keep it in one place."""
    (slot,) = np.flatnonzero(np.abs(np.asarray(state.memory) - np.asarray(word)).max(-1) < 1e-3)
    return slot


@pytest.mark.slow
def test_words_go_to_free_slots_and_are_found_by_content(key):
    memory = scripted(key)
    state = write(memory, memory.init(), A, B, C)
    assert slot_of(state, A) == 0
    assert int(memory.written(state).sum()) == 3
    for word in (C, A, B):
        assert bool(memory.written(state)[slot_of(state, word)])
        context, state, _ = memory.read(state, word)
        assert_close(context[:WORD], word, atol=1e-4)
        assert_equal(context[WORD:], word)


@pytest.mark.parametrize(("mode", "found"), [(0, A), (2, C)])
def test_from_a_word_the_head_goes_on_to_its_neighbour_in_time(mode, found, key):
    state = write(scripted(key), DNC(WORD, WORD, slots=4, word_size=WORD, key=key).init(), A, B, C)
    _, state, _ = scripted(key).read(state, B)  # by content
    context, _, info = scripted(key, mode=mode).read(state, jnp.zeros(WORD))
    assert_close(context[:WORD], found, atol=1e-3)
    assert int(jnp.argmax(info["read_modes"][0])) == mode


def test_what_was_read_through_an_open_free_gate_is_overwritten(key):
    memory = scripted(key)
    state = write(memory, memory.init(), A, B)
    slots = slot_of(state, A), slot_of(state, B)
    _, state, _ = memory.read(state, A)
    state = write(scripted(key, free=50.0), state, C)
    assert (slot_of(state, C), slot_of(state, B)) == slots


def test_a_shut_write_gate_leaves_everything_as_it_was(key):
    memory = scripted(key)
    shut = eqx.tree_at(lambda m: m.write_interface.bias, memory, replace_fn=lambda b: b.at[3 * WORD].set(-50.0))
    state = write(memory, memory.init(), A)
    after = write(shut, state, B)
    assert_close(memory.words(after), memory.words(state), atol=1e-6)
    assert_equal(memory.written(after), memory.written(state))


def test_links_tell_the_order_of_writing(key):
    memory = scripted(key)
    state = write(memory, memory.init(), A, B, C)
    a, b, c = (slot_of(state, word) for word in (A, B, C))
    assert_close(state.links, jnp.zeros((4, 4)).at[b, a].set(1.0).at[c, b].set(1.0), atol=1e-4)
    assert_close(state.precedence, jax.nn.one_hot(c, 4), atol=1e-4)


@pytest.mark.slow
def test_the_write_and_allocation_gates_start_open(key):
    memory = DNC(WORD, 5, slots=4, word_size=2, key=key)
    assert_equal(memory.write_interface.bias[6:8], [1, 1])
    state = memory.write(memory.init(), jnp.zeros(WORD), jnp.zeros(5))
    gate = float(jax.nn.sigmoid(1.0))
    info = memory.read(state, jnp.zeros(5))[2]
    assert_close([info["write_gate"], info["allocation_gate"]], [gate, gate], rtol=1e-6)
    assert float(state.write_weights[0]) > gate**2


def test_invariants_hold_on_random_sequences(key):
    memory = DNC(WORD, 5, slots=6, word_size=4, heads=3, key=key)

    def run(key):
        def step(state, key):
            key_scale, key_z, key_h = jax.random.split(key, 3)
            scale = 10 ** jax.random.uniform(key_scale, minval=-1, maxval=2)
            h = scale * jax.random.normal(key_h, (5,))
            _, state, info = memory.read(state, h)
            return memory.write(state, jax.random.normal(key_z, (WORD,)), h), info

        return jax.lax.scan(step, memory.init(), jax.random.split(key, 100))[1]

    info = jax.tree.map(np.asarray, jax.jit(jax.vmap(run))(jax.random.split(key, 50)))
    slack = 1 + 2e-6
    assert (info["usage"] >= 0).all() and (info["usage"] <= slack).all()
    assert (info["links"] >= -1e-6).all()
    assert (info["links"].sum(-1) <= slack).all() and (info["links"].sum(-2) <= slack).all()
    assert (np.diagonal(info["links"], axis1=-2, axis2=-1) == 0).all()
    for name in ("read_weights", "write_weights"):
        assert (info[name] >= -1e-6).all() and (info[name].sum(-1) <= slack).all()
    assert info["links"].max() > 0.9  # or the sequences had been too tame
