"""Entropy and divergence of times, traces and values, against sums over the listing of the plain-Python algorithm."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.structures import (
    Arborescence,
    BinaryTree,
    Categorical,
    Matching,
    Permutation,
    SpanningTree,
    Subset,
    entropy,
    enumerate_traces,
    enumerate_values,
    kl,
    kl_estimate,
)

from .cases import CASES, compiled, given_winners, listed, mean_is, quick_first

LEVELS = ("times", "trace", "value")
SIZE = 4
ONE_TRACE = {"categorical", "choices", "permutation", "binary tree"}
ROUGH = 1e-4


def pair(name, n=SIZE):
    """Log-rates of q and p."""
    return tuple(CASES[name].rates(n, seed=seed, scale=0.7, dtype=np.float32) for seed in (1, 2))


def both(name, rates):
    """Divergences of q from p and entropies of q, level by level."""
    q, p = (CASES[name].make(x) for x in rates)
    return jnp.stack([kl(q, p, level=level) for level in LEVELS] + [entropy(q, level=level) for level in LEVELS])


@compiled
def exactly(name, rates):
    return both(name, rates)


@compiled
def slopes_of(name, rates):
    return jax.jacrev(functools.partial(both, name))(rates)


@functools.cache
def found(name):
    """Divergences and entropies, each in the order of the levels."""
    return np.split(jax.device_get(exactly(name, pair(name))), 2)


def grouped(name, winners, log_probs):
    """Probabilities of values."""
    values = np.asarray(given_winners(name, pair(name)[0], winners)[1])
    _, group = np.unique(values.reshape(len(values), -1), axis=0, return_inverse=True)
    return [np.bincount(group.ravel(), np.exp(log_prob)) for log_prob in log_probs]


def keys_there(name):
    return np.isfinite(np.asarray(CASES[name].make(jnp.zeros(CASES[name].shape(SIZE))).log_rates))


@quick_first
@pytest.mark.few(1)
def test_divergences_and_entropies_are_those_of_the_listing(name):
    divergences, entropies = found(name)
    q, p = (rates.astype(np.float64) for rates in pair(name))
    winners, log_q = listed(name, SIZE, q)
    _, log_p = listed(name, SIZE, p)
    of_q, of_p = grouped(name, winners, (log_q, log_p))
    up = (q - p)[keys_there(name)]
    expected = np.sum(up + np.exp(-up) - 1), np.sum(np.exp(log_q) * (log_q - log_p)), np.sum(of_q * np.log(of_q / of_p))
    np.testing.assert_allclose(divergences, expected, rtol=ROUGH)
    expected = np.sum((1 - q)[keys_there(name)]), -np.sum(np.exp(log_q) * log_q), -np.sum(of_q * np.log(of_q))
    np.testing.assert_allclose(entropies, expected, rtol=ROUGH)


@quick_first
@pytest.mark.slow
def test_the_order_of_levels(name):
    times, trace, value = found(name)[0]
    assert 0 < value <= trace + 1e-6 and trace <= times
    if name not in ONE_TRACE:
        assert value < trace - 1e-4
    assert found(name)[1][2] <= found(name)[1][1] + 1e-6


@pytest.mark.slow
def test_slopes_are_those_of_differences(name):
    """Along one direction, in float64."""
    direction = tuple(CASES[name].rates(SIZE, seed=seed, dtype=np.float64) for seed in (5, 6))
    step = 1e-4
    with jax.enable_x64(True):
        base = tuple(rates.astype(np.float64) for rates in pair(name))
        ahead, behind = (
            jax.device_get(exactly(name, tuple(x + sign * step * d for x, d in zip(base, direction, strict=True))))
            for sign in (1, -1)
        )
    along = sum(
        np.tensordot(np.asarray(slope, np.float64), d, d.ndim)
        for slope, d in zip(slopes_of(name, pair(name)), direction, strict=True)
    )
    np.testing.assert_allclose(along, (ahead - behind) / (2 * step), rtol=2e-3, atol=2e-5)


ESTIMATES = 4000


@compiled
def estimated(name, rates, keys):
    make = CASES[name].make
    one = lambda rates, key: kl_estimate(make(rates[0]), make(rates[1]), draws=2, key=key)
    return jax.vmap(jax.value_and_grad(one), (None, 0))(rates, keys)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "subset")) for name in CASES])
@pytest.mark.slow
def test_estimates_have_the_divergence_of_traces_as_their_mean(name):
    values, slopes = jax.device_get(estimated(name, pair(name), jax.random.split(jax.random.key(3), ESTIMATES)))
    value, expected = found(name)[0][1], [slope[1] for slope in slopes_of(name, pair(name))]
    assert (values >= -1e-5).all()
    one_race = name in ("categorical", "choices")  # then every estimate is exact, but for rounding
    for samples, right in zip([values, *slopes], [value, *expected], strict=True):
        error = np.std(samples, axis=0) / ESTIMATES**0.5
        assert (np.abs(np.mean(samples, axis=0, dtype=np.float64) - right) <= 4.5 * error + 2e-6).all()
        assert not one_race or (error < 1e-5).all()


@pytest.mark.slow
def test_estimates_vary_less_than_the_logarithm_of_the_ratio():
    name = "spanning tree"
    q, p = (SpanningTree(jnp.asarray(rates)) for rates in pair(name))

    @jax.jit
    def both(keys):
        def one(key):
            trace = q.sample(key=key).trace
            return kl_estimate(q, p, draws=1, key=key), q.log_prob(trace) - p.log_prob(trace)

        return jax.vmap(one)(keys)

    smooth, rough = both(jax.random.split(jax.random.key(0), 2000))
    assert np.var(smooth) < 0.2 * np.var(rough)


@compiled
def with_mask(name, rates, mask):
    make = functools.partial(CASES[name].make, mask=mask)
    table = enumerate_traces(make(rates[0]))
    return (
        jnp.sum(jnp.exp(table.log_probs)),
        [kl(make(rates[0]), make(rates[1]), level=level) for level in LEVELS],
        [entropy(make(rates[0]), level=level) for level in ("trace", "value")],
    )


@pytest.mark.slow
def test_masked_ones_are_those_of_the_smaller_size(name):
    if name == "arborescence, root 1":
        pytest.skip("the root is not there, and that of the smaller one is another")
    mask = np.array([True, False, True, True])
    there = CASES[name].among(np.flatnonzero(mask))
    rates = pair(name)
    total, divergences, entropies = with_mask(name, rates, mask)
    np.testing.assert_allclose(total, 1.0, rtol=1e-5)
    small = tuple(x[there] for x in rates)
    expected = exactly(name, small)
    np.testing.assert_allclose(divergences, expected[:3], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(entropies, expected[4:], rtol=1e-4, atol=1e-6)
    total, divergences, entropies = with_mask(name, rates, np.zeros(4, bool))
    np.testing.assert_allclose([total, *divergences, *entropies], [1, 0, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(("size", "seed"), [pytest.param(9, 0, marks=pytest.mark.slow), (30, 1)])
def test_large_binary_trees(size, seed):
    """Against the mean over draws; enumeration ends at about a dozen positions."""
    q, p = (BinaryTree(jnp.asarray(np.random.default_rng(seed + s).normal(size=size), jnp.float32)) for s in (0, 10))

    @jax.jit
    def run(keys):
        traces = jax.vmap(lambda key: q.sample(key=key).trace)(keys)
        return jax.vmap(q.log_prob)(traces), jax.vmap(p.log_prob)(traces), kl(q, p), entropy(q)

    log_q, log_p, divergence, spread = jax.device_get(run(jax.random.split(jax.random.key(0), 4000)))
    mean_is(log_q - log_p, divergence)
    mean_is(-log_q, spread)


def test_values_of_larger_subsets():
    q = Subset(jnp.asarray(np.random.default_rng(0).normal(size=10), jnp.float32), 5)
    values, log_probs = jax.jit(enumerate_values)(q)
    np.testing.assert_allclose(np.exp(log_probs).sum(), 1, rtol=1e-5)
    assert values.shape == (253, 10)
    with pytest.raises(ValueError, match="more than 200,000"):
        enumerate_values(Subset(jnp.zeros(40), 20))


@pytest.mark.parametrize(
    ("q", "p", "error", "message"),
    [
        (Categorical(jnp.zeros(3)), Permutation(jnp.zeros(3)), TypeError, "one class, got Categorical and Permutation"),
        (Categorical(jnp.zeros(3)), Categorical(jnp.zeros(4)), ValueError, "one size"),
        (Subset(jnp.zeros(3), 1), Subset(jnp.zeros(3), 2), ValueError, "k = 1 and one with 2"),
        (Arborescence(jnp.zeros((3, 3))), Arborescence(jnp.zeros((3, 3)), 1), ValueError, "root = 0"),
        (
            Categorical(jnp.zeros(3)),
            Categorical(jnp.zeros(3), mask=jnp.array([True, False, True])),
            ValueError,
            "masks of the two differ",
        ),
    ],
)
def test_what_cannot_be_compared(q, p, error, message):
    with pytest.raises(error, match=message):
        kl(q, p)
    with pytest.raises(error, match=message):
        kl_estimate(q, p, draws=1, key=jax.random.key(0))


def test_compiled_differences_of_masks_are_nan():
    masks = jnp.array([[True, False, True], [True, True, True]])
    found = jax.jit(lambda a, b: kl(Categorical(jnp.zeros(3), mask=a), Categorical(jnp.zeros(3), mask=b)))
    assert jnp.isnan(found(*masks)) and found(masks[0], masks[0]) == 0


def test_levels_are_named():
    unhooked = inspect.unwrap(entropy)
    with pytest.raises(ValueError, match='level must be "times", "trace" or "value", got'):
        unhooked(Categorical(jnp.zeros(3)), level="values")  # pyright: ignore[reportArgumentType]


IMPOSSIBLE = jnp.array([0.0, -jnp.inf, 0.3])


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_what_p_cannot_do(level):
    q, p = Categorical(jnp.zeros(3)), Categorical(IMPOSSIBLE)
    assert kl(q, p, level=level) == jnp.inf
    assert jnp.isfinite(kl(p, q, level=level)) == (level != "times")
    assert kl(p, p, level=level) == 0
    assert kl_estimate(q, p, draws=2, key=jax.random.key(0)) == jnp.inf
    assert kl_estimate(p, q, draws=2, key=jax.random.key(0)) == pytest.approx(float(kl(p, q)), rel=1e-5)


STUCK = Matching(jnp.array([[0.0, -jnp.inf], [0.0, 0.0]]))


def test_dead_ends_are_nan():
    assert jnp.isnan(jax.jit(entropy)(STUCK))


@pytest.mark.slow
def test_dead_ends_are_said_where_they_are_known():
    """Op by op."""
    with pytest.raises(ValueError, match="entropy: the traces do not add up"):
        entropy(STUCK)
