import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from vestige.cells import LSTM, LSTMState


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
