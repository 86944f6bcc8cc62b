"""Checks 8, 9, 10, 13 and 14 of the notes: every rule's mean update, against enumeration."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.models.tied.oracle import TINY, Small, bits, chance, random_pair, sigma
from vestige.estimators import Learned, MeanOfOthers, NoBaseline, RunningMean
from vestige.models.tied import (
    Bits,
    OneHot,
    PlainForward,
    Untied,
    VariancePropagation,
    full,
    generation_update,
    hidden_states,
    nothing,
    recognition_update,
    tied_pair,
    untied,
)
from vestige.rules import (
    NVIL,
    VIMCO,
    BidirectionalHelmholtz,
    ExactLikelihood,
    Guided,
    Hybrid,
    ReweightedWakeSleep,
    WakeSleep,
)
from vestige.typing import Batch

X = np.array([1.0, 0.0])
RUNS = 20_000
WAKE = [[0.198706, 0.130494], [-0.679951, -0.266406]]
SLEEP = [[-0.041032, -0.155791], [-0.083926, -0.200043]]
EXACT = [[0.147579, 0.058968], [-0.570147, -0.104123]]
ELBO = [[0.105801, -0.109582], [-0.679951, -0.266406]]


@eqx.filter_jit
def updated(rule, pair, carry, batch, key):
    return rule.step(pair, carry, batch, key=key)


generation_update = eqx.filter_jit(generation_update)
recognition_update = eqx.filter_jit(recognition_update)


def slope_p(x, hidden):
    """∂ log p / ∂W¹ at TINY, by hand."""
    return np.outer(x - sigma(TINY.weights[0] @ hidden[0] + TINY.down[0]), hidden[0])


def slope_q(x, hidden):
    """∂ log q / ∂W¹."""
    return np.outer(x, hidden[0] - sigma(x @ TINY.weights[0] + TINY.up[0]))


def expected(samples, weigh):
    """E Σ_k [a_k ∂ log p + b_k ∂ log q] at x, over all tuples of hidden states; (a, b) = weigh(p, q)."""
    hidden = list(TINY.hidden())
    down = np.zeros((2, 2))
    up = np.zeros((2, 2))
    for chosen in itertools.product(hidden, repeat=samples):
        p, q = (np.array([f(X, h) for h in chosen]) for f in (TINY.p, TINY.q))
        a, b = weigh(p, q)
        down += np.prod(q) * sum(weight * slope_p(X, h) for weight, h in zip(a, chosen, strict=True))
        up += np.prod(q) * sum(weight * slope_q(X, h) for weight, h in zip(b, chosen, strict=True))
    return down, up


def reweighted(p, q):
    w = p / q / np.sum(p / q)
    return w, w


def halved(p, q):
    w = np.sqrt(p / q) / np.sum(np.sqrt(p / q))
    return w, w - 1 / len(w)


def estimates(rule, pair, *, batch=None, runs=RUNS, seed=0):
    """Of the ascent direction of the first connection's kernels, a run each."""
    batch = Batch(jnp.asarray(X)[None]) if batch is None else batch
    carry = rule.init(pair, batch, key=jax.random.key(0))
    carry = jax.tree.map(lambda leaf: leaf + 0.7 if eqx.is_inexact_array(leaf) else leaf, carry)

    @jax.jit
    def many(keys):
        return jax.vmap(lambda key: updated(rule, pair, carry, batch, key).grads.ties[0])(keys)

    found = many(jax.random.split(jax.random.key(seed), runs))
    return jax.tree.map(lambda leaf: -np.asarray(leaf), found)


def within(draws, mean):
    error = draws.std(axis=0) / np.sqrt(len(draws))
    off = np.abs(draws.mean(axis=0) - np.asarray(mean))
    assert np.all(off <= 4 * error + 2e-6), f"{draws.mean(axis=0)} is not {mean}, in errors {off / error}"


