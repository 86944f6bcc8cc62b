import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from vestige.numerics import log_add, log_difference, log_exponential, logsumexp, segment_logsumexp


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 23.0), ("float64", 45.0)])
def test_log_exponential(dtype, bound):
    with jax.enable_x64(dtype == "float64"):
        draw = jax.jit(lambda key: log_exponential((1_000_000,), jnp.dtype(dtype), key=key))
        logs = np.asarray(draw(jax.random.key(1)))
    assert logs.dtype == dtype
    assert np.isfinite(logs).all() and logs.min() > -bound and np.exp(logs).max() < bound
    times = np.exp(logs.astype(np.float64))
    assert stats.kstest(times, "expon").pvalue > 1e-3
    # Both tails: the smallest and the largest tenth of a thousandth are as many, and as fine, as they should be.
    for rare in (times < -np.log1p(-1e-4), times > -np.log(1e-4)):
        assert abs(rare.sum() - 100) < 40
    small = np.sort(times)[:100]
    assert len(np.unique(small)) == 100
    assert stats.kstest(times[times < 1e-2] / 1e-2, stats.truncexpon(b=1e-2, scale=100.0).cdf).pvalue > 1e-3
    large = times[times > 8] - 8
    assert stats.kstest(large, "expon").pvalue > 1e-3


def test_log_difference():
    rng = np.random.default_rng(0)
    log_b = rng.uniform(-69, 69, 10_000)
    gap = 10.0 ** rng.uniform(-6, 2, 10_000)
    with jax.enable_x64(True):
        found = jax.jit(log_difference)(log_b + gap, log_b)
    gap = (log_b + gap) - log_b
    np.testing.assert_allclose(found, log_b + gap + np.log(-np.expm1(-gap)), rtol=0, atol=1e-12)
    a = jnp.array([1.0, -np.inf, np.inf, np.inf, 0.5], jnp.float32)
    b = jnp.array([1.0, -np.inf, 3.0, -np.inf, -np.inf], jnp.float32)
    np.testing.assert_array_equal(log_difference(a, b), jnp.array([-np.inf, -np.inf, np.inf, np.inf, 0.5], jnp.float32))


def test_log_add():
    a = jnp.array([0.0, -np.inf, 60.0, -np.inf], jnp.float32)
    b = jnp.array([0.0, 2.0, -60.0, -np.inf], jnp.float32)
    np.testing.assert_allclose(log_add(a, b), [np.log(2), 2, 60, -np.inf], rtol=1e-6)
    slopes = jax.jit(
        jax.grad(lambda a, b: jnp.sum(jnp.where(jnp.isfinite(log_add(a, b)), log_add(a, b), 0.0)), (0, 1))
    )(a, b)
    np.testing.assert_allclose(slopes, [[0.5, 0, 1, 0], [0.5, 1, 0, 0]], atol=1e-6)


def test_segment_logsumexp():
    x = jnp.array([1e3, 1e3, -1e3, -np.inf, 5.0, -1e3], jnp.float32)
    segments = jnp.array([0, 0, 1, 2, -1, 1], jnp.int32)
    found = segment_logsumexp(x, segments, 4)
    np.testing.assert_allclose(found, [1e3 + np.log(2), -1e3 + np.log(2), -np.inf, -np.inf], rtol=1e-6)
    slopes = jax.jit(jax.grad(lambda x: jnp.sum(segment_logsumexp(x, segments, 4))))(x)
    np.testing.assert_allclose(slopes, [0.5, 0.5, 0.5, 0, 0, 0.5], atol=1e-6)


def test_what_is_left_out_of_every_segment_may_be_anything():
    x = jnp.array([1.0, np.nan, 1e30, -1e3], jnp.float32)
    segments = jnp.array([0, -1, -1, 1], jnp.int32)
    total, slopes = jax.jit(jax.value_and_grad(lambda x: jnp.sum(segment_logsumexp(x, segments, 2))))(x)
    assert float(total) == -999
    np.testing.assert_array_equal(slopes, [1, 0, 0, 1])


def test_sums_of_nothing_have_no_slope():
    nothing = jnp.full(3, -jnp.inf, jnp.float32)
    assert float(logsumexp(nothing, 0)) == float(logsumexp(jnp.zeros(3), 0, jnp.zeros(3, bool))) == -np.inf
    np.testing.assert_array_equal(jax.jit(jax.grad(lambda x: logsumexp(x, 0)))(nothing), 0)
    here = jnp.array([True, False, True])
    x = jnp.array([0.0, np.nan, 0.0], jnp.float32)
    value, slopes = jax.jit(jax.value_and_grad(lambda x: logsumexp(x, 0, here)))(x)
    assert float(value) == pytest.approx(np.log(2))
    np.testing.assert_allclose(slopes, [0.5, 0, 0.5])


def test_nan_stays_nan():
    x = jnp.array([0.0, np.nan, 1.0], jnp.float32)
    assert np.isnan(logsumexp(x, 0))
    assert np.isnan(segment_logsumexp(x, jnp.array([0, 1, 0], jnp.int32), 2)).tolist() == [False, True]
    assert np.isnan(log_add(x, x[::-1])).tolist() == [False, True, False]
