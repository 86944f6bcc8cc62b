"""Every registered estimator has the mean it should: the exact gradient, unless it is biased by its construction."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conformance.cases import parametrised
from tests.drawn import drawn
from vestige.estimators import Exact, expect
from vestige.registries import registry

ESTIMATES = 4000


@pytest.fixture(**parametrised("estimator"))
def spec(request):
    return request.param


STRUCTURE = registry("structure")["subset"]
KEY = jax.random.key(2)
DRAWN = np.random.default_rng(5)
POINT = jnp.asarray(0.5 * DRAWN.normal(size=STRUCTURE.coordinates), jnp.float32)
WEIGHTS = DRAWN.normal(size=2 * (STRUCTURE.coordinates,)).astype(np.float32)


def cost(value):
    return jnp.sum(WEIGHTS * jnp.outer(value, value))


def gradient(estimator, key):
    return jax.grad(lambda x: expect(cost, STRUCTURE.build(x), estimator=estimator, key=key))(POINT)


@functools.cache
def exact():
    return np.asarray(jax.jit(lambda key: gradient(Exact(), key))(KEY))


@pytest.fixture
def estimator(spec):
    if spec.needs and spec.needs not in STRUCTURE.provides:
        pytest.skip(f"not defined for a subset: it needs {spec.needs}")
    return drawn(lambda key: spec.build(STRUCTURE.coordinates, key=key))


@pytest.mark.slow
def test_the_mean_of_estimates_is_the_exact_gradient(spec, estimator):
    keys = jax.random.split(jax.random.key(3), ESTIMATES)
    found = np.asarray(jax.jit(jax.vmap(lambda key: gradient(estimator, key)))(keys), np.float64)
    assert np.isfinite(found).all()
    error = found.std(axis=0, ddof=1) / ESTIMATES**0.5
    off = np.abs(found.mean(axis=0) - exact()) / np.maximum(error, 1e-6)
    assert spec.biased or (off < 4.5).all(), off


@pytest.mark.slow
def test_costs_of_many_draws_and_auxiliary_output(estimator):
    """The same estimate and slopes as of one draw at a time, and beside them the mean of what else there is."""
    if type(estimator).__module__.partition(".")[0] != "vestige":
        pytest.skip("an estimator of another package need not serve auxiliary output")
    many = lambda values: (jax.vmap(cost)(values), values)

    @jax.jit
    def both(x):
        def of_many(x):
            aux = expect(many, STRUCTURE.build(x), estimator=estimator, key=KEY, batched=True, has_aux=True)
            return aux[0], aux[1]

        plain = jax.value_and_grad(lambda x: expect(cost, STRUCTURE.build(x), estimator=estimator, key=KEY))(x)
        return plain, jax.value_and_grad(of_many, has_aux=True)(x)

    plain, ((value, mean), slope) = both(POINT)
    np.testing.assert_allclose(value, plain[0], rtol=1e-5)
    np.testing.assert_allclose(slope, plain[1], rtol=1e-4, atol=1e-5)
    assert mean.shape == STRUCTURE.value_shape and np.isfinite(mean).all()
