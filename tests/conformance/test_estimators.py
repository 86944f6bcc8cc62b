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


@pytest.mark.slow
def test_costs_of_many_draws_and_auxiliary_output(spec, cost):
    """The same estimate and slopes as of one draw at a time, and beside them the mean of what else there is."""
    structure = registry("structure")["subset"]
    if spec.needs and spec.needs not in structure.provides:
        pytest.skip(f"not defined for a subset: it needs {spec.needs}")
    estimator = spec.build(structure.coordinates, key=jax.random.key(1))
    point = 0.5 * jax.random.normal(jax.random.key(0), (structure.coordinates,))
    key = jax.random.key(2)
    many = lambda values: (jax.vmap(cost)(values), values)

    def both(x):
        aux = expect(many, structure.build(x), estimator=estimator, key=key, batched=True, has_aux=True)
        return aux[0], aux[1]

    if type(estimator).__module__.partition(".")[0] != "vestige":
        pytest.skip("an estimator of another package need not serve auxiliary output")
    plain = jax.jit(jax.value_and_grad(lambda x: expect(cost, structure.build(x), estimator=estimator, key=key)))(point)
    (value, mean), slope = jax.jit(jax.value_and_grad(both, has_aux=True))(point)
    np.testing.assert_allclose(value, plain[0], rtol=1e-5)
    np.testing.assert_allclose(slope, plain[1], rtol=1e-4, atol=1e-5)
    assert mean.shape == structure.value_shape and np.isfinite(mean).all()
