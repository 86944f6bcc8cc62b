import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.numerics.mixed import with_bfloat16_products
from vestige.rules.spreading import mean_of_shares, spread_over


def means(weight, rows):
    values, keys, label = rows
    assert label == "static"
    noise = jax.vmap(jax.random.normal)(keys)
    half = jnp.mean(values).astype(jnp.bfloat16)
    return {
        "mean": jnp.mean(weight * values),
        "noise": jnp.mean(noise),
        "count": jnp.int32(3),
        "one": 1.0,
        "half": half,
    }


@pytest.mark.parametrize("devices", [1, 2, 4])
def test_the_mean_of_the_shares_is_that_of_all_rows(devices, key):
    rows = (jnp.arange(8.0) ** 2, jax.random.split(key, 8), "static")
    oracle = means(jnp.float32(3), rows)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:devices]), ("data",))

    @jax.jit
    def spread(weight, values, keys):
        with spread_over(mesh):
            return mean_of_shares(means, weight, (values, keys, "static"))

    found = spread(jnp.float32(3), *rows[:2])
    for name, value in oracle.items():
        rough = 0.02 if name == "half" else 1e-5
        np.testing.assert_allclose(np.asarray(found[name], np.float32), np.asarray(value, np.float32), rtol=rough)
    assert found["half"].dtype == jnp.bfloat16 and found["count"].dtype == jnp.float32


def test_rows_are_whole_outside_the_block():
    with spread_over(jax.sharding.Mesh(np.array(jax.devices()[:2]), ("data",))):
        pass
    assert mean_of_shares(lambda whole, rows: rows.shape, None, jnp.zeros(3)) == (3,)


def test_with_products_in_bfloat16(key):
    """The rounding follows a program into the share of each device."""
    rows, weight = jax.random.normal(key, (4, 3, 5)), jnp.eye(5) / 3

    @with_bfloat16_products
    def slope(weight, rows):
        cost = lambda weight, rows: jnp.mean(jax.vmap(lambda row: jnp.sum(jnp.tanh(row @ weight) ** 2))(rows))
        return mean_of_shares(jax.grad(cost), weight, rows)

    alone = jax.jit(slope)(weight, rows)
    with spread_over(jax.sharding.Mesh(np.array(jax.devices()[:2]), ("data",))):
        together = jax.jit(lambda *parts: slope(*parts))(weight, rows)
    np.testing.assert_allclose(together, alone, rtol=0.01, atol=1e-3)
    assert np.max(np.abs(together - jax.jit(lambda *parts: slope.__wrapped__(*parts))(weight, rows))) > 1e-5
