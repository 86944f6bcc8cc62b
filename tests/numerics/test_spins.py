"""Independent bits, against their table."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from vestige.numerics import Spins

A, B = jnp.asarray([0.3, -2.0, 5.0]), jnp.asarray([1.0, 0.0, -0.5])
CORNERS = jnp.asarray(np.array(list(itertools.product([-1.0, 1.0], repeat=3)), np.float32))


def test_probabilities_are_those_of_the_table():
    chances = np.prod(np.where(CORNERS > 0, 1, -1) * (np.asarray(jax.nn.sigmoid(A)) - 0.5) + 0.5, axis=1)
    np.testing.assert_allclose(np.exp(jax.jit(jax.vmap(Spins(A).log_prob))(CORNERS)), chances, rtol=1e-5)
    np.testing.assert_allclose(Spins(A).mean, chances @ np.asarray(CORNERS), rtol=1e-5)


def test_divergence_is_the_sum_over_the_table():
    p, q = (np.asarray(jax.jit(jax.vmap(Spins(x).log_prob))(CORNERS)) for x in (A, B))
    np.testing.assert_allclose(Spins(A).kl(Spins(B)), np.sum(np.exp(p) * (p - q)), rtol=1e-5)
    np.testing.assert_allclose(Spins(A).kl(Spins(A)), 0.0, atol=1e-6)


def test_of_means_it_is_the_mean_log_probability():
    p = np.exp(np.asarray(jax.jit(jax.vmap(Spins(A).log_prob))(CORNERS)))
    expected = np.sum(p * np.asarray(jax.jit(jax.vmap(Spins(B).log_prob))(CORNERS)))
    np.testing.assert_allclose(Spins(B).log_prob(Spins(A).mean), expected, rtol=1e-5)


def test_draws_have_the_mean(key):
    draws = np.asarray(jax.jit(jax.vmap(lambda k: Spins(A).draw(key=k)))(jax.random.split(key, 20_000)))
    assert set(np.unique(draws)) == {-1.0, 1.0}
    error = draws.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - np.asarray(Spins(A).mean)) <= 5 * error).all()


def test_far_logits_stay_finite():
    far = Spins(jnp.asarray([200.0, -200.0]))
    assert float(far.log_prob(jnp.asarray([1.0, -1.0]))) == 0.0
    assert float(far.log_prob(jnp.asarray([-1.0, -1.0]))) == -200.0
    assert bool(jnp.isfinite(far.kl(Spins(jnp.zeros(2)))))
