"""The temperature of a relaxation as an array."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.estimators import BiasedRelaxation, BiasedStraightThrough, expect
from vestige.structures import Subset

RATES = jnp.array([0.3, -0.5, 0.1, 0.8])
KEY = jax.random.key(0)
cost = lambda value: jnp.sum(value * jnp.arange(4.0)) ** 2


@pytest.mark.parametrize("kind", [BiasedRelaxation, pytest.param(BiasedStraightThrough, marks=pytest.mark.slow)])
def test_annealing_is_one_program(kind):
    """Traced once for all temperatures; the numbers are those of a fixed temperature."""
    traced = []

    @jax.jit
    def loss(rates, temperature):
        traced.append(0)
        estimate = lambda rates, temperature: expect(cost, Subset(rates, 2), estimator=kind(temperature, 2), key=KEY)
        return jax.value_and_grad(estimate, (0, 1))(rates, temperature)

    found = [loss(RATES, jnp.asarray(temperature)) for temperature in (2.0, 0.5, 0.1)]
    assert len(traced) == 1
    fixed = jax.jit(jax.value_and_grad(lambda x: expect(cost, Subset(x, 2), estimator=kind(0.5, 2), key=KEY)))(RATES)
    np.testing.assert_allclose(found[1][0], fixed[0], rtol=1e-5)
    np.testing.assert_allclose(found[1][1][0], fixed[1], rtol=1e-4)
    assert not np.allclose(found[0][1][0], found[2][1][0])
    assert all(slope[1] == 0 for _, slope in found)  # the temperature is held fixed
    value, slopes = loss(RATES, jnp.asarray(-1.0))
    assert jnp.isnan(value) and jnp.isnan(slopes[0]).any() and len(traced) == 1
    with pytest.raises(ValueError, match="temperature must be positive, got -1"):
        kind(jnp.asarray(-1.0))
