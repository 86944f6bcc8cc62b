"""A recurrent VAE whose observations have a scale of their own."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.drawn import drawn
from vestige.models.families import Gaussian, NegativeBinomial, StudentT, UnitGaussian
from vestige.models.filters import RecurrentVAE
from vestige.rules import ELBO, TemporallyLocal, TransitionTarget

NOISE = 0.05


def trained(family, key, steps=400):
    """On an oscillation with little noise, handed over step by step."""
    t = jnp.arange(400.0)
    y = jnp.stack([jnp.sin(0.3 * t), jnp.cos(0.3 * t)], axis=1)
    y = y + NOISE * jax.random.normal(key, y.shape)
    model = RecurrentVAE(family, 8, width=32, key=key)
    rule, optimiser = TemporallyLocal(ELBO(), TransitionTarget(), update_interval=20, clip=5.0), optax.adam(5e-3)

    @eqx.filter_jit
    def run(model):
        weights, rest = eqx.partition(model, eqx.is_inexact_array)

        def step(carry, i):
            weights, state, opt = carry
            model = eqx.combine(weights, rest)
            at = (i * 20) % 380
            seen = jax.lax.dynamic_slice_in_dim(y, at, 20)[None]
            learned = rule.learn(model, jnp.where(at == 0, 0.0, state), seen, key=jax.random.fold_in(key, i))
            updates, opt = optimiser.update(learned.grads, opt)
            return (eqx.apply_updates(weights, updates), learned.states, opt), learned.metrics["loss"]

        carry = (weights, jnp.zeros((1, 8)), optimiser.init(weights))
        (weights, _, _), losses = jax.lax.scan(step, carry, jnp.arange(steps))
        model = eqx.combine(weights, rest)
        _, before = model.unroll(model.init(), y)
        scores = jax.vmap(lambda u, v: model.log_predictive(u, v, key=key))(before[50:], y[50:])
        return jnp.mean(scores), losses

    with jax.numpy_dtype_promotion("standard"):  # of optax's schedules
        return run(model)


@pytest.mark.slow
def test_a_learned_scale_says_what_is_known(key):
    """The oscillation is predicted to the noise: 2 log N(0, 0.05²) is 3.2 nats, of which a unit variance sees -1.8."""
    fixed, _ = trained(UnitGaussian(2), key)
    learned, losses = trained(Gaussian(2), key)
    assert fixed < -np.log(2 * np.pi) < 0 < learned
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("family", [Gaussian(2), StudentT(2), NegativeBinomial(2)])
@pytest.mark.few(1)
def test_the_decoder_puts_out_as_many_numbers_as_the_family_has_parameters(family, key):
    model = drawn(lambda key: RecurrentVAE(family, 4, width=8, lags=(1, 2), key=key))
    assert model.observation.out_features == family.num_parameters
    assert model.future.out_features == 2 * family.num_parameters
    assert eqx.filter_eval_shape(model.predict, model.init(), key=key).shape == (2,)

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def bound(model, seen):
        return model.given(model.init()).bound(seen, key=key)

    value, slopes = bound(model, (jnp.ones(2), jnp.ones((2, 2))))
    assert np.isfinite(value) and np.isfinite(bound(model, jnp.ones(2))[0])
    assert np.abs(np.asarray(slopes.observation.bias)).min() > 0
