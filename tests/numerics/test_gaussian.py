import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from vestige.numerics import DiagonalGaussian


def gaussian(mean: float, scale: float) -> DiagonalGaussian:
    return DiagonalGaussian(jnp.array([mean]), jnp.log(jnp.array([scale])))


@pytest.mark.parametrize(
    ("q", "p", "expected"),
    [
        ((0.0, 1.0), (0.0, 1.0), 0.0),
        ((1.0, 1.0), (0.0, 1.0), 0.5),
        ((0.0, 2.0), (0.0, 1.0), 0.8068528),
        ((0.0, 1.0), (0.0, 2.0), 0.3181472),
        ((0.5, 0.1), (0.5, 0.2), 0.3181472),
    ],
)
def test_kl_golden(q, p, expected):
    assert float(gaussian(*q).kl(gaussian(*p))) == pytest.approx(expected, abs=2e-7)


def random_pair(key, count=10_000, latent=3):
    keys = jax.random.split(key, 4)
    means = [jax.random.normal(k, (count, latent)) * 5 for k in keys[:2]]
    scales = [jax.random.uniform(k, (count, latent), minval=-7.0, maxval=3.0) for k in keys[2:]]
    return DiagonalGaussian(means[0], scales[0]), DiagonalGaussian(means[1], scales[1])


def test_kl_is_never_negative(key):
    q, p = random_pair(key)
    assert float(jnp.min(q.kl(p))) >= 0
    nearly = DiagonalGaussian(q.mean, q.log_scale + 1e-4)
    assert float(jnp.min(q.kl(nearly))) >= 0
    assert float(jnp.max(q.kl(q))) == 0


def test_against_numpyro(key):
    q, p = random_pair(key, count=200)
    nq, np_ = (dist.Normal(g.mean, jnp.exp(g.log_scale)).to_event(1) for g in (q, p))
    np.testing.assert_allclose(q.kl(p), dist.kl_divergence(nq, np_), rtol=2e-4)
    value = q.sample(jax.random.normal(key, q.mean.shape))
    np.testing.assert_allclose(q.log_prob(value), nq.log_prob(value), rtol=1e-4, atol=1e-4)


def test_kl_is_the_expected_log_ratio(key):
    q, p = gaussian(0.3, 0.7), gaussian(-0.2, 1.1)
    draws = jax.jit(jax.vmap(q.sample))(jax.random.normal(key, (100_000, 1)))
    ratios = jax.jit(jax.vmap(lambda z: q.log_prob(z) - p.log_prob(z)))(draws)
    error = float(jnp.std(ratios)) / np.sqrt(len(ratios))
    assert abs(float(jnp.mean(ratios)) - float(q.kl(p))) < 4 * error
