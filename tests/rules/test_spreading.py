import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.rules.spreading import mean_of_shares, spread_over


def means(weight, rows):
    values, keys, label = rows
    assert label == "static"
    noise = jax.vmap(jax.random.normal)(keys)
    return {"mean": jnp.mean(weight * values), "noise": jnp.mean(noise)}


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
        np.testing.assert_allclose(found[name], value, rtol=1e-5)


def test_rows_are_whole_outside_the_block():
    with spread_over(jax.sharding.Mesh(np.array(jax.devices()[:2]), ("data",))):
        pass
    assert mean_of_shares(lambda whole, rows: rows.shape, None, jnp.zeros(3)) == (3,)
