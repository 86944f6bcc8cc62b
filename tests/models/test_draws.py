"""What filters draw for the next step, beside what they say of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.families import Bernoulli, Gaussian, UnitGaussian
from vestige.models.filters import RecurrentVAE
from vestige.models.harmonium import DeepHarmonium, RecurrentHarmonium

DRAWS = 4096
STATE = jnp.array([0.9, 0.2, 0.6])


def drawn(model, key=7):
    keys = jax.random.split(jax.random.key(key), DRAWS)
    return np.asarray(jax.jit(jax.vmap(lambda k: model.draw(STATE, key=k)))(keys))


def larger(model):
    """With weights that matter."""
    return jax.tree.map(lambda leaf: 40 * leaf if leaf.ndim == 2 else leaf + 0.3, model)


def test_a_harmonium_draws_a_mixture_over_its_bits():
    model = larger(RecurrentHarmonium(UnitGaussian(2), 3, key=jax.random.key(0)))
    given = model.given(STATE)
    hidden = np.array([[b >> k & 1 for k in range(3)] for b in range(8)], float)
    naturals = np.asarray(jax.vmap(given.natural)(jnp.asarray(hidden)))
    logs = hidden @ np.asarray(given.hidden_bias) + 0.5 * np.square(naturals).sum(axis=1)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ naturals
    variance = 1 + weights @ np.square(naturals - mean)
    found = drawn(model)
    assert (np.abs(found.mean(axis=0) - mean) < 4 * np.sqrt(variance / DRAWS)).all()
    assert (np.abs(found.var(axis=0) / variance - 1) < 4 * np.sqrt(2 / DRAWS)).all()


@pytest.mark.parametrize("kind", ["vae", "deep"])
@pytest.mark.few(1)
def test_draws_have_the_mean_that_is_predicted(kind):
    if kind == "vae":
        model = RecurrentVAE(Gaussian(2), 3, width=8, key=jax.random.key(1))
    else:
        model = larger(DeepHarmonium(Bernoulli(2), (4, 3), key=jax.random.key(1)))
    keys = jax.random.split(jax.random.key(3), DRAWS)
    predicted = np.asarray(jax.jit(jax.vmap(lambda k: model.predict(STATE, key=k)))(keys)).mean(axis=0)
    found = drawn(model)
    # a deep model predicts by means of means
    room = 0.05 if kind == "deep" else 0.0
    assert (np.abs(found.mean(axis=0) - predicted) < 4 * found.std(axis=0) * np.sqrt(2 / DRAWS) + room).all()