def test_the_numbers_of_the_notes():
    """Check 8, in plain numpy."""
    down, _ = expected(1, lambda p, q: (np.ones(1), np.ones(1)))
    np.testing.assert_allclose(down, WAKE, atol=1e-6)
    sleep = np.zeros((2, 2))
    for x in bits(2):
        for h in TINY.hidden():
            sleep += TINY.p(x, h) * slope_q(x, h)
    np.testing.assert_allclose(sleep, SLEEP, atol=1e-6)
    posterior = np.array([TINY.p(X, h) for h in TINY.hidden()])
    exact = sum(w * slope_p(X, h) for w, h in zip(posterior / posterior.sum(), TINY.hidden(), strict=True))
    np.testing.assert_allclose(exact, EXACT, atol=1e-6)
    down, up = expected(1, lambda p, q: (np.ones(1), np.log(p / q)))
    np.testing.assert_allclose(down + up, ELBO, atol=1e-6)


def test_wake_sleep():
    """Check 8: wake in the generation's kernel, sleep in the recognition's."""
    found = estimates(WakeSleep(), TINY.pair(Untied))
    within(found.down, WAKE)
    within(found.up, SLEEP)


@pytest.mark.slow
def test_tied_wake_sleep_is_the_sum():
    """Check 14, in the mean."""
    within(estimates(WakeSleep(), TINY.pair()).kernel, np.add(WAKE, SLEEP))


@pytest.mark.parametrize("real", [pytest.param(0.25, marks=pytest.mark.slow), 1.0])
def test_recognition_may_learn_from_real_data(real):
    found = estimates(WakeSleep(real=real), TINY.pair(Untied))
    within(found.down, WAKE)
    within(found.up, (1 - real) * np.array(SLEEP))  # log q of its own samples: zero in the mean
    weighted = expected(2, reweighted)[1]
    found = estimates(ReweightedWakeSleep(2, real), TINY.pair(Untied))
    within(found.up, real * weighted + (1 - real) * np.array(SLEEP))


@pytest.mark.parametrize(
    ("rule", "weigh"),
    [(ReweightedWakeSleep(2, 1.0), reweighted), (BidirectionalHelmholtz(2), halved)],
)
def test_weighted_rules(rule, weigh):
    """Two samples, all 64 pairs of hidden states."""
    down, up = expected(2, weigh)
    found = estimates(rule, TINY.pair(Untied))
    within(found.down, down)
    within(found.up, up)
    assert np.max(np.abs(up)) > 0.01


@pytest.mark.slow
def test_more_samples_less_bias():
    """Check 8: that of reweighted wake-sleep falls like 1/K towards the gradient of log p."""
    off = [np.abs(expected(k, reweighted)[0] - EXACT).max() for k in (1, 2, 3)]
    assert off[0] > off[1] > off[2]
    found = estimates(ReweightedWakeSleep(32, 0.0), TINY.pair(Untied), runs=8000).down
    biased = np.abs(found.mean(axis=0) - EXACT)
    assert np.all(biased < 0.12 * off[0] + 4 * found.std(axis=0) / np.sqrt(8000))


BASELINES = {
    "none": NoBaseline(),
    "running mean": RunningMean(-2.0),
    "learned": Learned(lambda x: jnp.sum(x) * 0.3 - 2.0),
}


@pytest.mark.parametrize(
    ("baseline", "local"),
    [
        ("none", False),
        pytest.param("none", True, marks=pytest.mark.slow),
        pytest.param("running mean", True, marks=pytest.mark.slow),
        ("learned", True),
    ],
)
def test_nvil_is_the_gradient_of_the_bound(baseline, local):
    """Check 8: tied, with any baseline; and a baseline takes noise away."""
    found = estimates(NVIL(BASELINES[baseline], decay=None, local=local), TINY.pair()).kernel
    within(found, ELBO)


@pytest.mark.slow
def test_baselines_and_local_signals_take_noise_away():
    pair = TINY.pair(Untied)
    spread = lambda rule: float(estimates(rule, pair, runs=4000).up.std(axis=0).sum())
    noisy = spread(NVIL(NoBaseline(), decay=None, local=False))
    assert spread(NVIL(RunningMean(-3.1), decay=None)) < 0.6 * noisy
    assert spread(NVIL(MeanOfOthers(), samples=4, decay=None)) < 0.6 * noisy


@pytest.mark.slow
def test_nvil_of_many_samples():
    within(estimates(NVIL(MeanOfOthers(), samples=3, decay=None), TINY.pair()).kernel, ELBO)


