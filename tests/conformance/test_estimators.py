"""Every registered estimator has the mean it should: the exact gradient, unless it is biased by its construction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import parametrised
from vestige.estimators import Exact, expect
from vestige.registries import registry

ESTIMATES = 4000


@pytest.fixture(**parametrised("estimator"))
def spec(request):
    return request.param


@pytest.fixture(scope="module")
def cost():
    weights = jax.random.normal(jax.random.key(5), (8, 8))
    return lambda value: jnp.sum(weights[: value.size, : value.size] * jnp.outer(value, value))


@pytest.mark.slow
def test_the_mean_of_estimates_is_the_exact_gradient(spec, cost):
    structure = registry("structure")["subset"]
    if spec.needs and spec.needs not in structure.provides:
        pytest.skip(f"not defined for a subset: it needs {spec.needs}")
    point = 0.5 * jax.random.normal(jax.random.key(0), (structure.coordinates,))
    estimator = spec.build(structure.coordinates, key=jax.random.key(1))

    def gradient(estimator, key):
        return jax.grad(lambda x: expect(cost, structure.build(x), estimator=estimator, key=key))(point)

    wanted = gradient(Exact(), jax.random.key(2))
    keys = jax.random.split(jax.random.key(3), ESTIMATES)
    found = np.asarray(jax.jit(jax.vmap(lambda key: gradient(estimator, key)))(keys), np.float64)
    assert np.isfinite(found).all()
    error = found.std(axis=0, ddof=1) / ESTIMATES**0.5
    off = np.abs(found.mean(axis=0) - np.asarray(wanted)) / np.maximum(error, 1e-6)
    assert spec.biased or (off < 4.5).all(), off
