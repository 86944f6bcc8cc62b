import jax
import jax.numpy as jnp
import numpy as np

from vestige.numerics import masked_mean, masked_where, soft_clamp


def test_soft_clamp_stays_inside_and_rises():
    x = jnp.linspace(-1e4, 1e4, 20_001)
    y = soft_clamp(x, -7.0, 3.0)
    assert float(jnp.min(y)) >= -7 and float(jnp.max(y)) <= 3 + 1e-3
    near = jnp.linspace(-12.0, 8.0, 400)
    assert bool(jnp.all(jnp.diff(soft_clamp(near, -7.0, 3.0)) > 0))
    assert bool(jnp.all(jnp.isfinite(jax.jit(jax.vmap(jax.grad(lambda v: soft_clamp(v, -7.0, 3.0))))(x))))


def test_soft_clamp_of_a_symmetric_range_keeps_zero():
    assert abs(float(soft_clamp(jnp.zeros(()), -5.0, 5.0))) < 1e-6


def test_masked_mean_by_hand_and_when_empty():
    x = jnp.array([1.0, 5.0, jnp.nan])
    mask = jnp.array([True, True, False])
    assert float(masked_mean(x, mask)) == 3
    assert float(masked_mean(x[:2], None)) == 3
    nothing = jnp.zeros(3, bool)
    value, gradient = jax.jit(jax.value_and_grad(lambda x: masked_mean(x, nothing)))(x)
    assert float(value) == 0
    np.testing.assert_array_equal(gradient, jnp.zeros(3))


def test_masked_where_hides_the_padding():
    x = jnp.full((3, 2), jnp.nan).at[0].set(2.0)
    np.testing.assert_array_equal(masked_where(jnp.array([True, False, False]), x), [[2, 2], [0, 0], [0, 0]])
    assert masked_where(None, x) is x
