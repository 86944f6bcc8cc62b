import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from vestige.numerics import DiagonalGaussian, GaussianMixture


def mixture(key, components=3, latent=2, batch=()):
    noise = np.random.default_rng(int(jax.random.key_data(key)[-1]))
    logits = noise.normal(size=(*batch, components))
    mean = 3 * noise.normal(size=(*batch, components, latent))
    log_scale = noise.uniform(-1.0, 0.5, mean.shape)
    log_weights = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    log_weights, mean, log_scale = (jnp.asarray(leaf, jnp.float32) for leaf in (log_weights, mean, log_scale))
    return GaussianMixture(log_weights, DiagonalGaussian(mean, log_scale))


def as_numpyro(p):
    components = dist.Normal(p.components.mean, jnp.exp(p.components.log_scale)).to_event(1)
    return dist.MixtureSameFamily(dist.Categorical(logits=p.log_weights), components)


def test_density_is_numpyros(key):
    p = mixture(key, batch=(50,))
    value = jax.random.normal(key, (50, 2))
    found, expected = jax.jit(lambda p, value: (p.log_prob(value), as_numpyro(p).log_prob(value)))(p, value)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_draws_have_its_moments(key):
    p = mixture(key)
    draws = np.asarray(jax.jit(jax.vmap(lambda k: p.draw(key=k)))(jax.random.split(key, 40_000)))
    weights = np.exp(p.log_weights)
    mean = weights @ np.asarray(p.components.mean)
    second = weights @ (np.square(p.components.mean) + np.exp(2 * np.asarray(p.components.log_scale)))
    for found, expected in ((draws, mean), (draws**2, second)):
        error = found.std(axis=0) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - expected) < 4.5 * error).all()


def test_surprise_averages_to_the_divergence(key):
    """Of two priors: with one component it is the closed form; with equal components it is that too."""
    q = DiagonalGaussian(jnp.array([0.3, -1.0]), jnp.array([-0.5, 0.2]))
    p = DiagonalGaussian(jnp.array([-0.2, 0.4]), jnp.array([0.1, 0.3]))
    twice = GaussianMixture(jnp.log(jnp.array([0.3, 0.7])), jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), p))
    draws = jax.jit(jax.vmap(lambda k: q.draw(key=k)))(jax.random.split(key, 50_000))
    values = np.asarray(jax.jit(jax.vmap(lambda z: twice.surprise(q, z)))(draws))
    assert abs(values.mean() - float(q.kl(p))) < 4 * values.std() / np.sqrt(len(values))
    assert float(p.surprise(q, draws[0])) == pytest.approx(float(q.kl(p)))


def test_a_component_far_away_costs_its_name(key):
    """Fifteen frames, one of which comes: ln 15 nats, however many numbers a frame has."""
    mean = 100 * jax.random.normal(key, (15, 32))
    p = GaussianMixture(jnp.full(15, -jnp.log(15.0)), DiagonalGaussian(mean, jnp.full((15, 32), -2.0)))
    q = DiagonalGaussian(mean[4], jnp.full(32, -2.0))
    assert float(p.surprise(q, q.draw(key=key))) == pytest.approx(np.log(15), abs=1e-3)


def test_components_of_no_weight_change_nothing(key):
    p = mixture(key)
    log_weights = jnp.append(p.log_weights, -jnp.inf)
    components = jax.tree.map(lambda leaf: jnp.concatenate([leaf, 1e3 * jnp.ones((1, 2))]), p.components)
    value = jnp.array([0.1, 0.2])
    more = GaussianMixture(log_weights, components)
    assert float(more.log_prob(value)) == pytest.approx(float(p.log_prob(value)), rel=1e-6)
    slope = jax.jit(jax.grad(lambda v: more.log_prob(v)))(value)
    assert bool(jnp.all(jnp.isfinite(slope)))


def test_the_gradient_of_the_surprise_is_that_of_the_divergence_and_vanishes_with_it(key):
    q = DiagonalGaussian(jnp.array([0.3, -1.0]), jnp.array([-0.5, 0.2]))
    p = DiagonalGaussian(jnp.array([-0.2, 0.4]), jnp.array([0.1, 0.3]))
    alone = lambda g: GaussianMixture(jnp.zeros(1), jax.tree.map(lambda leaf: leaf[None], g))
    slope = jax.jit(jax.vmap(jax.grad(lambda g, k: alone(p).surprise(g, g.draw(key=k))), (None, 0)))
    slopes = slope(q, jax.random.split(key, 50_000))
    expected = jax.jit(jax.grad(lambda g: g.kl(p)))(q)
    for found, right in zip(slopes, expected, strict=True):
        found = np.asarray(found)
        assert (np.abs(found.mean(axis=0) - right) < 4.5 * found.std(axis=0) / np.sqrt(len(found))).all()
    agree = jax.jit(jax.grad(lambda g: alone(q).surprise(g, g.draw(key=key))))(q)
    np.testing.assert_allclose(jnp.stack(agree), 0, atol=1e-6)
