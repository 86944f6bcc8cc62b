"""What each cell is, beyond the contract."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.cells import GRU, LSTM, SRNN, Chrono, Fixed, LinearRecurrence, Stacked, unroll


def test_gru_against_equinox(key):
    """`eqx.nn.GRUCell` has the gates in the order r, z, n, and its bias on the input's side."""
    ours = eqx.tree_at(lambda c: c.inner_bias, eqx.filter_jit(GRU)(3, 4, key=key), jnp.arange(4.0))
    swap = lambda m: jnp.concatenate([m[..., 4:8], m[..., :4], m[..., 8:]], axis=-1)
    theirs = eqx.tree_at(
        lambda c: (c.weight_ih, c.weight_hh, c.bias, c.bias_n),
        eqx.nn.GRUCell(3, 4, key=key),
        (swap(ours.from_input).T, swap(ours.recurrent).T, swap(ours.bias), ours.inner_bias),
    )
    x, h = jax.random.normal(key, (3,)), jax.random.normal(jax.random.fold_in(key, 1), (4,))
    np.testing.assert_allclose(ours(h, x)[1], theirs(x, h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("cell", "keep"), [(LSTM, slice(4, 8)), (GRU, slice(0, 4))])
def test_retention_sets_the_gate_that_keeps(cell, keep, key):
    fixed = cell(3, 4, retention=Fixed(3.0, -3.0), key=key)
    np.testing.assert_array_equal(fixed.bias[keep], jnp.full(4, 3.0))
    if cell is LSTM:
        np.testing.assert_array_equal(fixed.bias[:4], jnp.full(4, -3.0))
    begun = jax.tree.map(jnp.ones_like, fixed.init())
    blind = jax.tree.map(lambda leaf: jnp.zeros_like(leaf) if leaf.ndim == 2 else leaf, fixed)
    end, _ = unroll(blind, begun, jnp.zeros((10, 3)))
    kept = end.cell if cell is LSTM else end
    np.testing.assert_allclose(kept, jnp.full(4, jax.nn.sigmoid(3.0) ** 10), rtol=1e-5)


def test_chrono_draws_times_up_to_the_longest():
    keep, admit = Chrono(1000.0).biases(4000, key=jax.random.key(0))
    np.testing.assert_array_equal(admit, -keep)
    times = np.exp(np.asarray(keep))
    assert times.min() >= 1 and times.max() <= 999
    np.testing.assert_allclose(times.mean(), 500, atol=4 * 998 / 12**0.5 / 4000**0.5)
    with pytest.raises(ValueError, match="more than 2 steps, got 2"):
        Chrono(2.0)


def test_srnn_without_input_goes_round(key):
    """Check 16: after `hidden` steps the state is back, and its norm never changed."""
    cell = SRNN(2, 7, key=key)
    still = eqx.tree_at(lambda c: c.features.layers[-1], cell, replace_fn=lambda l: jax.tree.map(jnp.zeros_like, l))
    begun = jax.random.uniform(key, (7,))
    _, out = unroll(still, begun, jnp.ones((7, 2)))
    np.testing.assert_array_equal(out[-1], begun)
    np.testing.assert_allclose(jnp.linalg.norm(out, axis=1), jnp.linalg.norm(begun), rtol=1e-6)
    assert not jnp.array_equal(out[0], begun)


@pytest.mark.slow
def test_linear_recurrence_forgets_at_its_own_rates(key):
    cell = LinearRecurrence(2, 3, units=500, shortest=5.0, longest=50.0, key=key)
    begun = jnp.ones(500, jnp.complex64)
    end, _ = eqx.filter_jit(unroll)(cell, begun, jnp.zeros((10, 2)))
    times = -10 / jnp.log(jnp.abs(end))
    assert 5 <= float(times.min()) < 6 and 45 < float(times.max()) <= 50.001
    np.testing.assert_allclose(jnp.angle(end), np.angle(np.exp(10j * np.asarray(cell.angle))), atol=1e-5)
    with pytest.raises(ValueError, match="1 <= shortest <= longest, got 5.0 and 2.0"):
        LinearRecurrence(2, 3, shortest=5.0, longest=2.0, key=key)


def test_linear_recurrence_keeps_the_variance_of_its_input():
    cell = LinearRecurrence(4, 3, units=300, shortest=20.0, longest=40.0, key=jax.random.key(0))
    xs = jax.random.normal(jax.random.key(1), (3000, 4))
    states, _ = eqx.filter_jit(lambda cell, xs: cell.parallel(cell.init(), xs))(cell, xs)
    assert abs(float(jnp.mean(jnp.abs(states[500:]) ** 2)) - 1.0) < 0.15


def test_a_stack_of_none_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Stacked([])
