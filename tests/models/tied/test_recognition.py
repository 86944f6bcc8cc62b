"""Checks 1, 2, 3 and 12 of the notes: beliefs carried upward, against enumeration."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.tied.oracle import CHAIN, Small, bits, chance, sigma
from vestige.models.tied import (
    Bits,
    GaussHermite,
    Logistic,
    Normal,
    OneHot,
    PlainForward,
    Probit,
    Sampled,
    VariancePropagation,
    tied_pair,
)

KEY = jax.random.key(0)
ACTIVATIONS = {"logistic": Logistic(), "probit": Probit(), "normal": Normal(), "hermite": GaussHermite(24)}


def exact_marginals(small, x):
    """P(x^k = 1) of every layer by the full recursion over states."""
    table = {tuple(x): 1.0}
    found = []
    for w, v in zip(small.upward, small.up, strict=True):
        new = {}
        for below, weight in table.items():
            for above in bits(w.shape[1]):
                found_p = weight * chance(above, np.asarray(below) @ w + v)
                new[tuple(above)] = new.get(tuple(above), 0.0) + found_p
        table = new
        found.append(sum(np.asarray(state) * weight for state, weight in table.items()))
    return found


@pytest.mark.parametrize(
    ("activation", "value"),
    [("logistic", 0.7872412), ("probit", 0.7771877), ("normal", 0.7646515), ("hermite", 0.7745350)],
)
def test_one_unit(activation, value):
    """Check 1: w = (2, -1.5, 1), b = 0.3, input means (0.7, 0.4, 0.5)."""
    w, mu = np.array([2, -1.5, 1]), np.array([0.7, 0.4, 0.5])
    exact = sum(math.prod(m if b else 1 - m for m, b in zip(mu, x, strict=True)) * sigma(w @ x + 0.3) for x in bits(3))
    assert float(exact) == pytest.approx(0.7734550, abs=1e-6)
    mean, variance = jnp.asarray(w @ mu + 0.3), jnp.asarray(w**2 @ (mu * (1 - mu)))
    assert (float(mean), float(variance)) == (pytest.approx(1.6), pytest.approx(1.63))
    assert float(ACTIVATIONS[activation](mean, variance)) == pytest.approx(value, abs=1e-6)
    assert float(jax.nn.sigmoid(mean)) == pytest.approx(0.8320184, abs=1e-6)


def test_the_chain_exactly():
    """Check 2: the numbers of the notes by enumeration, so that the rest may lean on it."""
    first, second, third = exact_marginals(CHAIN, (1, 0))
    np.testing.assert_allclose(first, [0.73105858, 0.81757448, 0.22270014], atol=1e-8)
    np.testing.assert_allclose(second, [0.47092069, 0.53785417], atol=1e-8)
    np.testing.assert_allclose(third, [0.30142604], atol=1e-8)


@pytest.mark.parametrize(
    ("recognition", "second", "third"),
    [
        (PlainForward(), (0.47106712, 0.55772057), 0.19293865),
        (VariancePropagation(Logistic()), (0.47525931, 0.55037769), 0.26986167),
        (VariancePropagation(Probit()), (0.47617636, 0.54871218), 0.28379792),
        # The notes use Φ in the first layer too, as we do not: there its inputs are certain in both; see below.
        (VariancePropagation(Normal()), None, None),
    ],
)
def test_the_chain_approximately(recognition, second, third):
    means = recognition(CHAIN.pair().resolve(), jnp.array([1.0, 0.0]), key=KEY)
    if second is None:
        first = jax.scipy.stats.norm.cdf(jnp.array([1.0, 1.5, -1.25]) / math.sqrt(math.pi**2 / 3))
        np.testing.assert_allclose(means[1], first, atol=1e-8)
        return
    np.testing.assert_allclose(means[1], exact_marginals(CHAIN, (1, 0))[0], atol=1e-12)
    np.testing.assert_allclose(means[2], second, atol=1e-7)
    np.testing.assert_allclose(means[3], [third], atol=1e-7)
    top = recognition.log_top(CHAIN.pair().resolve(), means[0], key=KEY)
    np.testing.assert_allclose(jax.nn.sigmoid(top), means[3], rtol=1e-9)


def test_the_normal_activation_in_the_chain():
    """Check 2, AP2-normal above an exact first layer."""
    net = CHAIN.pair().resolve()
    first = jnp.asarray(exact_marginals(CHAIN, (1, 0))[0])
    data = jnp.array([1.0, 0.0])
    mean, variance = net.up_logits(2, (data, first)), (first * (1 - first)) @ net.recognition[1] ** 2
    second = Normal()(mean, variance)
    np.testing.assert_allclose(second, [0.47822633, 0.54438093], atol=1e-7)
    third = Normal()(net.up_logits(3, (data, first, second)), (second * (1 - second)) @ net.recognition[2] ** 2)
    np.testing.assert_allclose(third, [0.29489397], atol=1e-7)


@pytest.mark.slow
def test_sampling_agrees_with_enumeration():
    found = Sampled(200_000)(CHAIN.pair().resolve(), jnp.array([1.0, 0.0]), key=KEY)
    for means, exact in zip(found[1:], exact_marginals(CHAIN, (1, 0)), strict=True):
        assert np.all(np.abs(np.asarray(means) - exact) <= 4 * np.sqrt(exact * (1 - exact) / 200_000) + 1e-12)


@pytest.mark.parametrize("activation", [Logistic(), Probit(), GaussHermite(16)])
def test_without_variance_it_is_the_plain_network(activation, key):
    m = jnp.linspace(-6, 6, 13)
    np.testing.assert_allclose(activation(m, jnp.zeros(13)), jax.nn.sigmoid(m), atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_turning_a_unit_around(activation):
    """Check 3: W -> -W, b -> -b maps mu to 1 - mu. And it can be trained through, at no variance too."""
    m, s2 = jnp.linspace(-3, 3, 7), jnp.linspace(0.0, 9, 7)
    np.testing.assert_allclose(activation(-m, s2), 1 - activation(m, s2), atol=1e-12)
    slopes = jax.jit(jax.grad(lambda m, s: jnp.sum(activation(m, s)), argnums=(0, 1)))(m, s2)
    assert all(bool(jnp.all(jnp.isfinite(slope))) for slope in slopes)


@pytest.mark.parametrize(
    ("m", "s2", "exact", "logistic", "probit", "normal"),
    [
        (0.5, 1, 0.602027, 0.607749, 0.604364, 0.595380),
        (2, 4, 0.775200, 0.793076, 0.776845, 0.770577),
        (4, 16, 0.819476, 0.839148, 0.814901, 0.818784),
    ],
)
def test_reference_values(m, s2, exact, logistic, probit, normal):
    """Section 3.1; the quadrature is that of another library."""
    from scipy.integrate import quad
    from scipy.stats import norm

    integral = quad(lambda z: sigma(m + math.sqrt(s2) * z) * norm.pdf(z), -12, 12)[0]
    assert integral == pytest.approx(exact, abs=1e-6)
    m, s2 = jnp.asarray(float(m)), jnp.asarray(float(s2))
    values = {"logistic": logistic, "probit": probit, "normal": normal}
    for name, value in values.items():
        assert float(ACTIVATIONS[name](m, s2)) == pytest.approx(value, abs=1e-6)
    assert float(GaussHermite(40)(m, s2)) == pytest.approx(exact, abs=1e-4)


def test_the_plain_network_errs_within_its_bounds():
    """Check 3: |AP1 - exact| <= 0.0482 s² and <= s / 4, units with 8 independent inputs."""
    noise = np.random.default_rng(0)
    states = np.array(bits(8))
    w = noise.normal(size=(300, 8)) * noise.exponential(size=(300, 1)) * 2
    mu, b = noise.uniform(size=(300, 8)), noise.normal(size=300)
    weights = np.prod(np.where(states[None] == 1, mu[:, None], 1 - mu[:, None]), axis=2)
    exact = np.sum(weights * sigma(w @ states.T + b[:, None]), axis=1)
    s2 = np.sum(w**2 * mu * (1 - mu), axis=1)
    wrong = np.abs(sigma(np.sum(w * mu, axis=1) + b) - exact)
    assert np.all(wrong <= 0.0482 * s2) and np.all(wrong <= np.sqrt(s2) / 4)
    closer = np.abs(np.asarray(Probit()(jnp.sum(jnp.asarray(w * mu), 1) + b, jnp.asarray(s2))) - exact)
    assert closer.mean() < 0.25 * wrong.mean()


def ten_bits(scale, seed):
    """Four layers of 10 bits above 10 bits of data, much as in section 3.1."""
    noise = np.random.default_rng(seed)
    weights = [noise.normal(size=(10, 10)) * scale / math.sqrt(10) for _ in range(4)]
    up = [-w.sum(axis=0) / 2 + noise.normal(size=10) * 0.5 for w in weights]
    return Small(weights, [np.zeros(10)] * 4, up, np.zeros(10)), noise.integers(0, 2, 10).astype(float)


@jax.jit
def both(net, x):
    return PlainForward()(net, x, key=KEY), VariancePropagation()(net, x, key=KEY)


@pytest.mark.parametrize("scale", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(4, marks=pytest.mark.slow)])
def test_variances_remove_most_of_the_error(scale):
    """Section 3.1: at least 80 % less mean absolute error of the marginals than the plain network, by enumeration."""
    plain, better = [], []
    states = np.array(bits(10))
    for seed in range(3):
        small, x = ten_bits(scale, seed)
        net = small.pair().resolve()
        ap1, ap2 = both(net, jnp.asarray(x))
        table = np.zeros(1024)
        table[int("".join(str(int(bit)) for bit in x), 2)] = 1.0
        for k, (w, v) in enumerate(zip(small.weights, small.up, strict=True), start=1):
            ones = sigma(states @ w + v)
            step = np.ones((1024, 1))
            for unit in range(10):  # the first bit slowest
                step = (step[:, :, None] * np.stack([1 - ones[:, unit], ones[:, unit]], 1)[:, None, :]).reshape(
                    1024, -1
                )
            table = table @ step
            exact = table @ states
            if k > 1:
                plain.append(np.abs(np.asarray(ap1[k]) - exact).mean())
                better.append(np.abs(np.asarray(ap2[k]) - exact).mean())
    assert np.mean(better) < 0.2 * np.mean(plain)


def test_large_weights_make_a_threshold_network(key):
    """Check 12."""
    net = tied_pair([Bits(4), Bits(5), Bits(3)], scale=50.0, key=key).resolve()
    data = jnp.array([1.0, 0.0, 1.0, 1.0])
    states = [data]
    for k in (1, 2):
        logits = net.up_logits(k, states)
        assert float(jnp.min(jnp.abs(logits))) > 1
        states.append((logits > 0).astype(float))
    np.testing.assert_allclose(PlainForward()(net, data, key=key)[-1], states[-1], atol=0.2)


def test_classes_at_the_top_and_between(key):
    """Probabilities add up; a layer of classes passes on the variance of one choice, not of independent bits."""
    net = tied_pair([Bits(3), OneHot(4), OneHot(5)], scale=2.0, key=key).resolve()
    data = jnp.array([1.0, 0.0, 1.0])
    second = jax.nn.softmax(net.recognition[1] + net.up_biases[1][None], axis=-1)
    exact = jax.nn.softmax(net.up_logits(1, (data,))) @ second
    for recognition in (PlainForward(), VariancePropagation(), Sampled(4)):
        means = recognition(net, data, key=key)
        np.testing.assert_allclose(jnp.sum(means[-1]), 1.0, rtol=1e-9)
        np.testing.assert_allclose(means[-1], jax.nn.softmax(recognition.log_top(net, data, key=key)), rtol=1e-9)
    np.testing.assert_allclose(Sampled(20_000)(net, data, key=key)[-1], exact, atol=0.02)
    below = PlainForward()(net, data, key=key)[1]
    spread = below @ net.recognition[1] ** 2 - (below @ net.recognition[1]) ** 2
    np.testing.assert_allclose(
        VariancePropagation()(net, data, key=key)[-1],
        jax.nn.softmax(Probit().tempered(net.up_logits(2, (data, below)), spread)),
        rtol=1e-9,
    )


def test_refusals():
    with pytest.raises(ValueError, match="passes must be at least 1, got 0"):
        Sampled(0)
    with pytest.raises(ValueError, match="nodes must be at least 1, got 0"):
        GaussHermite(0)
