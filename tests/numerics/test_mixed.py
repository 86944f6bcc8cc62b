"""Products in bfloat16: what is rounded, what is left alone, and that loops and derivatives are followed."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.numerics.mixed import with_bfloat16_products


def operands(rows=7, inner=33, columns=5):
    a, b = jax.random.split(jax.random.key(0))
    return jax.random.normal(a, (rows, inner)), jax.random.normal(b, (inner, columns))


def rounded(x):
    """To 8 bits, without JAX: the upper half of a float32, rounded to nearest, ties to even."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def close(found, wanted):
    np.testing.assert_allclose(np.asarray(found, np.float64), wanted, rtol=2e-5, atol=2e-5)


def test_operands_are_rounded_and_sums_are_not():
    a, b = operands(inner=4096)
    found = jax.jit(with_bfloat16_products(jnp.matmul))(a, b)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, rounded(a) @ rounded(b), rtol=1e-4, atol=2e-3)  # a bfloat16 sum is off by 0.1
    assert np.max(np.abs(found - np.asarray(a, np.float64) @ np.asarray(b, np.float64))) > 0.02


def test_derivatives_of_products_are_products():
    a, b = operands()
    gradient = jax.grad(lambda a, b: jnp.sum((a @ b) ** 2), (0, 1))
    left, right = with_bfloat16_products(gradient)(a, b)
    errors = rounded(2 * (rounded(a) @ rounded(b)))
    close(left, errors @ rounded(b).T)
    close(right, rounded(a).T @ errors)


def loop_scan(a, w):
    return jax.lax.scan(lambda h, _: (jnp.tanh(h @ w), None), a, length=3)[0]


def loop_while(a, w):
    return jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.tanh(s[1] @ w)), (0, a))[1]


def loop_of_branches(a, w):
    step = lambda h: jax.lax.cond(jnp.sum(h) < jnp.inf, lambda h: jnp.tanh(h @ w), lambda h: h, h)
    return jax.lax.fori_loop(0, 3, lambda _, h: step(h), a)


def nested_calls(a, w):
    once = jax.checkpoint(jax.jit(lambda h: jnp.tanh(h @ w)))
    return once(once(once(a)))


@jax.custom_jvp
def own_rule(h, w):
    return jnp.tanh(h @ w)


own_rule.defjvp(lambda primals, tangents: (own_rule(*primals), tangents[0]))


@jax.custom_vjp
def own_reverse_rule(h, w):
    return jnp.tanh(h @ w)


own_reverse_rule.defvjp(lambda h, w: (own_reverse_rule(h, w), None), lambda _, g: (g, None))


@pytest.mark.parametrize(
    "function",
    [
        loop_scan,
        loop_while,
        loop_of_branches,
        nested_calls,
        lambda a, w: own_rule(own_rule(own_rule(a, w), w), w),
        lambda a, w: own_reverse_rule(own_reverse_rule(own_reverse_rule(a, w), w), w),
        lambda a, w: jax.vmap(lambda row: loop_scan(row, w))(a),
    ],
    ids=["scan", "while", "cond", "checkpoint and jit", "custom_jvp", "custom_vjp", "vmap"],
)
def test_loops_branches_and_calls_are_followed(function):
    a, w = operands(inner=9, columns=9)
    wanted = np.asarray(a, np.float64)
    for _ in range(3):
        wanted = np.tanh(rounded(wanted) @ rounded(w))
    found = jax.jit(with_bfloat16_products(function))(a, w)
    np.testing.assert_allclose(found, wanted, atol=5e-3)  # a value near a tie may be rounded the other way
    assert np.mean(np.abs(found - wanted)) < 1e-4 < np.mean(np.abs(function(a, w) - wanted))


def test_other_devices_multiply_bfloat16():
    a, b = operands()
    lower = lambda platform: (
        jax.jit(with_bfloat16_products(jnp.matmul)).trace(a, b).lower(lowering_platforms=(platform,))
    )
    (line,) = (line for line in lower("cuda").as_text().splitlines() if "dot_general" in line)
    assert "(tensor<7x33xbf16>, tensor<33x5xbf16>) -> tensor<7x5xf32>" in line
    assert "bf16" not in lower("cpu").as_text()


def test_what_is_left_alone():
    a, b = operands()
    exact = lambda a, b: jnp.matmul(a, b, precision="highest")
    np.testing.assert_array_equal(with_bfloat16_products(exact)(a, b), exact(a, b))
    gradient = jax.grad(lambda a, b: jnp.sum(jnp.sin(exact(a, b))))
    np.testing.assert_array_equal(with_bfloat16_products(gradient)(a, b), gradient(a, b))
    whole = jnp.arange(70_000, 70_009)
    np.testing.assert_array_equal(with_bfloat16_products(jnp.dot)(whole, whole), jnp.dot(whole, whole))
    np.testing.assert_array_equal(with_bfloat16_products(jnp.logaddexp)(a, a + 1), jnp.logaddexp(a, a + 1))


def test_leaves_that_are_no_arrays_pass():
    layer = eqx.nn.Linear(4, 3, key=jax.random.key(0))
    found, name = with_bfloat16_products(lambda layer, x, name: (layer(x), name))(layer, jnp.ones(4), "label")
    assert name == "label"
    close(found, rounded(layer.weight) @ np.ones(4) + np.asarray(layer.bias, np.float64))
