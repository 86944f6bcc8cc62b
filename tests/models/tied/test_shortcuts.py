"""A top that is joined with every hidden layer, against sums over all states in plain numpy."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.models.tied.oracle import bits, chance, sigma
from vestige.estimators import NoBaseline
from vestige.models.families import Bernoulli, Mixed
from vestige.models.tied import (
    Bits,
    Full,
    OneHot,
    PlainForward,
    TiedPair,
    VariancePropagation,
    Visible,
    annealed_log_likelihood,
    class_log_likelihoods,
    completed,
    exact_gaps,
    exact_limiting,
    exact_log_likelihood,
    filled,
    full,
    gaps,
    generated,
    generation_update,
    importance_log_likelihood,
    log_posterior,
    recognition_update,
    reconstructed,
    round_trip,
    tied_pair,
    untied,
)
from vestige.rules import NVIL
from vestige.typing import Batch

SIZES = (3, 3, 2, 2)
CLASSES = 3
DATA = np.array([1.0, 0.0, 1.0])


def softmax(a):
    e = np.exp(np.asarray(a) - np.max(a))
    return e / e.sum()


def joined(shortcuts, tie=untied, seed=0):
    units = [*(Bits(n) for n in SIZES), OneHot(CLASSES)]
    return drawn(lambda key: tied_pair(units, tie=tie, shortcuts=shortcuts, key=key), seed=seed, scale=0.5)


class Plain:
    """The same, written out: layer k has logits W x^{k+1} + S y + u, the class R x³ + Σ T x^k + v."""

    def __init__(self, pair):
        self.w, self.r = ([np.asarray(a) for a in x] for x in (pair.resolve().generation, pair.resolve().recognition))
        cuts = pair.resolve().shortcuts
        self.s, self.t = (
            dict(zip(cuts.layers, map(np.asarray, kernels), strict=True))
            for kernels in (cuts.generation, cuts.recognition)
        )
        self.u, self.v = ([np.asarray(a) for a in x] for x in (pair.down_biases, pair.up_biases))
        self.prior = np.asarray(pair.prior)

    def hidden(self):
        return itertools.product(*(bits(n) for n in SIZES[1:]), np.eye(CLASSES))

    def down(self, k, states):
        from_top = self.s[k] @ states[-1] if k in self.s else 0.0
        return self.w[k] @ states[k + 1] + from_top + self.u[k]

    def top(self, states):
        return states[3] @ self.r[3] + sum(states[k] @ t for k, t in self.t.items()) + self.v[3]

    def p(self, *states):
        found = softmax(self.prior)[np.argmax(states[-1])]
        for k in range(4):
            found *= chance(states[k], self.down(k, states))
        return found

    def q(self, *states):
        found = softmax(self.top(states))[np.argmax(states[-1])]
        for k in (1, 2, 3):
            found *= chance(states[k], states[k - 1] @ self.r[k - 1] + self.v[k - 1])
        return found


@pytest.fixture(scope="module", params=["hidden", "all"])
def whole(request):
    with jax.enable_x64(True):
        pair = joined(request.param)
        return pair, Plain(pair)


def test_log_probabilities(whole):
    pair, plain = whole
    net = pair.resolve()
    hidden = list(plain.hidden())
    states = (np.tile(DATA, (len(hidden), 1)), *(np.stack(layer) for layer in zip(*hidden, strict=True)))
    log_p, log_q = (np.asarray(jax.vmap(f)(states)) for f in (net.log_p, net.log_q))
    np.testing.assert_allclose(log_p, [np.log(plain.p(DATA, *h)) for h in hidden], rtol=1e-9)
    np.testing.assert_allclose(log_q, [np.log(plain.q(DATA, *h)) for h in hidden], rtol=1e-9)
    np.testing.assert_allclose(np.exp(log_q).sum(), 1)


def test_a_top_that_is_not_given_is_missed(whole):
    net = whole[0].resolve()
    with pytest.raises(ValueError, match="layer 1 of this net has a shortcut to the top"):
        net.down_logits(1, jnp.zeros(2))
    for refused in (lambda: exact_gaps(net, jnp.asarray(DATA)[None]), lambda: exact_limiting(net)):
        with pytest.raises(ValueError, match="a net with shortcuts cannot"):
            refused()


def test_the_likelihood(whole, key):
    pair, plain = whole
    net = pair.resolve()
    rows = np.stack(bits(3))
    exact = np.array([sum(plain.p(x, *h) for h in plain.hidden()) for x in rows])
    np.testing.assert_allclose(exact.sum(), 1)
    np.testing.assert_allclose(exact_log_likelihood(net, jnp.asarray(rows)), np.log(exact), rtol=1e-9)
    joint = np.array([plain.p(DATA, *h) for h in plain.hidden()])
    np.testing.assert_allclose(np.exp(log_posterior(net, jnp.asarray(DATA))), joint / joint.sum(), rtol=1e-8)
    data, here = jnp.asarray(DATA), np.log(joint.sum())
    found = importance_log_likelihood(net, data, samples=40_000, key=key)
    assert abs(found.log_mean - here) < 4 * found.error and found.error < 0.03
    annealed = annealed_log_likelihood(net, data, temperatures=20, chains=2000, key=key)
    assert abs(annealed.log_mean - here) < 4 * annealed.error and annealed.error < 0.05
    by_class = np.array([sum(plain.p(DATA, *h) for h in plain.hidden() if h[-1][y]) for y in range(CLASSES)])
    np.testing.assert_allclose(class_log_likelihoods(net, data, samples=40_000, key=key), np.log(by_class), atol=0.06)


def test_a_sweep_of_annealing_leaves_the_posterior_as_it_is(whole):
    """One class or bit at a time: the density that it is drawn from is that of all layers, up to a constant."""
    from vestige.models.tied.annealing import _log_density

    pair, plain = whole
    net = pair.resolve()
    b = jnp.asarray(0.3)
    states = (DATA, *next(itertools.islice(plain.hidden(), 37, None)))
    for k, values in ((1, bits(3)), (2, bits(2)), (3, bits(2)), (4, list(np.eye(CLASSES)))):

        def log_f(value, k=k):
            whole = (*states[:k], value, *states[k + 1 :])
            return 0.3 * np.log(plain.p(*whole)) + 0.7 * np.log(plain.q(*whole))

        found = np.array([_log_density(net, tuple(map(jnp.asarray, states)), k, jnp.asarray(v), b) for v in values])
        wanted = np.array([log_f(v) for v in values])
        np.testing.assert_allclose(found - found[0], wanted - wanted[0], atol=1e-8)


def test_the_gap_adds_up(whole, key):
    """KL(q ‖ p(· | x)) by enumeration, beside the mean of single passes."""
    pair, plain = whole
    net = pair.resolve()
    p = np.array([plain.p(DATA, *h) for h in plain.hidden()])
    q = np.array([plain.q(DATA, *h) for h in plain.hidden()])
    exact = np.sum(q * np.log(q * p.sum() / p))
    each = jax.vmap(lambda k: gaps(net, jnp.asarray(DATA), samples=100, key=k))(jax.random.split(key, 500))
    total = np.asarray(each.sum(1))
    assert abs(total.mean() - exact) < 4 * total.std() / np.sqrt(len(total)) + 0.02


def test_updates_are_gradients(whole):
    """Weighted sums over rows of the slopes of log p and log q, taken by automatic differentiation."""
    pair, plain = whole
    net = pair.resolve()
    rows = [(DATA, *h) for h in itertools.islice(plain.hidden(), 5, 300, 41)]
    states = tuple(jnp.asarray(np.stack(layer)) for layer in zip(*rows, strict=True))
    weights = jnp.linspace(0.3, 1.7, len(rows))
    for update, log in ((generation_update, lambda n, s: n.log_p(s)), (recognition_update, lambda n, s: n.log_q(s))):
        wanted = jax.grad(lambda n, log=log: weights @ jax.vmap(lambda *s: log(n, s))(*states))(net)
        found = update(net, states, weights)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-9), found, wanted)
        assert (
            max(
                np.abs(leaf).max()
                for leaf in jax.tree.leaves((found.shortcuts.generation, found.shortcuts.recognition))
            )
            > 0.1
        )


def test_recognition(whole, key):
    pair, plain = whole
    net = pair.resolve()
    means = [DATA]
    for k in (1, 2, 3):
        means.append(sigma(means[-1] @ plain.r[k - 1] + plain.v[k - 1]))
    logits = plain.top(means)
    data = jnp.asarray(DATA)
    np.testing.assert_allclose(PlainForward().log_top(net, data, key=key), logits, rtol=1e-9)
    np.testing.assert_allclose(PlainForward()(net, data, key=key)[-1], softmax(logits), rtol=1e-9)
    softened = [DATA, means[1]]  # layers whose variance is carried upward by MacKay's form
    for k in (2, 3):
        w, m = plain.r[k - 1], softened[-1]
        spread = (m * (1 - m)) @ w**2
        softened.append(sigma((m @ w + plain.v[k - 1]) / np.sqrt(1 + np.pi / 8 * spread)))
    sources = ((plain.r[3], softened[3]), (plain.t[1], softened[1]), (plain.t[2], softened[2]))
    spread = sum((m * (1 - m)) @ w**2 for w, m in sources)
    wanted = plain.top(softened) / np.sqrt(1 + np.pi / 8 * spread)
    np.testing.assert_allclose(VariancePropagation().log_top(net, data, key=key), wanted, rtol=1e-9)
    top = softmax(logits)
    state = sigma(plain.w[3] @ top + plain.u[3])
    for k in (2, 1):
        state = sigma(plain.w[k] @ state + plain.s[k] @ top + plain.u[k])
    wanted = plain.w[0] @ state + plain.s.get(0, np.zeros((3, CLASSES))) @ top + plain.u[0]
    np.testing.assert_allclose(reconstructed(net, data), wanted, rtol=1e-8)


def test_generation_takes_the_class_into_every_layer(whole, key):
    pair, plain = whole
    net = pair.resolve()
    y = np.eye(CLASSES)[1]
    exact = np.zeros(3)
    for hidden in itertools.product(*(bits(n) for n in SIZES[1:])):
        states = (DATA, *hidden, y)
        weight = np.prod([chance(states[k], plain.down(k, states)) for k in (1, 2, 3)])
        exact += weight * sigma(plain.down(0, states))
    each = jax.vmap(lambda k: generated(net, jnp.asarray(y), key=k))(jax.random.split(key, 20_000))
    np.testing.assert_allclose(each.mean(0), exact, atol=4 * 0.5 / np.sqrt(20_000))
    assert round_trip(net, PlainForward(), jnp.asarray(1), key=key).dtype == bool


def test_tied_shortcuts_are_one_kernel():
    pair = joined("all", full)
    net = pair.resolve()
    assert all(isinstance(tie, Full) for tie in pair.shortcuts) and len(pair.shortcuts) == 3
    states = net.generate(key=jax.random.key(0))
    rows = tuple(leaf[None] for leaf in states)
    both = [update(net, rows, jnp.ones(1)) for update in (generation_update, recognition_update)]
    pulled = pair.pull(jax.tree.map(lambda a, b: a + b, *both))
    for k in range(3):
        wanted = both[0].shortcuts.generation[k] + both[1].shortcuts.recognition[k]
        np.testing.assert_allclose(pulled.shortcuts[k].kernel, wanted)


def test_the_weights_begin_at_nothing_and_change_no_chain(key):
    units = [Bits(3), Bits(3), Bits(2), OneHot(2)]
    plain, cut = (tied_pair(units, shortcuts=cut, key=key) for cut in ("none", "all"))
    states = plain.resolve().generate(key=key)
    assert plain.resolve().log_p(states) == cut.resolve().log_p(states)
    assert all(not np.any(tie.kernel) for tie in cut.shortcuts)


def test_refusals(key):
    with pytest.raises(ValueError, match="shortcuts 'hidden' join no layer of a net with 3"):
        tied_pair([Bits(3), Bits(2), OneHot(2)], shortcuts="hidden", key=key)
    pair = tied_pair([Bits(3), Bits(3), Bits(2), Bits(2), OneHot(2)], key=key)
    with pytest.raises(ValueError, match="layers 1 to 2, or 0 to 2, so there must be 2, 3 or none, got 1"):
        TiedPair(
            pair.units, pair.ups, pair.downs, pair.ties, pair.up_biases, pair.down_biases, pair.prior, pair.ties[:1]
        )


@pytest.mark.parametrize("shortcuts", ["hidden", "all"])
def test_missing_bits(shortcuts, key):
    """E[missing | known], by `completed` for bits and by `filled` for values of a table, beside all states."""
    pair = joined(shortcuts)
    louder = eqx.tree_at(lambda p: p.shortcuts[0].down, pair, replace_fn=lambda kernel: 6 * kernel)  # the class matters
    plain, net = Plain(louder), louder.resolve()
    known = np.array([True, False, False])
    joint = {tuple(x): sum(plain.p(x, *h) for h in plain.hidden()) for x in bits(3) if x[0] == DATA[0]}
    total = sum(joint.values())
    exact = sum(np.array(x) * p for x, p in joint.items()) / total
    found = completed(net, jnp.asarray(DATA), jnp.asarray(known), samples=8000, key=key)
    np.testing.assert_allclose(found.mean, exact, atol=2.5 / np.sqrt(found.ess))
    rows = eqx.tree_at(lambda n: n.units, net, (Visible(Mixed([Bernoulli(3)])), *net.units[1:]))
    part = filled(rows, jnp.where(jnp.asarray(known), DATA, jnp.nan), samples=8000, key=key)
    np.testing.assert_allclose(part.mean, exact, atol=2.5 / np.sqrt(part.ess))
    np.testing.assert_allclose(part.log_p, np.log(total), atol=0.1)


@pytest.mark.parametrize("local", [True, False])
def test_the_score_of_a_class_counts_all_that_it_makes(local):
    """The evidence bound's gradient in the shortcuts upward, by enumeration, and the mean of NVIL's."""
    pair = joined("all")
    plain = Plain(pair)
    slope = np.zeros((3, CLASSES))
    for h in plain.hidden():
        states = (DATA, *h)
        p, q = plain.p(*states), plain.q(*states)
        slope += q * np.log(p / q) * np.outer(DATA, h[-1] - softmax(plain.top(states)))
    rule = NVIL(baseline=NoBaseline(), decay=None, local=local)
    batch = Batch(jnp.asarray(DATA)[None])
    carry = rule.init(pair, batch, key=jax.random.key(0))

    @jax.jit
    def many(keys):
        return jax.vmap(lambda key: rule.step(pair, carry, batch, key=key).grads.shortcuts[0].up)(keys)

    each = -np.asarray(many(jax.random.split(jax.random.key(1), 20_000)))
    assert np.all(np.abs(each.mean(0) - slope) < 4 * each.std(0) / np.sqrt(len(each)) + 1e-6)
