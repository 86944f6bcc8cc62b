"""Checks 7, 11, 12 and 15 of the notes: likelihoods against enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.tied.oracle import TINY, bits, random_pair
from vestige.models.tied import (
    Bits,
    OneHot,
    annealed_log_likelihood,
    class_log_likelihoods,
    estimated_log_z_squared,
    exact_gaps,
    exact_log_likelihood,
    gaps,
    half_bound,
    half_log_likelihood,
    hidden_states,
    importance_log_likelihood,
    layer_states,
    log_posterior,
    log_z_squared,
    reverse_log_likelihood,
    tied_pair,
    untied,
)

X = [np.array(x, float) for x in ((0, 0), (0, 1), (1, 0), (1, 1))]
LOG_P = [-2.38363394, -1.15652233, -2.09210550, -0.75549106]
HALF = [-2.48342108, -1.25684453, -2.16835105, -0.86002206]
TWO = [-2.48923513, -1.26779568, -2.16931119, -0.87042429]
ELBO = [-2.59187280, -1.34910673, -2.25619754, -0.96181448]
VARIANCE = [0.39554390, 0.52046529, 0.28445858, 0.47060745]


@pytest.fixture
def net():
    return TINY.pair().resolve()


@pytest.mark.parametrize("i", range(4))
def test_the_oracle_is_that_of_the_notes(i):
    """Check 7, in plain numpy."""
    p = np.array([TINY.p(X[i], h) for h in TINY.hidden()])
    q = np.array([TINY.q(X[i], h) for h in TINY.hidden()])
    assert np.log(p.sum()) == pytest.approx(LOG_P[i], abs=1e-8)
    assert 2 * np.log(np.sqrt(p * q).sum()) == pytest.approx(HALF[i], abs=1e-8)
    w = p / q
    two = sum(a * b * np.log((x + y) / 2) for a, x in zip(q, w, strict=True) for b, y in zip(q, w, strict=True))
    assert two == pytest.approx(TWO[i], abs=3e-8)
    assert np.sum(q * np.log(w)) == pytest.approx(ELBO[i], abs=1e-8)
    assert np.sum(q * w**2) / p.sum() ** 2 - 1 == pytest.approx(VARIANCE[i], abs=1e-8)


@pytest.mark.slow
def test_enumeration(net):
    data = jnp.asarray(X)
    np.testing.assert_allclose(jax.jit(exact_log_likelihood)(net, data), LOG_P, atol=1e-8)
    np.testing.assert_allclose(jax.jit(jax.vmap(lambda x: half_log_likelihood(net, x)))(data), HALF, atol=1e-8)
    np.testing.assert_allclose(jax.jit(exact_gaps)(net, data).sum(axis=1), np.array(LOG_P) - ELBO, atol=1e-8)
    log_z2 = float(jax.jit(log_z_squared)(net))
    assert (np.exp(log_z2), log_z2) == (pytest.approx(0.90552652, abs=1e-8), pytest.approx(-0.09923872, abs=1e-8))
    star = np.array(HALF) - log_z2
    np.testing.assert_allclose(star, [-2.38418236, -1.15760581, -2.06911233, -0.76078334], atol=1e-8)
    assert np.exp(star).sum() == pytest.approx(1, abs=1e-7)
    posterior = np.exp(np.asarray(log_posterior(net, data[2]))).reshape(4, 2).sum(axis=1)
    np.testing.assert_allclose(posterior, [0.239754, 0.035679, 0.645642, 0.078925], atol=1e-6)


@pytest.mark.parametrize(
    "sizes",
    [pytest.param((3, 4), marks=pytest.mark.slow), (3, 2, 3), pytest.param((2, 3, 2, 3), marks=pytest.mark.slow)],
)
def test_enumeration_against_plain_sums(sizes, key):
    """Untied, of any depth; the gaps by layer against conditionals made from the table of the joint."""
    net = random_pair(*sizes, tie=untied, key=key).resolve()
    small = type(TINY)(net.generation, net.down_biases, net.up_biases, net.prior, net.recognition)
    data = bits(sizes[0])
    expected = [np.log(small.likelihood(x)) for x in data]
    np.testing.assert_allclose(jax.jit(exact_log_likelihood)(net, jnp.asarray(data)), expected, rtol=1e-10)
    hidden = hidden_states(net)
    assert [tuple(map(tuple, map(np.asarray, h))) for h in zip(*hidden, strict=True)] == [
        tuple(map(tuple, h)) for h in small.hidden()
    ]
    x = data[1]
    joint = np.array([small.p(x, h) for h in small.hidden()]).reshape([2**n for n in sizes[1:]])
    posterior = joint / joint.sum()
    q = np.array([small.q(x, h) for h in small.hidden()]).reshape(joint.shape)
    total = np.sum(q * np.log(q / posterior))
    found = np.asarray(jax.jit(exact_gaps)(net, jnp.asarray(x)[None]))[0]
    assert found.sum() == pytest.approx(total, rel=1e-9) and np.all(found >= 0)
    rest = tuple(range(1, joint.ndim))
    first_q, first_p = (t.sum(axis=rest) if rest else t for t in (q, posterior))
    assert found[0] == pytest.approx(np.sum(first_q * np.log(first_q / first_p)), rel=1e-9)


@pytest.mark.parametrize(
    "samples", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow), 3000]
)
@pytest.mark.few(1)
def test_importance_sampling(net, samples, key):
    """Its weights have mean p(x); bounds rise with K; chunks change nothing but the draws."""
    x = jnp.asarray(X[2])
    runs = 4000 if samples < 10 else 40
    keys = jax.random.split(key, runs)
    chunk = 7 if samples == 3000 else 1
    found = jax.jit(jax.vmap(lambda k: importance_log_likelihood(net, x, samples=samples, chunk=chunk, key=k)))(keys)
    ratios = np.exp(np.asarray(found.log_mean) - LOG_P[2])
    error = np.sqrt(VARIANCE[2] / samples / runs)
    assert abs(ratios.mean() - 1) < 4 * error
    assert ratios.std() == pytest.approx(np.sqrt(VARIANCE[2] / samples), rel=0.1 if runs > 100 else 0.5)
    logs = np.asarray(found.mean_log)
    assert abs(logs.mean() - ELBO[2]) < 4 * logs.std() / np.sqrt(runs)
    if samples == 1:  # check 12: one sample is the evidence lower bound
        np.testing.assert_allclose(found.log_mean, found.mean_log, atol=1e-12)
        np.testing.assert_allclose(found.ess, 1.0)
        np.testing.assert_allclose(found.error, 0.0, atol=1e-7)
    if samples == 2:
        values = np.asarray(found.log_mean)
        assert abs(values.mean() - TWO[2]) < 4 * values.std() / np.sqrt(runs)
    if samples == 3000:
        assert np.asarray(found.ess).mean() / samples == pytest.approx(1 / (1 + VARIANCE[2]), rel=0.02)
        assert np.asarray(found.error).mean() == pytest.approx(np.sqrt(VARIANCE[2] / samples), rel=0.05)


@pytest.mark.parametrize(
    ("temperatures", "mean", "deviation", "ess"),
    [
        pytest.param(1, -2.247, 0.61, 0.78, marks=pytest.mark.slow),
        (5, -2.124, 0.26, 0.94),
        pytest.param(20, -2.101, 0.12, 0.985, marks=pytest.mark.slow),
    ],
)
def test_annealing(net, temperatures, mean, deviation, ess):
    """Check 11: with more temperatures the mean of the log-weights rises to log p."""
    chains = 8000
    annealed = lambda net, x, k: annealed_log_likelihood(net, x, temperatures=temperatures, chains=chains, key=k)
    found = jax.jit(annealed)(net, jnp.asarray(X[2]), jax.random.key(5))
    assert abs(float(found.log_mean) - LOG_P[2]) < 4 * float(found.error) + 1e-3
    assert float(found.mean_log) == pytest.approx(mean, abs=4 * deviation / np.sqrt(chains) + 5e-4)
    assert float(found.ess) / chains == pytest.approx(ess, abs=0.02)


@pytest.mark.slow
def test_annealing_in_reverse_bounds_from_above(net, key):
    """From exact draws: in the mean over posteriors of x = (1, 0), E 1/w = 1 / p(x), and -E log w is above."""
    hidden = hidden_states(net)
    x = jnp.asarray(X[2])
    draws = jax.random.categorical(key, log_posterior(net, x), shape=(4000,))
    for temperatures, most in ((1, 0.3), (5, 0.06)):
        found = jax.jit(
            jax.vmap(
                lambda i, k, t=temperatures: (
                    reverse_log_likelihood(net, (x, *(h[i] for h in hidden)), temperatures=t, chains=1, key=k).log_mean
                )
            )
        )(draws, jax.random.split(key, 4000))
        inverse = np.exp(LOG_P[2] - np.asarray(found))
        assert abs(inverse.mean() - 1) < 4 * inverse.std() / np.sqrt(4000)
        assert 0 < np.asarray(found).mean() - LOG_P[2] < most


@pytest.mark.slow
def test_annealing_with_classes_at_the_top(key):
    pair = tied_pair([Bits(3), Bits(3), OneHot(3)], scale=1.5, key=key)
    net, x = pair.resolve(), jnp.array([1.0, 0.0, 1.0])
    exact = float(exact_log_likelihood(net, x[None])[0])
    found = annealed_log_likelihood(net, x, temperatures=5, chains=2000, key=key)
    assert abs(float(found.log_mean) - exact) < 4 * float(found.error)
    states = net.generate(key=key)
    above = reverse_log_likelihood(net, states, temperatures=5, chains=200, key=key)
    assert float(above.log_mean) > float(exact_log_likelihood(net, states[0][None])[0]) - 0.5


@pytest.mark.slow
def test_the_bidirectional_model(net, key):
    """Section 3.5 against enumeration, and at most 0."""
    found = estimated_log_z_squared(net, samples=40_000, key=key)
    assert abs(float(found.log_mean) + 0.09923872) < 4 * float(found.error)
    value = float(half_bound(net, jnp.asarray(X[2]), samples=20_000, key=key))
    assert value == pytest.approx(HALF[2], abs=0.02)


@pytest.mark.slow
def test_classes_are_summed_out(key):
    pair = tied_pair([Bits(3), Bits(3), OneHot(3)], scale=1.5, key=key)
    net, x = pair.resolve(), jnp.array([1.0, 0.0, 1.0])
    joint = []
    for y in layer_states(net, 2):
        terms = jax.jit(jax.vmap(lambda h, y=y: net.log_p((x, h, y))))(layer_states(net, 1))
        joint.append(np.log(np.exp(np.asarray(terms)).sum()))
    found = class_log_likelihoods(net, x, samples=20_000, key=key)
    np.testing.assert_allclose(found, joint, atol=0.05)
    np.testing.assert_allclose(np.log(np.exp(joint).sum()), exact_log_likelihood(net, x[None])[0], rtol=1e-9)


@pytest.mark.slow
def test_gaps_are_estimated(key):
    net = random_pair(3, 3, 2, tie=untied, key=key).resolve()
    x = jnp.array([1.0, 0.0, 1.0])
    keys = jax.random.split(key, 3000)
    each = np.asarray(jax.jit(jax.vmap(lambda k: gaps(net, x, samples=100, key=k)))(keys))
    exact = np.asarray(exact_gaps(net, x[None]))[0]
    assert np.all(np.abs(each.mean(axis=0) - exact) < 4 * each.std(axis=0) / np.sqrt(3000) + 0.01)


def test_impossible_bits_stay_finite():
    """Check 15: logits of ±1e4."""
    units = Bits(2)
    for dtype in (jnp.float32, jnp.float64):
        logits = jnp.array([1e4, -1e4], dtype)
        assert float(units.log_prob(jnp.array([0.0, 1.0], dtype), logits)) == -2e4
        assert float(units.log_prob(jnp.array([1.0, 0.0], dtype), logits)) == 0.0
        slope = jax.jit(jax.grad(lambda a, d=dtype: units.log_prob(jnp.array([0.0, 1.0], d), a)))(logits)
        assert bool(jnp.all(jnp.isfinite(slope)))
    classes = OneHot(2)
    assert float(classes.log_prob(jnp.array([0.0, 1.0]), jnp.array([1e4, -1e4]))) == -2e4


def test_single_precision_agrees(net):
    """Check 15."""
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), net)
    data = jnp.asarray(X)
    exact = jax.jit(exact_log_likelihood)
    np.testing.assert_allclose(exact(half, data.astype(jnp.float32)), exact(net, data), rtol=1e-3)


def test_refusals(net, key):
    x = jnp.asarray(X[0])
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        importance_log_likelihood(net, x, samples=0, key=key)
    with pytest.raises(ValueError, match="chunk must be at least 1, got 0"):
        importance_log_likelihood(net, x, samples=3, chunk=0, key=key)
    with pytest.raises(ValueError, match="temperatures and chains must be at least 1, got 0 and 3"):
        annealed_log_likelihood(net, x, temperatures=0, chains=3, key=key)
    big = tied_pair([Bits(4), Bits(30)], key=key).resolve()
    with pytest.raises(ValueError, match="layer 1 have 1,073,741,824 states, at most 1,048,576"):
        exact_log_likelihood(big, jnp.zeros((1, 4)))
