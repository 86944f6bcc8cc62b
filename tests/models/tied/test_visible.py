"""Data of every kind as the lowest layer, beside sums over the hidden states in NumPy and densities of SciPy."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from tests.drawn import drawn
from vestige.models.families import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    CountScale,
    Gaussian,
    Mixed,
    NegativeBinomial,
    Poisson,
    StudentT,
    parameters_at,
)
from vestige.models.tied import (
    Bits,
    OneHot,
    PlainForward,
    Visible,
    exact_completion,
    exact_log_likelihood,
    filled,
    generation_update,
    importance_log_likelihood,
    inpainted,
    log_z_squared,
    recognised_in_part,
    recognition_update,
    reconstructed,
    tied_pair,
)
from vestige.numerics import soft_clamp
from vestige.rules.tied import (
    NVIL,
    VIMCO,
    BidirectionalHelmholtz,
    ExactLikelihood,
    Hybrid,
    ReweightedWakeSleep,
    WakeSleep,
)
from vestige.typing import Batch

SCALE = CountScale((3.0, 0.5), (1.0, 0.6))
FAMILY = Mixed(
    [
        Gaussian(2, 0.05),
        ContinuousBernoulli(2),
        NegativeBinomial(2, SCALE),
        Poisson(1),
        Bernoulli(1),
        Categorical(2),
    ]
)
X = np.array([0.3, -1.2, 0.0, 0.7, 4.0, 0.0, 2.0, 1.0, 0.0, 1.0])
CENTRE = np.array([0.0, 0.1, 0.4, 0.6, 3.0, 1.0, 2.0, 0.3, 0.2, 0.5])
GONE = [[], [0], [3, 4], [8, 9], [0, 1, 2, 3, 6, 7, 8, 9], list(range(10))]
FEWER = Mixed([Gaussian(2, 0.05), ContinuousBernoulli(1), Bernoulli(1), Categorical(2)])
"""Where values are drawn: programs that draw counts take seconds to compile."""
Y = np.array([0.3, -1.2, 0.0, 1.0, 0.0, 1.0])
KEY = jax.random.key(3)


def pair(family=FAMILY, top=None, scale=0.7):
    centre = CENTRE if family is FAMILY else None
    units = [Visible(family, centre), Bits(3), Bits(2) if top is None else OneHot(top)]
    return drawn(lambda key: tied_pair(units, key=key), seed=5, scale=scale)


@pytest.fixture(scope="module")
def net():
    with jax.enable_x64(True):
        return pair().resolve()


@pytest.fixture(scope="module")
def fewer():
    with jax.enable_x64(True):
        return pair(FEWER).resolve()


def lacking(x, gone):
    return np.where(np.isin(np.arange(len(x)), list(gone)), np.nan, x)


def softplus(raw):
    return np.log1p(np.exp(raw))


def normal(part, a, x):
    return scipy.stats.norm(a[: part.size], 0.05 + softplus(a[part.size :])).logpdf(x)


def grey(part, a, x):
    return a * x - np.log(np.expm1(a) / a)


def negative_binomial(part, a, x):
    mean = np.array(SCALE.rates) * np.exp(a[:2])
    size = np.exp(np.asarray(soft_clamp(jnp.asarray(a[2:]), -7.0, 14.0)))
    return scipy.stats.nbinom(size, size / (size + mean)).logpmf(x)


def classes(part, a, x):
    logits = np.array([0.0, *a])
    place = int(np.nan_to_num(x) @ (1 + np.arange(part.size)))
    return np.array([logits[place] - np.log(np.exp(logits).sum()), 0.0])


LOGS = {
    Gaussian: normal,
    ContinuousBernoulli: grey,
    NegativeBinomial: negative_binomial,
    Poisson: lambda part, a, x: scipy.stats.poisson(np.exp(a)).logpmf(x),
    Bernoulli: lambda part, a, x: scipy.stats.bernoulli(1 / (1 + np.exp(-a))).logpmf(x),
    Categorical: classes,
}


def density(family, a, x):
    """log p of the values that are there, by SciPy."""
    total = 0.0
    for part in family.parts:
        mine, a = a[: part.num_parameters], a[part.num_parameters :]
        values, x = x[: part.size], x[part.size :]
        there = ~np.isnan(values)
        total += LOGS[type(part)](part, mine, np.nan_to_num(values))[there].sum()
    return total


def parameters(net, h):
    """What comes down beside the biases, in NumPy."""
    drive, a = np.asarray(net.generation[0]) @ h, np.array(net.down_biases[0])
    first = 0
    for part in net.units[0].family.parts:
        mine, drive = drive[: part.size], drive[part.size :]
        if isinstance(part, Gaussian):
            mine = mine * (0.05 + softplus(a[first + part.size : first + 2 * part.size]))
        a[first : first + part.size] += mine
        first += part.num_parameters
    return a


def bits(count):
    return [np.array(state, float) for state in itertools.product((0, 1), repeat=count)]


def enumerated(net, x):
    """log p(x), and p(h1 | x) with the layer above summed out."""
    log = lambda s, a: float(np.sum(s * a - softplus(a)))
    joint = []
    for h in bits(3):
        downward = lambda t: np.asarray(net.generation[1]) @ t + np.asarray(net.down_biases[1])
        above = [log(h, downward(t)) + log(t, np.asarray(net.prior)) for t in bits(2)]
        joint.append(density(net.units[0].family, parameters(net, h), x) + np.logaddexp.reduce(above))
    log_p = np.logaddexp.reduce(joint)
    return log_p, np.exp(np.array(joint) - log_p)


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.few(3)
def test_the_likelihood_is_the_sum_over_hidden_states_of_densities_of_what_is_there(net, gone):
    x = lacking(X, gone)
    found = likelihood(net, jnp.asarray(x)[None])[0]
    np.testing.assert_allclose(found, enumerated(net, x)[0], rtol=1e-9, atol=1e-12)


likelihood = jax.jit(exact_log_likelihood)


def test_importance_sampling_agrees_with_enumeration(net):
    x = lacking(X, [0, 3, 8, 9])
    found = jax.jit(lambda k: importance_log_likelihood(net, jnp.asarray(x), samples=20_000, key=k))(KEY)
    assert abs(found.log_mean - enumerated(net, x)[0]) < 4 * found.error
    assert found.error < 0.1


def test_what_is_missing_is_filled_with_its_expectation(fewer):
    x = lacking(Y, [0, 2, 4, 5])
    _, shares = enumerated(fewer, x)
    means = np.array([fewer.units[0].family.mean(jnp.asarray(parameters(fewer, h))) for h in bits(3)])
    wanted = np.where(np.isnan(x), shares @ means, x)
    exact = jax.jit(exact_completion)(fewer, jnp.asarray(np.nan_to_num(x)), jnp.asarray(~np.isnan(x)))
    np.testing.assert_allclose(exact, wanted, rtol=1e-9)
    found = jax.jit(lambda k: filled(fewer, jnp.asarray(x), samples=5000, draws=2000, key=k))(KEY)
    deviation = np.sqrt(np.maximum(shares @ means**2 - (shares @ means) ** 2, 0.0))
    assert np.all(np.abs(found.mean - wanted) <= 4 * deviation / np.sqrt(found.ess) + 1e-9)
    np.testing.assert_allclose(found.log_p, enumerated(fewer, x)[0], atol=4 / np.sqrt(found.ess))
    assert found.ess > 200
    draws, gone = np.asarray(found.draws), np.isnan(x)
    assert np.all(draws[:, ~gone] == x[~gone])
    spread = draws[:, gone].std(axis=0)
    off = np.abs(draws[:, gone].mean(axis=0) - wanted[gone])
    assert np.all(off <= 4 * spread / np.sqrt(2000) + 4 * deviation[gone] / np.sqrt(found.ess)) and np.all(spread > 0)


def test_recognition_from_a_part_is_the_mean_of_recognition_over_what_may_be_missing():
    net = pair(FEWER, top=3, scale=1.3).resolve()
    x = lacking(Y, [3, 4, 5])
    recognised = jax.jit(lambda x: jax.nn.softmax(PlainForward().log_top(net, x, key=KEY)))
    above = [
        jax.nn.logsumexp(
            jnp.stack([net.units[1].log_prob(h, net.down_logits(1, y)) for y in jnp.eye(3)])
            + jax.nn.log_softmax(net.prior)
        )
        for h in bits(3)
    ]
    joint, each = [], []
    for bit, pair_of in itertools.product((0.0, 1.0), ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))):
        whole = np.array([*x[:3], bit, *pair_of])
        logs = [density(FEWER, parameters(net, h), whole) + float(up) for h, up in zip(bits(3), above, strict=True)]
        joint.append(np.exp(np.logaddexp.reduce(logs)))
        each.append(recognised(jnp.asarray(whole)))
    wanted = np.array(joint) / sum(joint) @ np.array(each)
    found = jax.jit(lambda x, k: recognised_in_part(net, PlainForward(), x, samples=10_000, key=k))
    np.testing.assert_allclose(found(jnp.asarray(x), KEY), wanted, atol=0.008)
    assert np.abs(np.mean(each, axis=0) - wanted).max() > 0.03  # with values as likely as each other
    np.testing.assert_allclose(found(jnp.asarray(Y), KEY), recognised(jnp.asarray(Y)), rtol=1e-9)


def test_local_updates_are_the_gradients_also_where_values_are_missing(net):
    x = jnp.stack([jnp.asarray(X), jnp.asarray(lacking(X, [0, 3, 8, 9]))])
    states = (x, jnp.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]), jnp.array([[1.0, 1.0], [0.0, 1.0]]))
    weights = jnp.array([0.7, 1.9])
    total = lambda of: lambda n: jnp.sum(weights * jax.vmap(of(n))(states))
    for update, log in ((generation_update, lambda n: n.log_p), (recognition_update, lambda n: n.log_q)):
        found, wanted = jax.jit(lambda n, u=update, o=log: (u(n, states, weights), jax.grad(total(o))(n)))(net)
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


PLACES = [
    (lambda m: m.ties[0].kernel, (0, 1)),
    (lambda m: m.ties[0].kernel, (5, 2)),
    (lambda m: m.down_biases[0], (2,)),
    (lambda m: m.down_biases[0], (9,)),
]


def test_the_exact_rule_has_the_slope_of_the_enumerated_likelihood():
    model, rule = pair(), ExactLikelihood(real=0.0)
    data = np.stack([X, lacking(X, [1, 4])])
    grads = jax.jit(lambda m: rule.step(m, None, Batch(jnp.asarray(data)), key=KEY).grads)(model)
    mean = lambda m: np.mean([enumerated(m.resolve(), x)[0] for x in data])
    for where, place in PLACES:
        step = 1e-5
        moved = [eqx.tree_at(where, model, where(model).at[place].add(s)) for s in (step, -step)]
        slope = (mean(moved[0]) - mean(moved[1])) / (2 * step)
        np.testing.assert_allclose(-where(grads)[place], slope, rtol=1e-5, atol=1e-8)


def test_reweighted_samples_come_to_the_exact_slope():
    data, model = Batch(jnp.asarray(np.stack([Y, lacking(Y, [1, 2])]))), pair(FEWER)
    exact = jax.jit(lambda m: ExactLikelihood(real=0.0).step(m, None, data, key=KEY).grads)(model)
    rule = ReweightedWakeSleep(samples=1000)
    slope = lambda k: rule.step(model, None, data, key=k).grads.down_biases[0]
    many = np.asarray(jax.jit(jax.vmap(slope))(jax.random.split(KEY, 10)))
    error = many.std(axis=0) / np.sqrt(10)
    assert np.all(np.abs(many.mean(axis=0) - exact.down_biases[0]) < 4 * error + 5e-3)
    assert error.max() < 0.03


RULES = [
    WakeSleep(),
    ReweightedWakeSleep(samples=3),
    BidirectionalHelmholtz(samples=3),
    NVIL(),
    VIMCO(samples=3),
    ExactLikelihood(),
    Hybrid(WakeSleep()),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.few(3)
def test_every_rule_learns_from_rows_with_missing_values(rule):
    model = pair(FEWER, top=3)
    rows = jnp.asarray(np.stack([Y, lacking(Y, [0, 2, 4, 5]), lacking(Y, range(6))]))
    batch = Batch(rows, jnp.eye(3).at[1].set(0.0))

    @jax.jit
    def stepped(model):
        return rule.step(model, rule.init(model, batch, key=KEY), batch, key=KEY)

    done = stepped(model)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((done.grads, done.metrics)))
    assert np.abs(done.grads.down_biases[0]).min() > 0


def test_transposed_weights_are_consistent_for_numbers_and_grey_levels():
    """Two layers: the posterior of a hidden bit is logistic in what the way up is shown (an exponential family)."""
    family = Mixed([Gaussian(2, 0.05), ContinuousBernoulli(1), Categorical(2)])
    net = drawn(lambda key: tied_pair([Visible(family), Bits(1)], key=key), seed=2, scale=0.8).resolve()
    rows = jnp.array([[0.2, -1.0, 0.3, 1.0, 0.0], [1.5, 0.4, 0.9, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]])

    @jax.jit
    @jax.vmap
    def apart(x):
        return net.log_p((x, jnp.ones(1))) - net.log_p((x, jnp.zeros(1))) - net.up_logits(1, (x,))[0]

    found = apart(rows)
    np.testing.assert_allclose(found - found[0], 0.0, atol=1e-9)


def test_means_and_chains_stay_in_the_support(fewer):
    x = jnp.asarray(lacking(Y, [0, 2, 4, 5]))
    chain = jax.jit(lambda x: inpainted(fewer, jnp.nan_to_num(x), ~jnp.isnan(x), sweeps=6, key=KEY))
    found = chain(x)
    assert np.isfinite(found).all() and 0 < found[2] < 1
    assert np.isfinite(jax.jit(reconstructed)(fewer, x)).all()
    assert bool(fewer.units[0].admits(jax.jit(lambda k: fewer.generate(key=k)[0])(KEY)[None]))


@pytest.mark.slow
def test_counts_are_drawn_in_the_support(net):
    drawn = jax.jit(jax.vmap(lambda k: net.generate(key=k)[0]))(jax.random.split(KEY, 50))
    assert bool(net.units[0].admits(drawn))


def test_what_no_family_holds_is_refused(net):
    with pytest.raises(ValueError, match="got values from"):
        exact_log_likelihood(net, jnp.asarray(np.where(np.arange(10) == 3, 1.5, X))[None])
    half_a_class = jnp.asarray(lacking(X, [8]))[None]
    assert not np.isfinite(likelihood(net, half_a_class)[0])
    with pytest.raises(ValueError, match="StudentT"):
        Visible(Mixed([StudentT(2)]))
    with pytest.raises(ValueError, match="cannot be enumerated"):
        log_z_squared(net)
    with pytest.raises(ValueError, match="centre must have 10"):
        Visible(FAMILY, np.zeros(3))


def test_biases_start_at_the_means_of_the_data():
    family = Mixed([ContinuousBernoulli(3), Categorical(2)])
    mean, spread = jnp.array([0.5, 0.1, 0.93, 0.2, 0.5]), jnp.ones(5)
    each = zip(family.parts, family.split(mean), family.split(spread), strict=True)
    found = family.mean(jnp.concatenate([parameters_at(part, m, s) for part, m, s in each]))
    np.testing.assert_allclose(found, mean, atol=1e-6)
