"""What is masked, batched, or far from one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .cases import CASES, N, compiled


@compiled
def masked(name, log_rates, mask, key):
    def total(log_rates):
        structure = CASES[name].make(log_rates, mask=mask)
        draw = structure.sample(key=key)
        times = structure.posterior(draw.trace, key=key)
        return draw.log_prob + jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), (draw.trace.winners, draw.value)

    return jax.value_and_grad(total, has_aux=True)(log_rates)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 1e30])
def test_what_the_mask_hides_changes_nothing(name, garbage):
    case, n = CASES[name], 5
    clean = case.rates(n, seed=9, dtype=np.float32)
    mask = np.array([True, True, True, False, True])
    seen = case.seen(mask)
    key = jax.random.key(2)
    expected = masked(name, clean, mask, key)
    found = masked(name, np.where(seen, clean, np.float32(garbage)), mask, key)
    for a, b in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        assert bool(jnp.all(jnp.isfinite(a)))
        np.testing.assert_array_equal(a, b)
    assert (np.asarray(found[1])[~seen] == 0).all()


def test_batches_and_compilation(name):
    case = CASES[name]
    log_rates = case.rates(5, 16, seed=10, dtype=np.float32)
    keys = jax.random.split(jax.random.key(10), 16)
    count = 0

    @jax.jit
    def draws(log_rates, keys):
        nonlocal count
        count += 1
        return jax.vmap(lambda x, key: case.make(x).sample(key=key))(log_rates, keys)

    whole, one = draws(log_rates, keys), draws(log_rates[3:4], keys[3:4])
    assert count == 2
    draws(log_rates + 1, keys)
    assert count == 2
    alone, mode = of_one(name, log_rates[3], keys[3])
    for a, b, c in zip(*map(jax.tree.leaves, (whole, one, alone)), strict=True):
        np.testing.assert_allclose(a[3], b[0], rtol=1e-6)
        agree(a[3], c)
    assert mode.shape == alone.value.shape


@compiled
def of_one(name, log_rates, key):
    """A draw without a batch, and the mode."""
    structure = CASES[name].make(log_rates)
    return structure.sample(key=key), structure.mode().value


def agree(one, other):
    """Whatever rounding does, winners and values are the same."""
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    if not jnp.issubdtype(one.dtype, jnp.floating):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_jit_changes_nothing(name):
    """Op by op, which takes several times as long."""
    log_rates, key = CASES[name].rates(5, seed=10, dtype=np.float32), jax.random.key(10)
    plain = CASES[name].make(jnp.asarray(log_rates)).sample(key=key)
    jax.tree.map(agree, of_one(name, log_rates, key)[0], plain)


@compiled
def extremes(name, key):
    """Whether everything is finite, for log-rates and noise drawn here."""
    case = CASES[name]

    def one(key):
        where, drawing, given = jax.random.split(key, 3)
        log_rates = jax.random.uniform(where, case.shape(N), minval=-69.0, maxval=69.0)
        if case.keys == "symmetric":
            log_rates = jnp.triu(log_rates, 1) + jnp.triu(log_rates, 1).T

        def posterior(log_rates, trace):
            structure = case.make(log_rates)
            times = structure.posterior(trace, key=given)
            fine = jnp.all(jnp.where(structure.log_rates > -jnp.inf, jnp.isfinite(times), times == jnp.inf))
            return jnp.sum(jnp.where(jnp.isfinite(times), times, 0.0)), fine

        draw = case.make(log_rates).sample(key=drawing)
        log_prob, score = jax.value_and_grad(lambda x: case.make(x).log_prob(draw.trace))(log_rates)
        slopes, fine = jax.grad(posterior, has_aux=True)(log_rates, draw.trace)
        finite = [jnp.all(jnp.isfinite(x)) for x in (log_prob, score, slopes)]
        bounded = jnp.all(jnp.abs(score) < 3 * N) & (log_prob < 1e-3)
        return jnp.stack([fine, bounded, *finite])

    return jnp.all(jax.lax.map(one, jax.random.split(key, 2**18 // N), batch_size=2**13), axis=0)


@pytest.mark.slow
def test_rates_over_sixty_orders_of_magnitude(name):
    """About ten million noise draws over all structures."""
    assert extremes(name, jax.random.key(12)).tolist() == [True] * 5