@pytest.mark.slow
def test_nvil_is_scaled_by_the_noise():
    rule, pair, batch = NVIL(decay=0.9), TINY.pair(), Batch(jnp.asarray(X)[None])
    carry = rule.init(pair, batch, key=jax.random.key(0))
    wide = eqx.tree_at(lambda c: c.variance, carry, jnp.asarray(100.0))
    a, b = (updated(rule, pair.__class__(*untie(pair)), c, batch, jax.random.key(1)) for c in (carry, wide))
    np.testing.assert_allclose(a.grads.ties[0].up, 10 * b.grads.ties[0].up, rtol=1e-9)
    assert float(a.carry.baselines[0].value) < 0 < float(a.carry.variance)


def untie(pair):
    net = pair.resolve()
    ties = tuple(Untied(a, b) for a, b in zip(net.generation, net.recognition, strict=True))
    return pair.units, pair.ups, pair.downs, ties, pair.up_biases, pair.down_biases, pair.prior


def test_vimco_is_the_gradient_of_its_bound():
    """Two samples: against differences of the enumerated bound, tied."""

    def bound(w):
        small = Small([w, TINY.weights[1]], TINY.down, TINY.up, TINY.prior)
        states = list(small.hidden())
        p, q = (np.array([f(X, h) for h in states]) for f in (small.p, small.q))
        each = np.log((np.add.outer(p / q, p / q)) / 2)
        return q @ each @ q

    slope = np.zeros((2, 2))
    for i, j in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[i, j] = 1e-5
        slope[i, j] = (bound(TINY.weights[0] + step) - bound(TINY.weights[0] - step)) / 2e-5
    within(estimates(VIMCO(2), TINY.pair()).kernel, slope)


def test_exact():
    """Check 8, without noise: the gradient of log p; and recognition towards the posterior."""
    pair, batch = TINY.pair(Untied), Batch(jnp.asarray(X)[None])
    step = updated(ExactLikelihood(), pair, None, batch, jax.random.key(0))
    np.testing.assert_allclose(-step.grads.ties[0].down, EXACT, atol=1e-6)
    assert float(step.metrics["nll"]) == pytest.approx(2.09210550, abs=1e-8)
    posterior = np.array([TINY.p(X, h) for h in TINY.hidden()])
    up = sum(w * slope_q(X, h) for w, h in zip(posterior / posterior.sum(), TINY.hidden(), strict=True))
    np.testing.assert_allclose(-step.grads.ties[0].up, up, atol=1e-9)
    tied = updated(ExactLikelihood(real=0.0), TINY.pair(), None, batch, jax.random.key(0)).grads
    np.testing.assert_allclose(-tied.ties[0].kernel, EXACT, atol=1e-6)


