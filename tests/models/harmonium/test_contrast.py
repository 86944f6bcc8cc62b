"""Contrastive divergence against exact gradients (checks 2 and 4 of the notes)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.harmonium.enumeration import log_sum, states, table
from vestige.models.families import Bernoulli, Poisson
from vestige.models.harmonium import DeepHarmonium, ExactLikelihood, Harmonium
from vestige.rules import ContrastiveDivergence, ContrastiveDivergenceRule
from vestige.typing import Batch

VISIBLE, HIDDEN = 4, 3


@pytest.fixture
def harmonium(key):
    keys = jax.random.split(key, 3)
    return Harmonium(
        0.9 * jax.random.normal(keys[0], (VISIBLE, HIDDEN)),
        0.5 * jax.random.normal(keys[1], (VISIBLE,)),
        0.5 * jax.random.normal(keys[2], (HIDDEN,)),
        Bernoulli(VISIBLE),
    )


def arrays(harmonium):
    return tuple(np.asarray(x, np.float64) for x in (harmonium.weights, harmonium.visible_bias, harmonium.hidden_bias))


def law(harmonium):
    """Probabilities of all states, (visible, hidden)."""
    logs = table(*arrays(harmonium))
    return np.exp(logs - log_sum(logs))


DATA = np.array([[1.0, 0, 0, 1], [1, 1, 0, 1], [0, 0, 1, 0]])


def exact_gradient(harmonium):
    """Positive minus exact negative phase, of the mean of log q over DATA, by sums."""
    weights, _, hidden_bias = arrays(harmonium)
    shares = law(harmonium)
    visible, hidden = states(VISIBLE), states(HIDDEN)
    means = 1 / (1 + np.exp(-(hidden_bias + DATA @ weights)))
    positive = DATA.T @ means / len(DATA), DATA.mean(axis=0), means.mean(axis=0)
    negative = visible.T @ shares @ hidden, shares.sum(axis=1) @ visible, shares.sum(axis=0) @ hidden
    return tuple(p - n for p, n in zip(positive, negative, strict=True))


@pytest.mark.slow
def test_exact_phases_are_the_gradient_of_the_likelihood(harmonium):
    with jax.enable_x64(True):
        double = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), harmonium)
        exact = ExactLikelihood()

        def mean_log(model):
            return jnp.mean(jax.vmap(lambda v: exact(model, v, key=jax.random.key(0)))(jnp.asarray(DATA)))

        found = jax.jit(jax.grad(mean_log))(double)
        for mine, theirs in zip(exact_gradient(harmonium), jax.tree.leaves(found), strict=True):
            np.testing.assert_allclose(theirs, mine, atol=1e-6)
        step = 1e-6
        moved = lambda sign: Harmonium(
            double.weights.at[1, 2].add(sign * step), double.visible_bias, double.hidden_bias, double.family
        )
        slope = (mean_log(moved(1)) - mean_log(moved(-1))) / (2 * step)
        np.testing.assert_allclose(slope, exact_gradient(harmonium)[0][1, 2], atol=1e-6)


def estimates(harmonium, data, sweeps, chains, key, **settings):
    """Means and standard errors of the CD-n gradient, with `chains` chains for every example."""

    @jax.jit
    def several(keys):
        slope = jax.grad(lambda m, v, k: m.contrast(v, sweeps=sweeps, key=k, **settings))
        each = jax.vmap(lambda k: jax.vmap(lambda v: slope(harmonium, v, k))(jnp.asarray(data, jnp.float32)))(keys)
        return jax.tree.map(lambda leaf: jnp.mean(leaf, axis=1), each)

    found = [several(keys) for keys in jax.random.split(key, (10, chains // 10))]
    found = jax.tree.map(lambda *leaves: np.concatenate([np.asarray(x, np.float64) for x in leaves]), *found)
    leaves = jax.tree.leaves(found)
    return [x.mean(axis=0) for x in leaves], [x.std(axis=0) / np.sqrt(len(x)) for x in leaves]


def distance(one, other):
    return np.sqrt(sum(np.sum((a - b) ** 2) for a, b in zip(one, other, strict=True)))


@pytest.mark.slow
def test_contrastive_divergence_comes_to_the_exact_gradient_with_more_sweeps(harmonium, key):
    exact = exact_gradient(harmonium)
    misses = {}
    for sweeps in (1, 4, 60):
        means, errors = estimates(harmonium, DATA, sweeps, 20_000, jax.random.fold_in(key, sweeps))
        misses[sweeps] = distance(means, exact)
    assert misses[1] > 1.5 * misses[4] > 1.5 * misses[60]
    for mean, error, truth in zip(means, errors, exact, strict=True):
        np.testing.assert_array_less(np.abs(mean - truth), 4 * error + 1e-6)


def test_one_sweep_asks_for_nothing_where_the_data_are_the_models_own(harmonium, key):
    """At the optimum of a distribution it can represent, CD-1 is zero in expectation; so is it from any start share."""
    weights = law(harmonium).sum(axis=1)
    rows = np.asarray(jax.random.choice(key, 2**VISIBLE, (60_000,), p=jnp.asarray(weights / weights.sum())))
    data = states(VISIBLE)[rows]
    keys = jax.random.split(jax.random.fold_in(key, 1), len(data))
    slope = jax.grad(lambda m, v, k: m.contrast(v, sweeps=1, key=k))
    each = jax.jit(jax.vmap(lambda v, k: slope(harmonium, v, k)))(jnp.asarray(data, jnp.float32), keys)
    for leaf in jax.tree.leaves(each):
        leaf = np.asarray(leaf, np.float64)
        np.testing.assert_array_less(np.abs(leaf.mean(axis=0)), 4 * leaf.std(axis=0) / np.sqrt(len(leaf)))


@pytest.mark.slow
def test_chains_that_start_far_away_leave_the_positive_phase_alone(harmonium, key):
    """With very many sweeps the start does not matter, so neither does the noise."""
    means, errors = estimates(harmonium, DATA, 60, 20_000, key, noise=1.0, sampled=True)
    for mean, error, truth in zip(means, errors, exact_gradient(harmonium), strict=True):
        np.testing.assert_array_less(np.abs(mean - truth), 4 * error + 1e-6)
    near, one = estimates(harmonium, DATA, 1, 40_000, key)
    far, other = estimates(harmonium, DATA, 1, 40_000, jax.random.fold_in(key, 1), noise=1.0)
    assert distance(near, far) > 2 * np.sqrt(sum(np.sum(a**2 + b**2) for a, b in zip(one, other, strict=True)))


def test_persistent_chains_keep_the_law_of_the_model(harmonium, key):
    weights = law(harmonium).sum(axis=1)
    rows = jax.random.choice(key, 2**VISIBLE, (40_000,), p=jnp.asarray(weights / weights.sum()))
    starts = jnp.asarray(states(VISIBLE), jnp.float32)[rows]
    keys = jax.random.split(jax.random.fold_in(key, 1), len(starts))
    ends = np.asarray(jax.jit(jax.vmap(lambda v, k: harmonium.continued(v, 2, key=k)))(starts, keys))
    counts = np.bincount((ends @ 2 ** np.arange(VISIBLE - 1, -1, -1)).astype(int), minlength=2**VISIBLE)
    error = np.sqrt(weights * (1 - weights) / len(ends))
    np.testing.assert_array_less(np.abs(counts / len(ends) - weights), 4 * error)
    assert np.mean(np.any(ends != np.asarray(starts), axis=1)) > 0.5


def test_no_gradient_runs_along_the_chain(key):
    """The end of the chain is data: the slope in a weight is that of two free energies at fixed places."""
    harmonium = Harmonium(jnp.full((1, 1), 0.3), jnp.zeros(1), jnp.zeros(1), Poisson(1))
    value = jnp.asarray([3.0])
    slope = jax.jit(jax.grad(lambda m: m.contrast(value, sweeps=2, key=key)))(harmonium)
    fantasy = value - slope.visible_bias  # v_0 - v_n is the slope in the visible bias
    assert float(fantasy[0]) == round(float(fantasy[0]))
    by_hand = value * jax.nn.sigmoid(0.3 * value) - fantasy * jax.nn.sigmoid(0.3 * fantasy)
    np.testing.assert_allclose(slope.weights[0], by_hand, rtol=1e-5)


@pytest.mark.slow
def test_sampled_statistics_are_the_same_on_average_and_noisier(harmonium, key):
    means, errors = estimates(harmonium, DATA, 1, 20_000, key)
    sampled, noisier = estimates(harmonium, DATA, 1, 20_000, jax.random.fold_in(key, 1), sampled=True)
    for one, other, a, b in zip(means, sampled, errors, noisier, strict=True):
        np.testing.assert_array_less(np.abs(one - other), 4 * np.hypot(a, b) + 1e-6)
    of_hidden = 2  # the hidden biases, whose statistic is h_0 - E[h | v_n]
    assert np.all(noisier[of_hidden] > 1.1 * errors[of_hidden])


@pytest.mark.parametrize("persistent", [False, True])
def test_sparsity_adds_wanted_less_present_activity_to_the_positive_phase(harmonium, persistent):
    """rbmish's term: cost · (a · v - v h) for weights, cost · (a - h) for hidden biases, a mean over the batch."""
    weights, _, hidden_bias = arrays(harmonium)
    means = 1 / (1 + np.exp(-(hidden_bias + DATA @ weights)))
    missing = 0.3 * (0.1 - means)
    batch = Batch(jnp.asarray(DATA, jnp.float32), None)

    def slopes(**options):
        rule = ContrastiveDivergenceRule(ContrastiveDivergence(**options), chains=3 if persistent else None)
        carry = rule.init(harmonium, batch, key=jax.random.key(0))
        return rule.step(harmonium, carry, batch, key=jax.random.key(1)).grads

    plain, sparse = slopes(), slopes(sparsity=0.3, activity=0.1)
    change = jax.tree.map(lambda a, b: a - b, plain, sparse)  # gradients descend
    np.testing.assert_allclose(change.weights, DATA.T @ missing / len(DATA), atol=1e-6)
    np.testing.assert_allclose(change.hidden_bias, missing.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(change.visible_bias, 0.0, atol=1e-7)


def test_sparsity_counts_the_previous_state_and_every_layer(key):
    model = DeepHarmonium(Bernoulli(4), (5, 3), key=key)
    state, seen = jnp.asarray([0.2, 0.9, 0.4]), jnp.asarray([1.0, 0, 1, 1])
    lower = np.asarray(model.below[0].logits(seen), np.float64)
    top = model.top
    middle = 1 / (1 + np.exp(-lower))
    upper = np.asarray(top.hidden_bias + state @ top.state_weights + middle @ np.asarray(top.input_weights), np.float64)
    wanted = sum(np.sum(0.1 * x - np.log1p(np.exp(x))) for x in (lower, upper))
    np.testing.assert_allclose(model.joint().sparsity((state, seen), 0.1), wanted, rtol=1e-5)
    np.testing.assert_allclose(model.given(state).sparsity(seen, 0.1), wanted, rtol=1e-5)


def test_sparsity_out_of_range():
    with pytest.raises(ValueError, match="activity must be in"):
        ContrastiveDivergence(activity=1.0)
    with pytest.raises(ValueError, match="sparsity must be finite and at least 0, got -0.1"):
        ContrastiveDivergence(sparsity=-0.1)
