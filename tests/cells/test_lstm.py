import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.cells import LSTM, Fixed, LSTMState


def test_against_equinox(key):
    """The same recurrence as `eqx.nn.LSTMCell`, whose gates come in the order i, f, g, o."""
    ours = LSTM(3, 4, key=key)
    theirs = eqx.nn.LSTMCell(3, 4, key=key)
    theirs = eqx.tree_at(
        lambda c: (c.weight_ih, c.weight_hh, c.bias),
        theirs,
        (ours.weight[:3].T, ours.weight[3:].T, ours.bias),
    )
    keys = jax.random.split(key, 3)
    x, h, c = (jax.random.normal(k, (n,)) for k, n in zip(keys, (3, 4, 4), strict=True))
    state, out = ours(LSTMState(h, c), x)
    hidden, cell = theirs(x, (h, c))
    np.testing.assert_allclose(out, hidden, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(state.cell, cell, rtol=1e-5, atol=1e-6)


def test_starts_as_documented(key):
    cell = LSTM(3, 4, key=key)
    np.testing.assert_array_equal(cell.bias, jnp.array([0.0] * 4 + [1.0] * 4 + [0.0] * 8))
    for gate in jnp.split(cell.weight[3:], 4, axis=1):
        np.testing.assert_allclose(gate.T @ gate, jnp.eye(4), atol=1e-5)


def test_hard_gates_keep_every_bit(key):
    """Gates shut and open to the end: what is in the cell stays, whatever comes in; with a sigmoid it does not."""
    xs = jax.random.normal(key, (10_000, 3))

    def kept(gate):
        cell = LSTM(3, 4, retention=Fixed(6.0, -6.0), gate=gate, key=key)
        begun = LSTMState(jnp.zeros(4), jnp.array([1.0, -0.5, 3.0, 0.1]))
        end, _ = jax.lax.scan(lambda state, x: cell(state, x), begun, 0.1 * xs)
        return begun.cell, end.cell

    np.testing.assert_array_equal(*kept(jax.nn.hard_sigmoid))
    begun, end = kept(jax.nn.sigmoid)
    assert float(jnp.max(jnp.abs(end - begun))) > 0.1


def test_hard_gates_in_between_are_linear(key):
    """Half a unit of the gate's slope, by hand: f = 1/2 + 1.5/6 and i = 1/2 - 1.2/6."""
    cell = LSTM(3, 4, retention=Fixed(1.5, -1.2), gate=jax.nn.hard_sigmoid, key=key)
    state, _ = cell(LSTMState(jnp.zeros(4), jnp.ones(4)), jnp.zeros(3))
    np.testing.assert_allclose(state.cell, 0.75, rtol=1e-6)
    biased = eqx.tree_at(lambda c: c.bias, cell, cell.bias.at[8:12].set(0.5))
    state, _ = biased(LSTMState(jnp.zeros(4), jnp.ones(4)), jnp.zeros(3))
    np.testing.assert_allclose(state.cell, 0.75 + 0.3 * np.tanh(0.5), rtol=1e-6)
