"""Locality in time, the two readings, and what gradients through time add (checks 3 and 4 of the notes)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.models.families import Poisson
from vestige.models.filters import FactorFilter, RecurrentVAE
from vestige.models.harmonium import Harmonium, RecurrentHarmonium
from vestige.rules import (
    ELBO,
    ContrastiveDivergence,
    JointTarget,
    MaximumLikelihood,
    MultiStepTarget,
    Shuffled,
    TemporallyLocal,
    ThroughTime,
    TransitionTarget,
)
from vestige.sequences import ArraySequence
from vestige.typing import Batch

OBSERVED, HIDDEN, TIME, ROWS = 3, 4, 6, 2
LAGS = (1, 3)


def counts(key, rows=ROWS, time=TIME, width=OBSERVED):
    return sequences(jax.random.randint(key, (rows, time, width), 0, 4).astype(jnp.float32))


def sequences(values):
    length = jnp.asarray(values.shape[1], jnp.int32)
    return Batch(jax.vmap(lambda x: ArraySequence(x, jnp.zeros((x.shape[0], 0)), length))(jnp.asarray(values)))


def stirred(model, key, scale=0.4):
    """Away from its symmetric start."""
    leaves, rest = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    keys = jax.random.split(key, len(leaves))
    moved = [x + scale * jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    return eqx.combine(jax.tree.unflatten(rest, moved), model)


def harmonium(key):
    return stirred(RecurrentHarmonium(Poisson(OBSERVED), HIDDEN, key=key), key)


def vae(key):
    return RecurrentVAE(Poisson(OBSERVED), HIDDEN, width=5, lags=LAGS, key=key)


CASES = {
    "harmonium, pair": (harmonium, ContrastiveDivergence(), JointTarget()),
    "harmonium, transition": (harmonium, ContrastiveDivergence(2, noise=0.5, sampled=True), TransitionTarget()),
    "factor, pair": (lambda key: FactorFilter(OBSERVED, HIDDEN, key=key), MaximumLikelihood(), JointTarget()),
    "factor, transition": (
        lambda key: FactorFilter(OBSERVED, HIDDEN, key=key),
        MaximumLikelihood(),
        TransitionTarget(),
    ),
    "vae, pair": (vae, ELBO(), JointTarget()),
    "vae, transition": (vae, ELBO(), TransitionTarget()),
    "vae, multi-step": (vae, ELBO(), MultiStepTarget(LAGS)),
    "vae, multi-step alone": (vae, ELBO(), MultiStepTarget(LAGS, TransitionTarget())),
}


@pytest.fixture(params=CASES)
def case(request, key):
    build, objective, target = CASES[request.param]
    return build(key), objective, target


@eqx.filter_jit
def update(rule, model, batch, key):
    return rule.step(model, rule.init(model, batch, key=key), batch, key=key)


@eqx.filter_jit
def step(rule, model, carry, batch, key):
    return rule.step(model, carry, batch, key=key)


def flat(tree):
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))])


@eqx.filter_jit
def single_step(model, objective, target, state, window, key):
    """The gradient of one step and its next state, the state given as data."""

    def loss(model):
        density, value = target(model, state, window)
        return -objective(density, value, key=key)

    return eqx.filter_grad(loss)(model), model.filter(state, window[0])


def test_gradient_of_a_chunk_is_the_sum_of_single_steps_with_states_as_data(case, key):
    """Each step by itself, its state put in as a constant: nothing else may enter."""
    model, objective, target = case
    batch = counts(key)
    found = update(TemporallyLocal(objective, target, update_interval=TIME), model, batch, key)
    observations = batch.inputs.inputs
    padded = jnp.concatenate([observations, jnp.full((ROWS, target.ahead, OBSERVED), jnp.nan)], axis=1)
    total = 0.0
    for row in range(ROWS):
        state = model.init()
        for time in range(TIME):
            window = padded[row, time : time + 1 + target.ahead]
            place = jax.random.fold_in(key, row * TIME + time)
            grads, state = single_step(model, objective, target, state, window, place)
            total = total + flat(grads) / (ROWS * TIME)
    np.testing.assert_allclose(flat(found.grads), total, atol=2e-5)
    np.testing.assert_allclose(found.carry.slots.state[-1], state, atol=1e-5)


def test_observations_may_be_handed_over_as_they_come(case, key):
    """Two chunks by hand are two of `step`, without sequences or slots."""
    model, objective, target = case
    batch, rule = counts(key), TemporallyLocal(objective, target, update_interval=2)
    learn = eqx.filter_jit(lambda states, observations: rule.learn(model, states, observations, key=key))
    carry, states = rule.init(model, batch, key=key), jnp.broadcast_to(model.init(), (ROWS, HIDDEN))
    for time in (0, 2):
        found = step(rule, model, carry, batch, key)
        window = batch.inputs.inputs[:, time : time + 2 + target.ahead]
        beyond = jnp.full((ROWS, 2 + target.ahead - window.shape[1], OBSERVED), jnp.nan)
        learned = learn(states, jnp.concatenate([window, beyond], axis=1))
        carry, states = found.carry, learned.states
        np.testing.assert_allclose(flat(learned.grads), flat(found.grads), atol=1e-6)
        np.testing.assert_allclose(states, carry.slots.state, atol=1e-6)
    assert float(found.metrics["loss"]) == pytest.approx(float(learned.metrics["loss"]), abs=1e-5)


def test_an_earlier_observation_reaches_no_later_update_by_gradient(case, key):
    """d(update) / d(y_1) is that of the first step alone, once the later states are held; through time it is not."""
    model, objective, target = case
    batch = counts(key)
    first = update(TemporallyLocal(objective, target, update_interval=TIME), model, batch, key).grads
    through = update(ThroughTime(objective, target, bptt_length=TIME), model, batch, key).grads
    assert float(jnp.max(jnp.abs(flat(first) - flat(through)))) > 1e-4


def test_a_single_step_through_time_is_the_local_rule(case, key):
    model, objective, target = case
    batch = counts(key)
    one = update(TemporallyLocal(objective, target, update_interval=1), model, batch, key)
    other = update(ThroughTime(objective, target, bptt_length=1), model, batch, key)
    np.testing.assert_allclose(flat(one.grads), flat(other.grads), atol=1e-6)


def test_shuffled_takes_another_sequences_state(key):
    """The update is that of the rule itself on states that have been turned round, never by a whole turn."""
    model, batch, rule = harmonium(key), counts(key, rows=5), TemporallyLocal(ContrastiveDivergence())
    carry = update(rule, model, batch, key).carry
    shifts = set()
    for seed in range(12):
        own = jax.random.key(seed)
        found = step(Shuffled(rule), model, carry, batch, own)
        turned = lambda by: eqx.tree_at(lambda c: c.slots.state, carry, jnp.roll(carry.slots.state, by, axis=0))
        same = [by for by in range(5) if _agree(found, step(rule, model, turned(by), batch, jax.random.split(own)[1]))]
        shifts |= set(same)
        assert len(same) == 1
    assert 0 not in shifts and len(shifts) > 2
    with pytest.raises(ValueError, match="at every step"):
        Shuffled(TemporallyLocal(ContrastiveDivergence(), update_interval=2))
    with pytest.raises(ValueError, match="at least 2 sequences, got 1"):
        update(Shuffled(rule), model, counts(key, rows=1), key)


def _agree(one, other):
    return bool(jnp.allclose(flat(one.grads), flat(other.grads)) & jnp.allclose(flat(one.carry), flat(other.carry)))


def test_chunks_of_two_see_what_single_steps_see(key):
    """Same model, no update between: states and offsets go on where they were."""
    model, batch = harmonium(key), counts(key)
    whole = update(TemporallyLocal(ContrastiveDivergence(), update_interval=4), model, batch, key).carry
    rule = TemporallyLocal(ContrastiveDivergence(), update_interval=2)
    carry = rule.init(model, batch, key=key)
    for _ in range(2):
        carry = step(rule, model, carry, batch, key).carry
    np.testing.assert_allclose(carry.slots.state, whole.slots.state, atol=1e-6)
    np.testing.assert_array_equal(carry.slots.offset, whole.slots.offset)


def test_a_rule_asks_for_a_batch_only_when_a_sequence_is_over(key):
    model, batch = harmonium(key), counts(key)
    for rule in (
        TemporallyLocal(ContrastiveDivergence(), update_interval=3),
        ThroughTime(ContrastiveDivergence(), JointTarget(), bptt_length=3),
    ):
        carry = rule.init(model, batch, key=key)
        asked = []
        for _ in range(4):
            asked.append(bool(rule.needs_batch(carry)))
            carry = step(rule, model, carry, batch, key).carry
        assert asked == [True, False, True, False]


def test_transition_gives_the_state_bias_nothing_and_the_pair_does(key):
    """Check 4."""
    model, batch = harmonium(key), counts(key)
    clamped = update(
        TemporallyLocal(ContrastiveDivergence(), TransitionTarget(), update_interval=3), model, batch, key
    ).grads
    free = update(TemporallyLocal(ContrastiveDivergence(), JointTarget(), update_interval=3), model, batch, key).grads
    np.testing.assert_array_equal(clamped.state_bias, 0.0)
    assert float(jnp.min(jnp.abs(free.state_bias))) > 0
    assert float(jnp.max(jnp.abs(clamped.state_weights))) > 0


@pytest.fixture
def fixed_fantasies(monkeypatch):
    """Every negative phase ends at the same counts, so that gradients can be written down."""
    fantasy = jnp.asarray([2.0, 0.0, 1.0])

    def gibbs(self, hidden, sweeps, *, key):
        one = isinstance(self.family, Poisson)
        return fantasy if one else (jnp.asarray([1.0, 0.0, 1.0, 0.0]), fantasy)

    monkeypatch.setattr(Harmonium, "gibbs", gibbs)
    return fantasy


@pytest.mark.parametrize("target", [TransitionTarget(), JointTarget()], ids=["rtrbm", "refh by bptt"])
def test_gradients_through_time_are_the_recursions_of_the_authors(target, fixed_fantasies, key):
    """G_t = (e_{t+1} W_u' + G_{t+1} W_u') x_t (1 - x_t), with h_{t+1} W_u' + b_u in place of e W_u' for the pair
    (notes 3.2.4; the sampled h of the authors replaced by its mean)."""
    model, batch = harmonium(key), counts(key, rows=1)
    grads = update(ThroughTime(ContrastiveDivergence(), target, bptt_length=TIME), model, batch, key).grads
    w_u, w_y, b_u, b_h = (
        np.asarray(x, np.float64)
        for x in (model.state_weights, model.input_weights, model.state_bias, model.hidden_bias)
    )
    sigmoid = lambda x: 1 / (1 + np.exp(-x))
    y = np.asarray(batch.inputs.inputs[0], np.float64)
    y_n = np.asarray(fixed_fantasies, np.float64)
    u = np.zeros((TIME + 1, HIDDEN))
    for t in range(TIME):
        u[t + 1] = sigmoid(b_h + u[t] @ w_u + y[t] @ w_y)
    paired = isinstance(target, JointTarget)
    u_n = np.array([1.0, 0, 1, 0]) if paired else None
    end = [sigmoid(b_h + (u_n if paired else u[t]) @ w_u + y_n @ w_y) for t in range(TIME)]
    through = np.zeros(HIDDEN)
    g_wu, g_wy, g_bh = np.zeros_like(w_u), np.zeros_like(w_y), np.zeros_like(b_h)
    for t in reversed(range(TIME)):
        before, after = u[t], u[t + 1]
        if t + 1 < TIME:
            sent = u[t + 2] @ w_u.T + b_u if paired else (u[t + 2] - end[t + 1]) @ w_u.T
            through = (sent + through @ w_u.T) * after * (1 - after)
        g_wu += np.outer(before, after) - np.outer(u_n if paired else before, end[t]) + np.outer(before, through)
        g_wy += np.outer(y[t], after) - np.outer(y_n, end[t]) + np.outer(y[t], through)
        g_bh += after - end[t] + through
    np.testing.assert_allclose(-TIME * np.asarray(grads.state_weights), g_wu, atol=2e-4)
    np.testing.assert_allclose(-TIME * np.asarray(grads.input_weights), g_wy, atol=2e-4)
    np.testing.assert_allclose(-TIME * np.asarray(grads.hidden_bias), g_bh, atol=2e-4)


def test_a_missing_observation_teaches_nothing_and_moves_nothing(key):
    """A step of NaN in the middle: the update is that of the sequence without it."""
    model = FactorFilter(OBSERVED, HIDDEN, key=key)
    values = np.asarray(jax.random.normal(key, (1, TIME, OBSERVED)))
    gappy = np.insert(values, 2, np.nan, axis=1)
    rule = lambda interval: TemporallyLocal(MaximumLikelihood(), update_interval=interval)
    without = update(rule(TIME), model, sequences(values), key)
    found = update(rule(TIME + 1), model, sequences(gappy), key)
    np.testing.assert_allclose(flat(found.grads), flat(without.grads), atol=1e-6)
    np.testing.assert_allclose(found.carry.slots.state, without.carry.slots.state, atol=1e-6)


def test_steps_beyond_the_end_are_missing_ones(case, key):
    model, objective, target = case
    found = update(TemporallyLocal(objective, target, update_interval=TIME + 3), model, counts(key), key)
    assert bool(jnp.all(jnp.isfinite(flat(found.grads))))
    alone = update(TemporallyLocal(objective, target, update_interval=TIME), model, counts(key), key)
    np.testing.assert_allclose(found.carry.slots.state, alone.carry.slots.state, atol=1e-6)


def test_the_slow_copy_makes_the_states_and_follows_the_model(key):
    model, batch = harmonium(key), counts(key)
    rule = TemporallyLocal(ContrastiveDivergence(), update_interval=2, slow=0.9)
    carry = rule.init(model, batch, key=key)
    faster = eqx.tree_at(lambda m: m.hidden_bias, model, model.hidden_bias + 1.0)
    after = step(rule, faster, carry, batch, key).carry
    plain = TemporallyLocal(ContrastiveDivergence(), update_interval=2)
    states = update(plain, model, batch, key).carry.slots.state
    np.testing.assert_allclose(after.slots.state, states, atol=1e-6)
    np.testing.assert_allclose(after.slow.hidden_bias, model.hidden_bias + 0.1, atol=1e-6)


def storage(rule, model, time, key):
    """Bytes of temporaries of one compiled update, the data left out."""
    batch = counts(key, rows=4, time=time, width=OBSERVED)
    carry = rule.init(model, batch, key=key)
    compiled = eqx.filter_jit(lambda m, c: rule.step(m, c, batch, key=key)).lower(model, carry).compile()
    return compiled.compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.slow
def test_storage_is_that_of_the_chunk_whatever_the_length(key):
    model = harmonium(key)
    local = TemporallyLocal(ContrastiveDivergence(), update_interval=4)
    short, long = (storage(local, model, time, key) for time in (100, 10_000))
    assert long <= short + 4 * 10_000 * OBSERVED * 4 * 1.1  # the data, once more at most, and nothing else
    assert storage(
        ThroughTime(ContrastiveDivergence(), JointTarget(), bptt_length=400), model, 400, key
    ) > 10 * storage(local, model, 400, key)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: TemporallyLocal(ContrastiveDivergence(), update_interval=0),
            "update_interval must be at least 1, got 0",
        ),
        (lambda: TemporallyLocal(ContrastiveDivergence(), slow=1.0), r"slow must be in \[0, 1\), got 1.0"),
        (
            lambda: ThroughTime(ContrastiveDivergence(), JointTarget(), bptt_length=0),
            "bptt_length must be at least 1, got 0",
        ),
        (lambda: ContrastiveDivergence(0), "sweeps must be at least 1, got 0"),
        (lambda: ContrastiveDivergence(noise=2.0), r"noise must be in \[0, 1\], got 2.0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_multi_step_target_of_other_lags_than_the_models_is_refused(key):
    with pytest.raises(ValueError, match=r"those of the model, \(1, 3\), got \(1, 2\)"):
        update(TemporallyLocal(ELBO(), MultiStepTarget((1, 2))), vae(key), counts(key), key)


@pytest.mark.parametrize("of", [JointTarget(), TransitionTarget()], ids=["pair", "transition"])
def test_multi_step_target_reads_the_observations_at_its_lags(of, key):
    """y_t comes first; lag l is l steps later, counted by hand."""
    window = jnp.arange(4.0)[:, None] * jnp.ones(OBSERVED)[None]
    state = jnp.full(HIDDEN, 0.5)
    target = MultiStepTarget(LAGS, of)
    assert target.ahead == 3
    _, (*now, future) = target(vae(key), state, window)
    np.testing.assert_array_equal(future[:, 0], [1.0, 3.0])
    np.testing.assert_array_equal(now[-1], 0.0)
    assert len(now) == (2 if isinstance(of, JointTarget) else 1)
