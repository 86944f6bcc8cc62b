"""Locality in time, the two readings, and what gradients through time add (checks 3 and 4 of the notes)."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
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
CHUNK = 4  # so that the second goes two steps beyond the end
LAGS = (1, 3)


def counts(key, rows=ROWS, time=TIME):
    return sequences(np.asarray(jax.random.randint(key, (rows, time, OBSERVED), 0, 4), np.float32))


@jax.jit
def sequences(values, length=None):
    length = jnp.asarray(values.shape[1] if length is None else length, jnp.int32)
    return Batch(jax.vmap(lambda x: ArraySequence(x, jnp.zeros((x.shape[0], 0)), length))(jnp.asarray(values)))


@functools.cache
def harmonium():
    return drawn(lambda key: RecurrentHarmonium(Poisson(OBSERVED), HIDDEN, key=key), scale=0.4)


@functools.cache
def vae():
    return drawn(lambda key: RecurrentVAE(Poisson(OBSERVED), HIDDEN, width=5, lags=LAGS, key=key))


@functools.cache
def factor():
    return drawn(lambda key: FactorFilter(OBSERVED, HIDDEN, key=key))


CASES = {
    "harmonium, pair": (harmonium, ContrastiveDivergence(), JointTarget()),
    "harmonium, transition": (harmonium, ContrastiveDivergence(2, noise=0.5, sampled=True), TransitionTarget()),
    "factor, pair": (factor, MaximumLikelihood(), JointTarget()),
    "factor, transition": (factor, MaximumLikelihood(), TransitionTarget()),
    "vae, pair": (vae, ELBO(), JointTarget()),
    "vae, transition": (vae, ELBO(), TransitionTarget()),
    "vae, multi-step": (vae, ELBO(), MultiStepTarget(LAGS)),
    "vae, multi-step alone": (vae, ELBO(), MultiStepTarget(LAGS, TransitionTarget())),
}
OF_EACH_KIND = {"harmonium, pair", "factor, pair", "vae, multi-step"}
"""Every model and objective; with other targets they are slow."""


@pytest.fixture(params=[n if n in OF_EACH_KIND else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def case(request):
    build, objective, target = CASES[request.param]
    return build(), objective, target


@eqx.filter_jit
def begun(rule, model, batch, key):
    return rule.init(model, batch, key=key)


@eqx.filter_jit
def step(rule, model, carry, batch, key):
    """A program for each rule and model: chunks and batches have the same shapes nearly everywhere."""
    return rule.step(model, carry, batch, key=key)


def update(rule, model, batch, key):
    return step(rule, model, begun(rule, model, batch, key), batch, key)


def flat(tree):
    leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))
    return np.concatenate([np.ravel(leaf) for leaf in jax.device_get(leaves)])


def padded(batch, ahead):
    """The observations, and as many that are missing as a chunk or a target may reach beyond the end."""
    return np.pad(batch.inputs.inputs, [(0, 0), (0, CHUNK + ahead), (0, 0)], constant_values=np.nan)


@eqx.filter_jit
def single_steps(model, objective, target, states, windows, places, key):
    """For every sequence the gradient of one step and its next state, the state given as data."""

    def one(state, window, place):
        def loss(model):
            density, value = target(model, state, window)
            return -objective(density, value, key=jax.random.fold_in(key, place))

        return eqx.filter_grad(loss)(model), model.filter(state, window[0])

    grads, states = jax.vmap(one)(states, windows, places)
    return jax.tree.map(lambda leaf: jnp.sum(leaf, axis=0), grads), states


@pytest.mark.few(1)
def test_gradient_of_a_chunk_is_the_sum_of_single_steps_with_states_as_data(case, key):
    """Each step by itself, its state put in as a constant: nothing else may enter. The second chunk goes beyond the
    end, where there is nothing to learn from and no state to make."""
    model, objective, target = case
    batch, rule = counts(key), TemporallyLocal(objective, target, update_interval=CHUNK)
    observations = padded(batch, target.ahead)
    carry = begun(rule, model, batch, key)
    states = np.broadcast_to(model.init(), (ROWS, HIDDEN))
    for start, stop in ((0, CHUNK), (CHUNK, TIME)):
        found = step(rule, model, carry, batch, key)
        carry, total = found.carry, 0.0
        for time in range(start, stop):
            places = np.arange(ROWS) * CHUNK + time - start
            window = observations[:, time : time + 1 + target.ahead]
            grads, states = single_steps(model, objective, target, states, window, places, key)
            total = total + flat(grads) / (ROWS * (stop - start))
        np.testing.assert_allclose(flat(found.grads), total, atol=2e-5)
        np.testing.assert_allclose(carry.slots.state, states, atol=1e-5)


@pytest.mark.few(1)
def test_observations_may_be_handed_over_as_they_come(case, key):
    """Two chunks by hand are two of `step`, without sequences or slots."""
    model, objective, target = case
    batch, rule = counts(key), TemporallyLocal(objective, target, update_interval=CHUNK)
    learn = eqx.filter_jit(lambda states, observations: rule.learn(model, states, observations, key=key))
    observations = padded(batch, target.ahead)
    carry, states = begun(rule, model, batch, key), np.broadcast_to(model.init(), (ROWS, HIDDEN))
    for time in (0, CHUNK):
        found = step(rule, model, carry, batch, key)
        learned = learn(states, observations[:, time : time + CHUNK + target.ahead])
        carry, states = found.carry, learned.states
        np.testing.assert_allclose(flat(learned.grads), flat(found.grads), atol=1e-6)
        np.testing.assert_allclose(states, carry.slots.state, atol=1e-6)
    assert float(found.metrics["loss"]) == pytest.approx(float(learned.metrics["loss"]), abs=1e-5)


@pytest.mark.few(1)
def test_an_earlier_observation_reaches_no_later_update_by_gradient(case, key):
    """d(update) / d(y_1) is that of the first step alone, once the later states are held; through time it is not."""
    model, objective, target = case
    batch = counts(key)
    first = update(TemporallyLocal(objective, target, update_interval=CHUNK), model, batch, key).grads
    through = update(ThroughTime(objective, target, bptt_length=CHUNK), model, batch, key).grads
    assert np.max(np.abs(flat(first) - flat(through))) > 1e-4


@pytest.mark.few(1)
def test_a_single_step_through_time_is_the_local_rule(case, key):
    """Which is that of single steps with states as data, as shown above."""
    model, objective, target = case
    batch = counts(key)
    window = padded(batch, target.ahead)[:, : 1 + target.ahead]
    states = np.broadcast_to(model.init(), (ROWS, HIDDEN))
    grads, _ = single_steps(model, objective, target, states, window, np.arange(ROWS), key)
    other = update(ThroughTime(objective, target, bptt_length=1), model, batch, key)
    np.testing.assert_allclose(flat(grads) / ROWS, flat(other.grads), atol=1e-6)


@pytest.mark.slow
def test_shuffled_takes_another_sequences_state(key):
    """The update is that of the rule itself on states that have been turned round, never by a whole turn."""
    model, batch, rule = harmonium(), counts(key, rows=5), TemporallyLocal(ContrastiveDivergence())
    carry = update(rule, model, batch, key).carry
    shifts = set()
    for seed in range(12):
        own = jax.random.key(seed)
        found = step(Shuffled(rule), model, carry, batch, own)
        turned = lambda by: eqx.tree_at(lambda c: c.slots.state, carry, np.roll(carry.slots.state, by, axis=0))
        same = [by for by in range(5) if _agree(found, step(rule, model, turned(by), batch, jax.random.split(own)[1]))]
        shifts |= set(same)
        assert len(same) == 1
    assert 0 not in shifts and len(shifts) > 2
    with pytest.raises(ValueError, match="at every step"):
        Shuffled(TemporallyLocal(ContrastiveDivergence(), update_interval=2))
    with pytest.raises(ValueError, match="at least 2 sequences, got 1"):
        eqx.filter_eval_shape(update, Shuffled(rule), model, counts(key, rows=1), key)


def _agree(one, other):
    return np.allclose(flat(one.grads), flat(other.grads)) and np.allclose(flat(one.carry), flat(other.carry))


def test_chunks_of_two_see_what_single_steps_see(key):
    """Same model, no update between: states and offsets go on where they were."""
    model, batch = harmonium(), counts(key)
    whole = update(TemporallyLocal(ContrastiveDivergence(), update_interval=CHUNK), model, batch, key).carry
    rule = TemporallyLocal(ContrastiveDivergence(), update_interval=2)
    carry = begun(rule, model, batch, key)
    for _ in range(2):
        carry = step(rule, model, carry, batch, key).carry
    np.testing.assert_allclose(carry.slots.state, whole.slots.state, atol=1e-6)
    np.testing.assert_array_equal(carry.slots.offset, whole.slots.offset)


def test_a_rule_asks_for_a_batch_only_when_a_sequence_is_over(key):
    model, batch = harmonium(), counts(key)
    for rule in (
        TemporallyLocal(ContrastiveDivergence(), update_interval=CHUNK),
        ThroughTime(ContrastiveDivergence(), JointTarget(), bptt_length=CHUNK),
    ):
        carry = begun(rule, model, batch, key)
        asked = []
        for _ in range(4):
            asked.append(bool(rule.needs_batch(carry)))
            carry = step(rule, model, carry, batch, key).carry
        assert asked == [True, False, True, False]


@pytest.mark.slow
def test_transition_gives_the_state_bias_nothing_and_the_pair_does(key):
    """Check 4."""
    model, batch = harmonium(), counts(key)
    clamped, free = (
        update(TemporallyLocal(objective, target, update_interval=CHUNK), model, batch, key).grads
        for _, objective, target in (CASES["harmonium, transition"], CASES["harmonium, pair"])
    )
    np.testing.assert_array_equal(clamped.state_bias, 0.0)
    assert np.min(np.abs(free.state_bias)) > 0
    assert np.max(np.abs(clamped.state_weights)) > 0


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
    model, batch, rule = (
        harmonium(),
        counts(key, rows=1),
        ThroughTime(ContrastiveDivergence(), target, bptt_length=TIME),
    )
    anew = eqx.filter_jit(lambda model: rule.step(model, rule.init(model, batch, key=key), batch, key=key).grads)
    grads = anew(model)
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
    model, objective, target = factor(), *CASES["factor, pair"][1:]
    values = np.asarray(jax.random.normal(key, (ROWS, TIME, OBSERVED)))
    gappy = np.insert(values, 2, np.nan, axis=1)[:, :TIME]
    rule = TemporallyLocal(objective, target, update_interval=CHUNK)
    without, found = (
        update(rule, model, sequences(seen, np.int32(length)), key) for seen, length in ((values, 3), (gappy, 4))
    )
    np.testing.assert_allclose(flat(found.grads), flat(without.grads), atol=1e-6)
    np.testing.assert_allclose(found.carry.slots.state, without.carry.slots.state, atol=1e-6)


def test_the_slow_copy_makes_the_states_and_follows_the_model(key):
    model, batch = harmonium(), counts(key)
    rule = TemporallyLocal(ContrastiveDivergence(), update_interval=CHUNK, slow=0.9)
    carry = begun(rule, model, batch, key)
    faster = eqx.tree_at(lambda m: m.hidden_bias, model, model.hidden_bias + 1.0)
    after = step(rule, faster, carry, batch, key).carry
    plain = TemporallyLocal(ContrastiveDivergence(), update_interval=CHUNK)
    states = update(plain, model, batch, key).carry.slots.state
    np.testing.assert_allclose(after.slots.state, states, atol=1e-6)
    np.testing.assert_allclose(after.slow.hidden_bias, model.hidden_bias + 0.1, atol=1e-6)


def storage(rule, model, time, key):
    """Bytes of temporaries of one compiled update, the data left out."""
    batch = counts(key, rows=4, time=time)
    carry = rule.init(model, batch, key=key)
    compiled = eqx.filter_jit(lambda m, c: rule.step(m, c, batch, key=key)).lower(model, carry).compile()
    return compiled.compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.slow
def test_storage_is_that_of_the_chunk_whatever_the_length(key):
    model = harmonium()
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
        eqx.filter_eval_shape(update, TemporallyLocal(ELBO(), MultiStepTarget((1, 2))), vae(), counts(key), key)


@pytest.mark.parametrize("of", [JointTarget(), TransitionTarget()], ids=["pair", "transition"])
def test_multi_step_target_reads_the_observations_at_its_lags(of):
    """y_t comes first; lag l is l steps later, counted by hand."""
    window = np.repeat(np.arange(4, dtype=np.float32)[:, None], OBSERVED, axis=1)
    state = np.full(HIDDEN, 0.5, np.float32)
    target = MultiStepTarget(LAGS, of)
    assert target.ahead == 3
    _, (*now, future) = eqx.filter_jit(target)(vae(), state, window)
    np.testing.assert_array_equal(future[:, 0], [1.0, 3.0])
    np.testing.assert_array_equal(now[-1], 0.0)
    assert len(now) == (2 if isinstance(of, JointTarget) else 1)
