"""Energy, conditionals and log Z against sums over every state (checks 1 and 12 of the notes)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.models.harmonium.enumeration import log_sum, states, table
from vestige.models.families import Bernoulli, Gamma, Gaussian, Poisson, UnitGaussian
from vestige.models.harmonium import (
    AnnealedLikelihood,
    ExactLikelihood,
    Harmonium,
    RecurrentHarmonium,
    annealed_log_partition,
    backwards,
    exact_log_partition,
)

HIDDEN, OBSERVED = 3, 2


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def recurrent(key, hidden=HIDDEN, family=None, scale=0.8):
    """Weights and biases away from zero."""
    build = lambda key: RecurrentHarmonium(family or Bernoulli(OBSERVED), hidden, likelihood=ExactLikelihood(), key=key)
    return drawn(build, seed=int(jax.random.key_data(key)[-1]), scale=scale)


def pair_table(model):
    """exp(-E(u, y, h)) of all 2^8 states, ((u, y) states, h states)."""
    joint = model.joint()
    return table(*(np.asarray(x) for x in (joint.weights, joint.visible_bias, joint.hidden_bias)))


def pairs():
    for state in states(HIDDEN + OBSERVED):
        yield jnp.asarray(state[:HIDDEN]), jnp.asarray(state[HIDDEN:])


def test_energy_is_the_sum_of_the_documented_terms(key, double):
    model = recurrent(key)
    u, y, h = np.array([1.0, 0, 1]), np.array([0.0, 1]), np.array([1.0, 1, 0])
    w_u, w_y, b_u, b_y, b_h = (
        np.asarray(x)
        for x in (model.state_weights, model.input_weights, model.state_bias, model.input_bias, model.hidden_bias)
    )
    by_hand = b_u @ u + b_y @ y + b_h @ h + u @ w_u @ h + y @ w_y @ h
    np.testing.assert_allclose(pair_table(model)[0b10101, 0b110], by_hand)


def test_conditionals_and_free_energy_are_those_of_the_enumerated_joint(key, double):
    model = recurrent(key)
    joint, logs = model.joint(), pair_table(model)
    advance, log_unnormalised = eqx.filter_jit(model.advance), eqx.filter_jit(joint.log_unnormalised)
    shares = np.exp(logs - log_sum(logs))
    hidden, visible = states(HIDDEN), states(HIDDEN + OBSERVED)
    for row, value in enumerate(pairs()):
        means = shares[row] @ hidden / shares[row].sum()
        np.testing.assert_allclose(advance(*value), means, atol=1e-12)
        np.testing.assert_allclose(log_unnormalised(value), log_sum(logs[row]), atol=1e-12)
    for column, state in enumerate(hidden):
        means = shares[:, column] @ visible / shares[:, column].sum()
        found = np.concatenate(joint.family.mean(joint.natural(jnp.asarray(state))))
        np.testing.assert_allclose(found, means, atol=1e-12)


def test_log_partition_is_the_sum_and_probabilities_add_up_to_one(key, double):
    model = recurrent(key)
    joint = model.joint()
    np.testing.assert_allclose(jax.jit(exact_log_partition)(joint), log_sum(pair_table(model)), atol=1e-12)
    every = tuple(jnp.asarray(np.stack(part)) for part in zip(*pairs(), strict=True))
    logs = jax.jit(jax.vmap(lambda *value: ExactLikelihood()(joint, value, key=key)))(*every)
    np.testing.assert_allclose(np.exp(logs).sum(), 1.0, atol=1e-12)


def test_log_partition_in_blocks_is_that_of_one_block(key, monkeypatch, double):
    from vestige.models.harmonium import partition

    joint = recurrent(key, hidden=4, family=Poisson(2), scale=0.3).joint()
    whole = exact_log_partition(joint)
    monkeypatch.setattr(partition, "BLOCK", 2)
    np.testing.assert_allclose(exact_log_partition(joint), whole, rtol=1e-12)


@pytest.mark.parametrize("family", [Poisson(2), UnitGaussian(2)], ids=["poisson", "gaussian"])
def test_log_partition_of_other_families_is_the_integral(family, key, double):
    joint = recurrent(key, hidden=2, family=family, scale=0.3)
    state = jnp.asarray([0.3, 0.8])
    given = joint.given(state)
    grid = np.arange(0, 40.0) if isinstance(family, Poisson) else np.linspace(-9, 9, 181)
    width = 1.0 if isinstance(family, Poisson) else grid[1] - grid[0]
    values = jnp.asarray(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2))
    total = np.exp(np.asarray(jax.jit(jax.vmap(given.log_unnormalised))(values))).sum() * width**2
    np.testing.assert_allclose(exact_log_partition(given), np.log(total), rtol=1e-8)


def test_predictive_likelihood_is_a_ratio_of_the_joint_and_adds_up_to_one(key, double):
    """Check 13: log q(u, y) - log q(u), which needs no log Z of the joint."""
    model = recurrent(key)
    logs, predictive = pair_table(model), jax.jit(lambda u, y: model.log_predictive(u, y, key=key))
    by_pair = np.array([log_sum(row) for row in logs]).reshape(2**HIDDEN, 2**OBSERVED)
    for u, row in zip(states(HIDDEN), by_pair, strict=True):
        found = [predictive(jnp.asarray(u), jnp.asarray(y)) for y in states(OBSERVED)]
        np.testing.assert_allclose(found, row - log_sum(row), atol=1e-12)
        np.testing.assert_allclose(np.exp(found).sum(), 1.0, atol=1e-12)


def test_annealing_finds_log_partition_within_its_stated_error(key):
    joint = recurrent(key, hidden=6, family=Poisson(3), scale=0.4).joint()
    found = jax.jit(lambda k: annealed_log_partition(joint, chains=1000, steps=50, key=k))(key)
    assert abs(float(found.log_partition - exact_log_partition(joint))) < 4 * float(found.error)
    assert 0 < float(found.error) < 0.1
    assert 100 < float(found.effective) <= 1000.1


@pytest.mark.slow
def test_annealing_of_large_counts_finds_log_partition(key):
    """Rates of hundreds: held at e⁴, the chains would be those of another harmonium (508.7 found of 753.1)."""
    weights = jnp.asarray([[1.5, 0.7], [0.2, 1.1]])
    given = Harmonium(weights, jnp.asarray([4.5, 4.2]), jnp.asarray([-300.0, -180.0]), Poisson(2))
    base = given.natural(jnp.ones(2))
    found = jax.jit(lambda k: annealed_log_partition(given, base=base, chains=400, steps=400, key=k))(key)
    assert float(jnp.max(Poisson(2).mean(base))) > 500 and found.clamped == 0
    assert abs(float(found.log_partition - exact_log_partition(given))) < 4 * float(found.error) < 0.8


@pytest.mark.slow
def test_annealing_where_no_law_exists_says_so(key):
    """A gamma law of negative rate: clamped draws are counted, and no estimate is given."""
    weights = jnp.asarray([[0.0], [3.0]])
    joint = Harmonium(weights, jnp.asarray([1.0, -1.0]), jnp.zeros(1), Gamma(1))
    annealed = jax.jit(lambda joint: annealed_log_partition(joint, chains=50, steps=10, key=key))
    found = annealed(joint)
    assert 0 < found.clamped < 1 and np.isnan(found.log_partition)
    assert exact_log_partition(joint) == np.inf
    fine = annealed(Harmonium(-weights, *joint_biases(), Gamma(1)))
    assert fine.clamped == 0 and np.isfinite(fine.log_partition)


def joint_biases():
    return jnp.asarray([1.0, -1.0]), jnp.zeros(1)


def test_values_outside_the_support_have_no_energy():
    joint = Harmonium(jnp.ones((2, 1)), jnp.zeros(2), jnp.zeros(1), Poisson(2))
    with pytest.raises(ValueError, match="Poisson: expected that counts are 0, 1, 2, …, got -1 in value 1"):
        joint.log_unnormalised(jnp.asarray([1.0, -1.0]))
    assert jax.jit(lambda v: joint.log_unnormalised(v))(jnp.asarray([1.0, -1.0])) == -np.inf


def test_a_family_that_is_not_exponential_is_refused(key):
    with pytest.raises(ValueError, match="RecurrentHarmonium: family must be .*, got Gaussian; take UnitGaussian"):
        RecurrentHarmonium(Gaussian(2), 3, key=key)


@pytest.mark.slow
def test_annealing_gets_better_with_steps_and_is_low_on_average(key):
    joint = recurrent(key, hidden=6, scale=2.0).joint()
    exact = float(exact_log_partition(joint))

    def miss(steps):
        one = lambda k: annealed_log_partition(joint, chains=1, steps=steps, key=k).log_partition
        return exact - float(jnp.mean(jax.vmap(one)(jax.random.split(key, 2000))))

    few, many = miss(3), miss(60)
    assert few > 2 * many > 0


@pytest.mark.slow
def test_annealed_likelihood_comes_near_the_exact_one(key):
    given = recurrent(key, hidden=6, scale=1.0).given(jnp.full(6, 0.4))
    value = jnp.asarray([1.0, 0.0])
    near = AnnealedLikelihood(chains=500, steps=100)(given, value, key=key)
    np.testing.assert_allclose(near, ExactLikelihood()(given, value, key=key), atol=0.02)


def test_gibbs_sampling_leaves_the_harmonium_as_it_is(key):
    """From the exact law of h, any number of sweeps gives the exact law of the visible units."""
    harmonium = recurrent(key).joint()
    logs = table(*(np.asarray(x) for x in (harmonium.weights, harmonium.visible_bias, harmonium.hidden_bias)))
    law = np.exp(logs - log_sum(logs))
    which = jax.random.choice(key, 2**HIDDEN, (40_000,), p=jnp.asarray(law.sum(axis=0) / law.sum()))
    starts = jnp.asarray(states(HIDDEN), jnp.float32)[which]
    keys = jax.random.split(jax.random.fold_in(key, 1), len(starts))
    ends = jax.jit(jax.vmap(lambda h, k: harmonium.gibbs(h, 3, key=k)))(starts, keys)
    bits = np.concatenate([np.asarray(x) for x in ends], axis=1)
    counts = np.bincount((bits @ 2 ** np.arange(4, -1, -1)).astype(int), minlength=32)
    expected = law.sum(axis=1)
    error = np.sqrt(expected * (1 - expected) / len(bits))
    np.testing.assert_array_less(np.abs(counts / len(bits) - expected), 4 * error)


@pytest.mark.slow
def test_samples_against_time_come_from_the_downward_conditionals(key):
    """Given means of 0 and 1 the first step down is known exactly."""
    model = recurrent(key, family=UnitGaussian(OBSERVED))
    state = jnp.asarray([1.0, 0.0, 1.0])
    draw = lambda k: backwards(model, state, 2, key=k)
    states_before, observations = jax.jit(jax.vmap(draw))(jax.random.split(key, 20_000))
    joint = model.joint()
    u, y = joint.family.mean(joint.natural(state))
    np.testing.assert_allclose(np.asarray(states_before)[:, 1].mean(axis=0), u, atol=0.015)
    np.testing.assert_allclose(np.asarray(observations)[:, 1].mean(axis=0), y, atol=0.03)
    # Given that step's bits, the one before it is again a step down.
    hidden = np.asarray(states_before)[:, 1]
    means = np.asarray(jax.jit(jax.vmap(lambda h: joint.family.mean(joint.natural(h))[1]))(jnp.asarray(hidden)))
    np.testing.assert_allclose(np.asarray(observations)[:, 0].mean(axis=0), means.mean(axis=0), atol=0.05)


def test_a_missing_observation_leaves_the_state_and_reaches_no_gradient(key):
    model = recurrent(key)
    state = jnp.asarray([0.2, 0.9, 0.4])
    gap = jnp.full(OBSERVED, jnp.nan)
    np.testing.assert_array_equal(model.filter(state, gap), state)
    slope = jax.jit(jax.grad(lambda s: jnp.sum(model.filter(s, gap))))(state)
    np.testing.assert_array_equal(slope, 1.0)


def test_many_empty_windows_bring_the_state_to_rest(key):
    """Check 12: zero counts everywhere."""
    model = recurrent(key, family=Poisson(OBSERVED), scale=0.3)
    last, _ = eqx.filter_jit(model.unroll)(model.init(), jnp.zeros((200, OBSERVED)))
    np.testing.assert_allclose(model.filter(last, jnp.zeros(OBSERVED)), last, atol=1e-6)


@pytest.mark.slow
def test_prediction_is_that_of_the_clamped_model(key):
    """25 sweeps come near the exact E[y | u]; the last steps are means, which is an approximation of its own."""
    model = recurrent(key, scale=0.3)
    state = jnp.asarray([0.2, 0.9, 0.4])
    ys = jnp.asarray(states(OBSERVED), jnp.float32)
    exact = jnp.exp(jax.jit(jax.vmap(lambda y: model.log_predictive(state, y, key=key)))(ys)) @ ys
    found = jnp.mean(jax.jit(jax.vmap(lambda k: model.predict(state, key=k)))(jax.random.split(key, 500)), axis=0)
    np.testing.assert_allclose(found, exact, atol=0.01)


def test_sizes_that_make_no_sense_are_refused(key):
    with pytest.raises(ValueError, match="hidden must be at least 1"):
        RecurrentHarmonium(Bernoulli(2), 0, key=key)
    wide = Harmonium(jnp.zeros((1, 21)), jnp.zeros(1), jnp.zeros(21), Bernoulli(1))
    with pytest.raises(ValueError, match="at most 20 hidden units can be enumerated, got 21"):
        exact_log_partition(wide)
    with pytest.raises(ValueError, match="chains and steps must be at least 1"):
        annealed_log_partition(wide, chains=0, steps=1, key=key)
    with pytest.raises(ValueError, match="chains and steps must be at least 1"):
        AnnealedLikelihood(steps=0)