@functools.cache
def labelled(tie=full):
    """A pair, and four rows of which the label of the last is not known."""
    pair = drawn(lambda key: tied_pair([Bits(3), Bits(3), Bits(2), OneHot(3)], tie=tie, key=key), scale=0.7)
    data = np.array([[1.0, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
    return pair, Batch(jnp.asarray(data), jnp.asarray(np.eye(4)[:, :3]))


@jax.jit
def sampled(net, key):
    """Six states of all layers."""
    return jax.vmap(lambda key: net.generate(key=key))(jax.random.split(key, 6))


def test_labels_are_clamped_exactly(key):
    """The exact rule on data with labels: differences of log p(x, y) and, for the last row, of log p(x)."""
    pair, batch = labelled()

    @jax.jit
    @functools.partial(jax.value_and_grad, has_aux=True)
    def nll(pair):
        step = updated(ExactLikelihood(0.0), pair, None, batch, key)
        return step.metrics["nll"], step.grads

    @jax.jit
    def joints(net, inputs, hidden):
        return jax.vmap(lambda x: jax.vmap(lambda *h: net.log_p((x, *h)))(*hidden))(inputs)

    hidden = hidden_states(pair.resolve())
    classes = np.asarray(hidden[-1])
    logs = []
    for row, label in zip(np.asarray(joints(pair.resolve(), batch.inputs, hidden)), (0, 1, 2, None), strict=True):
        logs.append(np.log(np.sum(np.exp(row if label is None else row[classes[:, label] == 1]))))
    (value, found), slopes = nll(pair)
    np.testing.assert_allclose(value, -np.mean(logs), rtol=1e-10)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(slopes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    "proposal",
    [
        pytest.param(WakeSleep().proposal, marks=pytest.mark.slow),
        pytest.param(Guided(1.0, 1), marks=pytest.mark.slow),
        Guided(0.3),
    ],
)
@pytest.mark.slow
def test_with_many_samples_any_proposal_gives_the_exact_update(proposal, key):
    """Weights use the probability of what was really drawn, with labels, without, and for a mixture of the two."""
    pair, batch = labelled()
    batch = jax.tree.map(lambda leaf: np.repeat(leaf, 100, axis=0), batch)
    rule = ReweightedWakeSleep(200, 1.0, proposal)
    found = updated(rule, pair, None, batch, key)
    exact = updated(ExactLikelihood(1.0), pair, None, batch, key)
    for a, b in zip(jax.tree.leaves(found.grads), jax.tree.leaves(exact.grads), strict=True):
        np.testing.assert_allclose(a, b, atol=0.03)
    assert float(found.metrics["negative_iw_elbo"]) == pytest.approx(float(exact.metrics["nll"]), abs=0.02)


@pytest.mark.slow
def test_a_label_guides(key):
    """The guided proposal is closer to the posterior of h given data and label than the recognition network is."""
    pair, batch = labelled()
    batch = jax.tree.map(lambda leaf: leaf[:3], batch)
    wide = jax.tree.map(lambda leaf: np.repeat(leaf, 500, axis=0), batch)
    costs = [
        float(updated(WakeSleep(p), pair, None, wide, key).metrics["negative_elbo"])
        for p in (WakeSleep().proposal, Guided())
    ]
    nll = float(updated(ExactLikelihood(), pair, None, batch, key).metrics["nll"])
    assert nll < costs[1] < costs[0]


@pytest.mark.parametrize("rule", [WakeSleep, pytest.param(ReweightedWakeSleep, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_reading_touches_the_last_connection_alone(rule, key):
    pair, batch = labelled(untied)
    plain, more = (updated(rule(reading=r), pair, None, batch, key).grads for r in (0.0, 2.0))
    moved = jax.tree.map(lambda a, b: np.max(np.abs(np.asarray(a) - np.asarray(b))), more, plain)
    assert moved.ties[2].up > 0 and moved.up_biases[2] > 0
    rest = eqx.tree_at(lambda m: (m.ties[2].up, m.up_biases[2]), moved, (0.0, 0.0))
    assert max(jax.tree.leaves(rest)) == 0.0
    none = Batch(batch.inputs, jnp.asarray(np.zeros((4, 3))))
    same = (updated(rule(reading=r), pair, None, none, key).grads for r in (0.0, 2.0))
    assert eqx.tree_equal(*same)


@pytest.mark.parametrize("recognition", [pytest.param(PlainForward(), marks=pytest.mark.slow), VariancePropagation()])
@pytest.mark.slow
def test_the_hybrid_adds_the_slope_of_the_label(recognition, key):
    pair, batch = labelled()
    rule = Hybrid(WakeSleep(), 2.0, recognition)
    both = updated(rule, pair, None, batch, key)
    plain = updated(WakeSleep(), pair, None, batch, jax.random.split(key)[0])

    @jax.jit
    @jax.value_and_grad
    def cost(pair):
        logits = jax.vmap(lambda x: recognition.log_top(pair.resolve(), x, key=key))(batch.inputs[:3])
        return -jnp.sum(batch.targets[:3] * jax.nn.log_softmax(logits))

    value, slopes = cost(pair)
    for a, b, c in zip(*map(jax.tree.leaves, (both.grads, plain.grads, slopes)), strict=True):
        np.testing.assert_allclose(a, b + 2.0 * c / 4, rtol=1e-8, atol=1e-12)
    assert float(both.metrics["label_nll"]) == pytest.approx(float(value) / 3)


def test_contrastive_divergence():
    """Check 9: two layers, tied, sleep from the wake state: the update is CD-1, for any batch."""
    noise = np.random.default_rng(0)
    w, u, v = noise.normal(size=(5, 4)), noise.normal(size=5), noise.normal(size=4)
    net = Small([w], [u], [v], np.zeros(4)).pair().resolve()
    x0, h0, x1 = (noise.integers(0, 2, (7, n)).astype(float) for n in (5, 4, 5))
    ones = jnp.ones(7)
    wake = np.asarray(generation_update(net, (jnp.asarray(x0), jnp.asarray(h0)), ones).generation[0])
    sleep = np.asarray(recognition_update(net, (jnp.asarray(x1), jnp.asarray(h0)), ones).recognition[0])
    means = x0 - sigma(h0 @ w.T + u)  # the wake update with the mean of x1, where CD-1 has x1 itself
    wake_sampled = wake - means.T @ h0 + (x0 - x1).T @ h0
    cd = x0.T @ h0 - x1.T @ sigma(x1 @ w + v)
    np.testing.assert_allclose(wake_sampled + sleep, cd, atol=1e-14)


def test_a_consistent_pair_stays():
    """Check 10: at a machine's own p(x) and p(h), the expected wake and sleep updates are both zero."""
    w, u, v = np.array([[1, -2], [0.5, 1.5], [-1, 0.3]]), np.array([0.1, -0.2, 0.3]), np.array([-0.4, 0.6])
    net = Small([w], [u], [v], np.zeros(2)).pair().resolve()
    states = [(x, h) for x in bits(3) for h in bits(2)]
    joint = np.exp([x @ u + h @ v + x @ w @ h for x, h in states])
    joint = joint / joint.sum()
    p_x = {tuple(x): sum(p for p, s in zip(joint, states, strict=True) if tuple(s[0]) == tuple(x)) for x in bits(3)}
    p_h = {tuple(h): sum(p for p, s in zip(joint, states, strict=True) if tuple(s[1]) == tuple(h)) for h in bits(2)}
    xs, hs = (jnp.asarray(np.array([s[i] for s in states])) for i in (0, 1))
    up = np.array([p_x[tuple(x)] * chance(h, net.up_logits(1, (jnp.asarray(x),))) for x, h in states])
    down = np.array([p_h[tuple(h)] * chance(x, net.down_logits(0, jnp.asarray(h))) for x, h in states])
    wake = generation_update(net, (xs, hs), jnp.asarray(up))
    sleep = recognition_update(net, (xs, hs), jnp.asarray(down))
    for leaf in (wake.generation[0], wake.down_biases[0], sleep.recognition[0], sleep.up_biases[0]):
        np.testing.assert_allclose(leaf, 0.0, atol=1e-15)


LOCAL = {
    "wake-sleep": WakeSleep(),
    "wake-sleep, guided": WakeSleep(Guided(), real=0.5, reading=1.0),
    "reweighted": ReweightedWakeSleep(3),
    "bidirectional": BidirectionalHelmholtz(3),
    "exact": ExactLikelihood(),
}


@pytest.mark.parametrize("rule", LOCAL.values(), ids=LOCAL)
def test_no_derivative_is_taken(rule, key, monkeypatch):
    """Check 13: with automatic differentiation switched off."""
    pair, batch = labelled(untied)

    def refused(*args, **kwargs):
        raise AssertionError("automatic differentiation was used")

    for name in ("grad", "value_and_grad", "vjp", "jvp", "linearize", "linear_transpose", "jacfwd", "jacrev"):
        monkeypatch.setattr(jax, name, refused)
    # Only traced, and anew: a program compiled before would take no derivative now either.
    eqx.filter_eval_shape(rule.step, pair, rule.init(pair, batch, key=key), batch, key=key)
    with pytest.raises(AssertionError, match="automatic"):
        eqx.filter_eval_shape(Hybrid(WakeSleep()).step, pair, None, batch, key=key)


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_connection_looks_at_its_two_layers_alone(changed, key):
    """Check 13: given the same states, other weights elsewhere leave the update of a connection as it is."""
    net = labelled(untied)[0].resolve()
    states = sampled(net, key)
    other = eqx.tree_at(lambda n: (n.generation[changed], n.recognition[changed]), net, replace_fn=lambda w: 1.5 * w)
    for update, kernels in (
        (generation_update, lambda n: n.generation),
        (recognition_update, lambda n: n.recognition),
    ):
        before, after = (kernels(update(n, states, np.ones(6))) for n in (net, other))
        same = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
        assert same == [k != changed for k in range(3)]


@pytest.mark.parametrize("tie", [full, untied])
def test_updates_of_either_network_do_not_touch_the_other(tie, key):
    net = labelled(tie)[0].resolve()
    states = sampled(net, key)
    down, up = generation_update(net, states, np.ones(6)), recognition_update(net, states, np.ones(6))
    zero = nothing(net)
    assert eqx.tree_equal((down.recognition, down.up_biases), (zero.recognition, zero.up_biases))
    assert eqx.tree_equal((up.generation, up.down_biases, up.prior), (zero.generation, zero.down_biases, zero.prior))


@pytest.mark.slow
def test_training_keeps_a_full_tie(key):
    """Check 14: after updates, R is W bit for bit; with the same samples the tied update is the sum of the untied."""
    import optax

    pair, batch = labelled()
    rule, optimiser = WakeSleep(), optax.sgd(0.1)
    state = optimiser.init(pair)
    one = updated(rule, pair, None, batch, key).grads
    two = updated(rule, type(pair)(*untie(pair)), None, batch, key).grads
    for a, b in zip(one.ties, two.ties, strict=True):
        np.testing.assert_allclose(a.kernel, b.down + b.up, atol=1e-14)
    for i in range(3):
        step = updated(rule, pair, None, batch, jax.random.fold_in(key, i))
        changes, state = optimiser.update(step.grads, state, pair)
        pair = eqx.apply_updates(pair, changes)
    net = pair.resolve()
    for w, r in zip(net.generation, net.recognition, strict=True):
        np.testing.assert_array_equal(w, r)


@pytest.mark.slow
def test_random_pairs_of_any_depth(key):
    """Enumerated wake and sleep of four untied layers: the same rule, another net."""
    pair = random_pair(2, 3, 2, tie=untied, key=key)
    net = pair.resolve()
    small = Small(net.generation, net.down_biases, net.up_biases, net.prior, net.recognition)
    second = np.zeros((3, 2))
    for x in bits(2):
        for h in small.hidden():
            error = h[1] - sigma(h[0] @ small.upward[1] + small.up[1])
            second += small.p(x, h) * np.outer(h[0], error)
    batch = Batch(jnp.asarray(X)[None])
    found = jax.jit(jax.vmap(lambda k: updated(WakeSleep(), pair, None, batch, k).grads.ties[1].up))(
        jax.random.split(key, RUNS)
    )
    within(-np.asarray(found), second)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReweightedWakeSleep(0), r"ReweightedWakeSleep: samples \(K\) must be at least 1, got 0"),
        (lambda: BidirectionalHelmholtz(0), r"samples \(K\) must be at least 1, got 0"),
        (lambda: VIMCO(1), r"VIMCO: samples \(K\) must be at least 2, got 1"),
        (lambda: VIMCO(3, Guided()), "must be Upward"),
        (lambda: NVIL(samples=0), r"samples \(K\) must be at least 1, got 0"),
        (lambda: NVIL(decay=1.0), r"decay must be in \[0, 1\) or None, got 1.0"),
        (lambda: WakeSleep(real=1.5), r"real must be in \[0, 1\], got 1.5"),
        (lambda: ReweightedWakeSleep(real=-0.5), r"real must be in \[0, 1\], got -0.5"),
        (lambda: WakeSleep(reading=-1.0), "reading must be at least 0, got -1"),
        (lambda: ReweightedWakeSleep(reading=-1.0), "reading must be at least 0, got -1"),
        (lambda: Guided(layers=0), "layers must be at least 1 or None, got 0"),
        (lambda: Hybrid(WakeSleep(), -1.0), "weight must be at least 0, got -1"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.slow
def test_batches_that_do_not_fit(key):
    pair, batch = labelled()
    with pytest.raises(ValueError, match=r"inputs must have rows of shape \(3,\), as layer 0 has, got \(2,\)"):
        updated(WakeSleep(), pair, None, Batch(batch.inputs[:, :2]), key)
    with pytest.raises(ValueError, match=r"targets must be indicators of shape \(4, 3\), as the top layer has"):
        updated(WakeSleep(), pair, None, Batch(batch.inputs, batch.targets[:, :2]), key)
