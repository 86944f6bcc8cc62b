"""The tape: what is written where, and that it stays."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.cells import LSTM, SRNN, Tape

SLOTS, WORD = 4, 2


@eqx.filter_jit
def tape(key):
    """Whose gate is the last number of its input, six times as steep: shut at -1, half open at 0, open at 1."""
    keys = jax.random.split(key)
    cell = Tape(LSTM(3, 5, key=keys[0]), 3, slots=SLOTS, word_size=WORD, key=keys[1])
    steep = jnp.zeros_like(cell.gate.weight).at[0, 2].set(6.0)
    return eqx.tree_at(lambda c: (c.gate.weight, c.gate.bias), cell, (steep, jnp.zeros(1)))


def inputs(gates, key):
    return jnp.concatenate([jax.random.normal(key, (len(gates), 2)), jnp.asarray(gates, jnp.float32)[:, None]], axis=1)


@eqx.filter_jit
def run(cell, xs, state=None):
    return jax.lax.scan(lambda state, x: cell(state, x), cell.init() if state is None else state, xs)


@eqx.filter_jit
def written(cell, xs):
    """What each step would write."""
    hidden = run(cell, xs)[1][:, :5]
    return jnp.tanh(jax.vmap(cell.word)(jnp.concatenate([xs, hidden], axis=1)))


def test_words_lie_in_the_order_in_which_they_came_whatever_was_between(key):
    cell = tape(key)
    xs = inputs([1, -1, -1, 1, 1, -1], key)
    state, out = run(cell, xs)
    words = written(cell, xs)
    np.testing.assert_allclose(state.words[:3], words[jnp.array([0, 3, 4])], rtol=1e-6)
    np.testing.assert_array_equal(state.words[3], 0.0)
    np.testing.assert_array_equal(state.head, jnp.eye(SLOTS)[3])
    np.testing.assert_array_equal(out[-1, 5:], state.words.ravel())


def test_a_shut_gate_keeps_every_bit_for_ten_thousand_steps(key):
    cell = tape(key)
    begun, _ = run(cell, inputs([1, 0.1, 1], key))
    end, _ = run(cell, inputs([-1] * 10_000, key), begun)
    np.testing.assert_array_equal(end.words, begun.words)
    np.testing.assert_array_equal(end.head, begun.head)


def test_the_tape_is_a_ring(key):
    cell = tape(key)
    xs = inputs([1] * (SLOTS + 1), key)
    words = written(cell, xs)
    np.testing.assert_allclose(run(cell, xs)[0].words, words[jnp.array([4, 1, 2, 3])], rtol=1e-6)


def test_half_open_it_writes_half_and_moves_half(key):
    cell = tape(key)
    xs = inputs([0, 0], key)
    state, _ = run(cell, xs)
    words = written(cell, xs)
    first = 0.5 * words[0] + 0.25 * (words[1] - 0.5 * words[0])
    np.testing.assert_allclose(state.words[:3], jnp.stack([first, 0.25 * words[1], 0 * first]), rtol=1e-5)
    np.testing.assert_allclose(state.head, jnp.array([0.25, 0.5, 0.25, 0.0]), rtol=1e-6)


def test_the_gate_begins_where_it_can_be_learned(key):
    """Near the middle of its slope, so that neither always nor never writing is a place without gradient."""
    cell = Tape(SRNN(3, 5, key=key), 3, slots=SLOTS, word_size=WORD, key=key)
    xs = inputs([0, 1, -1], key)
    grads = eqx.filter_jit(eqx.filter_grad(lambda c: jnp.sum(run(c, xs)[0].words)))(cell)
    assert float(jnp.min(jnp.abs(grads.gate.weight[0, :3]))) > 0.0


@pytest.mark.parametrize("sizes", [{"slots": 1, "word_size": 3}, {"slots": 4, "word_size": 0}])
def test_refused(sizes, key):
    with pytest.raises(ValueError, match=r"Tape: needs at least slots=2.*got slots="):
        Tape(LSTM(3, 5, key=key), 3, **sizes, key=key)
