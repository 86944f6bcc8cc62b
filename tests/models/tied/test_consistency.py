"""Checks 4, 5, 6 and 12 of the notes: when recognition and generation are one joint model."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.tied.oracle import Small, bits, chance, sigma
from vestige.models.tied import (
    Bits,
    OneHot,
    exact_gaps,
    exact_log_likelihood,
    layer_states,
    log_posterior,
    log_z_squared,
    tied_pair,
)

W = np.array([[1, -2], [0.5, 1.5], [-1, 0.3]])
U, V = np.array([0.1, -0.2, 0.3]), np.array([-0.4, 0.6])


def rbm():
    """The joint table of the machine, rows x, columns h."""
    energy = [[x @ U + h @ V + x @ W @ h for h in bits(2)] for x in bits(3)]
    table = np.exp(energy)
    return table / table.sum()


def test_the_table():
    joint = rbm()
    np.testing.assert_allclose(joint.sum(0), [0.13576744, 0.41652054, 0.14244119, 0.30527083], atol=1e-8)
    np.testing.assert_allclose(
        joint.sum(1),
        [0.07113332, 0.08784939, 0.2384045, 0.28203823, 0.05867173, 0.05011915, 0.11509808, 0.0966856],
        atol=1e-8,
    )


def test_a_transposed_pair_is_the_machine():
    """Check 4: q(h|x) p(x) = p(x|h) p(h) = joint, and up and down leave p(x) as it is."""
    joint, net = rbm(), Small([W], [U], [V], [0, 0]).pair().resolve()
    up = np.array([[chance(h, net.up_logits(1, (jnp.asarray(x),))) for h in bits(2)] for x in bits(3)])
    down = np.array([[chance(x, net.down_logits(0, jnp.asarray(h))) for x in bits(3)] for h in bits(2)])
    np.testing.assert_allclose(up * joint.sum(1)[:, None], joint, atol=1e-15)
    np.testing.assert_allclose((down * joint.sum(0)[:, None]).T, joint, atol=1e-15)
    np.testing.assert_allclose(joint.sum(1) @ up @ down, joint.sum(1), atol=1e-15)


def test_the_unrolled_machine():
    """Check 4: W, Wᵀ, W with shared biases; the top starts from p(h): upward joint = downward joint, to any depth."""
    joint = rbm()
    small = Small([W, W.T, W], [U, V, U], [V, U, V], [0, 0])
    p_top, p_x = joint.sum(0), joint.sum(1)
    tops = {tuple(h): p for h, p in zip(bits(2), p_top, strict=True)}
    for x, weight in zip(bits(3), p_x, strict=True):
        for hidden in itertools.islice(small.hidden(), 0, None, 5):
            down = small.p(x, hidden) / chance(hidden[-1], [0, 0]) * tops[tuple(hidden[-1])]
            assert weight * small.q(x, hidden) == pytest.approx(down, abs=1e-15)


def test_an_independent_prior_explains_away():
    """Check 5."""
    small = Small([W], [U], [V], [0.2, -0.1])
    net = small.pair().resolve()
    covariances = []
    for x in bits(3):
        table = np.exp(np.asarray(log_posterior(net, jnp.asarray(x)))).reshape(2, 2)
        covariances.append(table[1, 1] - table[1].sum() * table[:, 1].sum())
    expected = [0.02125104, 0.01683138, 0.01603733, 0.01383702, 0.00570886, 0.00836292, 0.01180478, 0.01952582]
    np.testing.assert_allclose(covariances, expected, atol=1e-8)
    apart = Small([np.array([[1, 0], [0.5, 0], [0, 0.3]])], [U], [V], [0.2, -0.1]).pair().resolve()
    for x in bits(3):
        table = np.exp(np.asarray(log_posterior(apart, jnp.asarray(x)))).reshape(2, 2)
        assert abs(table[1, 1] - table[1].sum() * table[:, 1].sum()) < 1e-15


@pytest.mark.parametrize(("extra", "deviation"), [(None, 0.0), ((1, 1, 0, 0), 0.01842258), ((1, 1, 1, 0), 0.01210071)])
def test_the_converse(extra, deviation):
    """Check 6: both conditionals factorise exactly where log p is that of a transposed pair."""
    u, v, w = np.array([0.1, -0.2]), np.array([0.3, -0.5]), np.array([[1, -2], [0.5, 1.5]])
    states = np.array(bits(4))
    log_p = np.array([s[:2] @ u + s[2:] @ v + s[:2] @ w @ s[2:] for s in states])
    if extra is not None:
        log_p = log_p + 0.3 * np.prod(states ** np.array(extra), axis=1)
    monomials = list(itertools.product((0, 1), repeat=4))
    table = np.array([[np.prod(s ** np.array(m)) for m in monomials] for s in states])
    coefficients = dict(zip(monomials, np.linalg.solve(table, log_p), strict=True))
    allowed = [m for m in monomials if sum(m[:2]) <= 1 and sum(m[2:]) <= 1]
    others = [abs(c) for m, c in coefficients.items() if m not in allowed]
    joint = np.exp(log_p).reshape(4, 4)
    joint = joint / joint.sum()
    worst = 0.0
    for conditional in (*(row / row.sum() for row in joint), *(column / column.sum() for column in joint.T)):
        square = conditional.reshape(2, 2)
        worst = max(worst, np.abs(square - np.outer(square.sum(1), square.sum(0))).max())
    assert worst == pytest.approx(deviation, abs=1e-8)
    assert (max(others) < 1e-12) == (worst < 1e-12)
    if extra is None:  # and the library finds it consistent: no gap, Z = 1, where the prior is that of the machine
        pair = tied_pair([Bits(2), OneHot(4)], key=jax.random.key(0))
        net = pair.resolve()
        assert log_z_squared(net) <= 0


def test_one_layer_of_classes_can_be_consistent(key):
    """Check 12: v_y = log pi_y - Σ softplus(W_iy + u_i) makes recognition the naive-Bayes posterior to the last bit."""
    prior = jnp.log(jnp.array([0.5, 0.2, 0.3]))
    pair = tied_pair([Bits(4), OneHot(3)], scale=1.5, prior=prior, key=key)
    kernel = pair.ties[0].kernel
    softplus = np.log1p(np.exp(np.asarray(kernel) + np.asarray(pair.down_biases[0])[:, None])).sum(axis=0)
    net = pair.resolve()
    net = type(net)(
        net.units, net.ups, net.downs, net.generation, net.recognition, (prior - softplus,), net.down_biases, net.prior
    )
    for x in bits(4):
        naive = np.exp(prior) * np.prod(np.where(x[:, None] == 1, sigma(kernel), 1 - sigma(kernel)), axis=0)
        np.testing.assert_allclose(jax.nn.softmax(net.up_logits(1, (jnp.asarray(x),))), naive / naive.sum(), atol=1e-14)
    data = layer_states(net, 0)
    np.testing.assert_allclose(exact_gaps(net, data), 0.0, atol=1e-13)
    assert float(log_z_squared(net)) == pytest.approx(0.0, abs=1e-12)


def test_no_weights_are_independent_bits():
    """Check 12: W = 0 and fitted u⁰; the digits of section 5.3 cost 25.136 nats."""
    from sklearn.datasets import load_digits

    images, _ = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    binary = (images[order] >= 8).astype(float)
    train, test = binary[:1347], binary[1347:]
    frequencies = jnp.asarray((train.sum(axis=0) + 1) / (len(train) + 2))
    pair = tied_pair([Bits(64), Bits(3), OneHot(2)], scale=0.0, key=jax.random.key(0))
    bias = jnp.log(frequencies) - jnp.log1p(-frequencies)
    net = eqx.tree_at(lambda p: p.down_biases[0], pair, bias).resolve()
    nll = -jnp.mean(jax.jit(exact_log_likelihood)(net, jnp.asarray(test)))
    assert float(nll) == pytest.approx(25.136, abs=0.01)


def test_the_bias_of_the_data():
    """Logits of the mean, kept from infinity."""
    pair = tied_pair([Bits(3), Bits(2)], data_mean=jnp.array([0.0, 0.3, 1.0]), key=jax.random.key(0))
    np.testing.assert_allclose(jax.nn.sigmoid(pair.down_biases[0]), [0.02, 0.3, 0.98], rtol=1e-9)
