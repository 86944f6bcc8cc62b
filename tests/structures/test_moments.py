"""Marginals against sums over the listing of the plain-Python algorithm, and against draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import (
    Categorical,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
    exact,
    marginals,
    marginals_estimate,
    pair_marginals,
    pair_marginals_estimate,
    subset_log_prob,
)

from .cases import CASES, compiled, given_winners, listed, quick_first

SIZE = 4


@compiled
def moments(name, log_rates):
    structure = CASES[name].make(log_rates)
    return marginals(structure), pair_marginals(structure)


@quick_first
def test_moments_are_those_of_the_listing(name):
    rates = CASES[name].rates(SIZE, seed=3, dtype=np.float32)
    winners, log_probs = listed(name, SIZE, rates)
    values = np.asarray(given_winners(name, rates, winners)[1], np.float64)
    flat = values.reshape(len(values), -1)
    singles, pairs = moments(name, rates)
    np.testing.assert_allclose(np.ravel(singles), np.exp(log_probs) @ flat, atol=3e-6)
    expected = (flat * np.exp(log_probs)[:, None]).T @ flat
    np.testing.assert_allclose(np.reshape(pairs, expected.shape), expected, atol=3e-6)


@compiled
def of_masked(name, log_rates, mask):
    return marginals(CASES[name].make(log_rates, mask=mask))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name != "binary tree")) for name in CASES if "arb" not in name],
)
def test_masked_marginals_are_those_of_the_smaller_size(name):
    mask = np.array([True, False, True, True])
    rates = CASES[name].rates(SIZE, seed=3, dtype=np.float32)
    found = np.asarray(of_masked(name, rates, mask))
    seen = np.flatnonzero(mask)
    expected = np.asarray(jax.jit(lambda x: marginals(CASES[name].make(x)))(rates[CASES[name].among(seen)]))
    where = np.arange(3) if name == "permutation" else seen  # places close ranks
    inner = (
        found[np.ix_(where, np.arange(2) if CASES[name].keys == "rows" else seen)] if found.ndim == 2 else found[seen]
    )
    np.testing.assert_allclose(inner, expected, atol=3e-6)
    np.testing.assert_allclose(found.sum(), expected.sum(), rtol=1e-5)
    np.testing.assert_array_equal(of_masked(name, rates, np.zeros(SIZE, bool)), 0)


@pytest.mark.parametrize("kind", ["subset", pytest.param("permutation", marks=pytest.mark.slow)])
def test_large_ones_agree_with_draws(kind):
    """Integrals and counts are independent ways; the stated error is that of the counts."""
    rates = jnp.asarray(np.random.default_rng(0).normal(size=12) * 1.5, jnp.float32)
    structure = {"subset": Subset(rates, 5), "permutation": Permutation(rates)}[kind]
    run = lambda key: (marginals(structure), marginals_estimate(structure, draws=20_000, key=key))
    expected, estimate = jax.device_get(jax.jit(run)(jax.random.key(1)))
    off = (estimate.mean - expected) / estimate.error
    assert (np.abs(off) < 4.5).all() and np.std(off) > 0.4
    assert expected.sum() == pytest.approx({"subset": 5, "permutation": 12}[kind], rel=1e-5)
    assert (estimate.error > 0).all()


@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.few(1)
def test_sets_summed(scale):
    """Against all sets of their own probability, by another integral, in float64 and over a wide range."""
    with jax.enable_x64(True):
        rates = np.random.default_rng(5).normal(size=6) * scale
        subset = Subset(jnp.asarray(rates), 3)
        values = np.array([[i >> bit & 1 for bit in range(6)] for i in range(64) if bin(i).count("1") == 3], float)
        run = lambda values: (jax.vmap(lambda value: subset_log_prob(subset, value))(values), pair_marginals(subset))
        log_probs, pairs = jax.device_get(jax.jit(run)(values))
    np.testing.assert_allclose(pairs, (values * np.exp(log_probs)[:, None]).T @ values, atol=1e-9)


@pytest.mark.slow
def test_slopes_of_marginals():
    with jax.enable_x64(True):
        rates = jnp.asarray(np.random.default_rng(5).normal(size=4))
        for make in (lambda x: Subset(x, 2), Permutation):
            weights = jnp.asarray(np.random.default_rng(6).normal(size=marginals(make(rates)).shape))
            total = lambda x, make=make, weights=weights: jnp.sum(marginals(make(x)) * weights)
            slope, ahead, behind = jax.jit(
                lambda x, total=total: (jax.grad(total)(x), total(x.at[1].add(1e-5)), total(x.at[1].add(-1e-5)))
            )(rates)
            np.testing.assert_allclose(slope[1], (ahead - behind) / 2e-5, rtol=1e-6)


def test_slopes_of_pairs_by_enumeration():
    """A matching of four has 16 pairs whatever the rates: XLA has compiled the slopes of their sum as up to 0.8."""
    rates = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 4)), jnp.float32)
    slopes = jax.jit(jax.vmap(jax.grad(lambda x: jnp.sum(pair_marginals(Matching(x))))))(rates)
    np.testing.assert_allclose(slopes, 0.0, atol=1e-4)


def test_what_the_integral_cannot_do_is_nan_and_what_draws_cannot_do_is_said(monkeypatch):
    wide = jnp.array([400.0, -400.0, 0.0, 10.0])
    found = jax.jit(lambda x: marginals(Subset(x, 2)))(wide)
    assert jnp.all(jnp.isnan(found)) or jnp.allclose(found, jnp.array([1.0, 0, 0, 1]), atol=1e-4)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        marginals_estimate(Categorical(jnp.zeros(3)), draws=0, key=jax.random.key(0))
    monkeypatch.setattr(exact, "LIMIT", 90)  # listing the others takes a while
    with pytest.raises(ValueError, match="more than 90 traces"):
        jax.jit(marginals)(SpanningTree(jnp.zeros((4, 4))))


@pytest.mark.slow
def test_pairs_of_draws():
    tree = SpanningTree(jnp.asarray(CASES["spanning tree"].rates(3, seed=3), jnp.float32))
    run = lambda key: (pair_marginals(tree), pair_marginals_estimate(tree, draws=5000, key=key))
    exact, estimate = jax.device_get(jax.jit(run)(jax.random.key(0)))
    assert (np.abs(estimate.mean - exact) < 4 * estimate.error).all()
    with pytest.raises(TypeError, match="expect"):
        jax.grad(lambda x: jnp.sum(marginals_estimate(tree.with_log_rates(x), draws=2, key=jax.random.key(0)).mean))(
            tree.log_rates
        )
