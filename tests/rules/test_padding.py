"""What is masked, unknown or padded reaches neither value nor gradient; a mask that would be ignored is refused."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.rules.longterm import number_model
from vestige.cells import LinearRecurrence
from vestige.memory import Introspection
from vestige.models.families import Bernoulli, Gaussian
from vestige.models.filters import RecurrentVAE
from vestige.models.harmonium import Harmonium
from vestige.models.longterm import WholeSequence
from vestige.models.temporal import elbo, gtmm
from vestige.models.tied import Bits, tied_pair
from vestige.rules import (
    ELBO,
    ContrastiveDivergenceRule,
    Gradient,
    MemUP,
    RandomlyTruncated,
    TemporallyLocal,
    TransitionTarget,
    Truncated,
    WakeSleep,
)
from vestige.rules.advantages import advantages
from vestige.sequences import ArraySequence
from vestige.typing import Batch

ROWS, TIME = 4, 8
KNOWN = np.array(
    [
        [True] * TIME,
        [False, False, True, True, True, True, True, False],
        [True, True, False, False, True, True, True, True],
        [False] * TIME,  # a row of padding
    ]
)
LENGTHS = np.array([8, 8, 6, 8], np.int32)


def sequences(garbage):
    """Outcomes that are not known, and steps beyond the end, hold garbage."""
    noise = np.random.default_rng(0)
    inputs, outcomes = noise.normal(size=(ROWS, TIME, 2)), noise.normal(size=(ROWS, TIME))
    inside = np.arange(TIME) < LENGTHS[:, None]
    inputs = np.where(inside[..., None], inputs, garbage).astype(np.float32)
    outcomes = np.where(KNOWN & inside, outcomes, garbage).astype(np.float32)
    return Batch(jax.vmap(ArraySequence)(*map(jnp.asarray, (inputs, outcomes, LENGTHS, KNOWN))))


RULES = {
    "whole": lambda: Gradient(WholeSequence(TIME)),
    "whole, in segments": lambda: Gradient(WholeSequence(TIME, 3)),
    "truncated": lambda: Truncated(5),
    "randomly truncated": lambda: RandomlyTruncated(2, 0.0, longest=3),
    "memup": lambda: MemUP(5, 2, frequency=2),
}
FAST = {
    ("whole", "lstm"),
    ("truncated", "lstm"),
    ("randomly truncated", "lstm"),
    ("memup", "lstm"),
    ("whole", "linear"),
}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        pair if pair in FAST else pytest.param(*pair, marks=pytest.mark.slow)
        for pair in itertools.product(RULES, ("lstm", "linear"))
    ],
)
@pytest.mark.few(1)
def test_unknown_and_padded_steps_change_nothing(name, cell, key):
    rule, model = RULES[name](), number_model(key=key, context=2)
    if cell == "linear":
        model = eqx.tree_at(lambda m: m.cell, model, drawn(lambda key: LinearRecurrence(5, 6, key=key)))
    step = eqx.filter_jit(rule.step)

    def two_steps(batch):
        first = step(model, eqx.filter_jit(rule.init)(model, batch, key=key), batch, key=key)
        return jax.device_get((first.grads, step(model, first.carry, batch, key=key).grads))

    clean, found = two_steps(sequences(0.0)), two_steps(sequences(np.nan))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(clean), strict=True):
        assert np.all(np.isfinite(a))
        np.testing.assert_array_equal(a, b)
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(clean))


@pytest.mark.slow
def test_frames_of_padding_and_a_row_of_it(key):
    memory = lambda latent, controller, *, key: Introspection(latent, controller, slots=3, key=key)
    model = drawn(lambda key: gtmm((4,), memory, latent_size=2, controller_size=3, width=5, key=key))
    frames = np.asarray(jax.random.bernoulli(key, 0.4, (ROWS, TIME, 4)), np.float32)
    rule = Gradient(elbo, clip=None)
    step = eqx.filter_jit(lambda frames, mask: rule.step(model, None, Batch(frames, mask=mask), key=key))
    padded = np.where(KNOWN[..., None], frames, np.float32(np.nan))
    clean, found = step(jnp.asarray(frames), jnp.asarray(KNOWN)), step(jnp.asarray(padded), jnp.asarray(KNOWN))
    jax.tree.map(np.testing.assert_array_equal, found.grads, clean.grads)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(found.grads))
    # A row of padding counts as a bound of 0: the others' share of the mean is as it was.
    others = step(jnp.asarray(frames[:3]), jnp.asarray(KNOWN[:3]))
    for a, b in zip(jax.tree.leaves(found.grads), jax.tree.leaves(others.grads), strict=True):
        np.testing.assert_allclose(a, np.float32(0.75) * b, rtol=1e-4, atol=1e-6)


def test_advantages_pass_over_a_step_that_is_not_there():
    mask = jnp.array([False, True, True, False, True, True, False])
    rewards, values = jnp.arange(7.0), jnp.cos(jnp.arange(7.0))
    holes = lambda x: jnp.where(mask, x, jnp.nan)
    found = advantages(holes(rewards), holes(values), mask, discount=0.9, trace=0.8)
    expected = advantages(rewards[mask], values[mask], jnp.ones(4, bool), discount=0.9, trace=0.8)
    np.testing.assert_allclose(found[mask], expected, rtol=1e-6)
    assert not np.any(found[~mask])


def small_vae():
    return drawn(lambda key: RecurrentVAE(Gaussian(2), 4, width=8, key=key))


@pytest.mark.slow
def test_an_infinite_observation_counts_as_missing_and_is_counted(key):
    model = small_vae()
    rule = TemporallyLocal(ELBO(), TransitionTarget(), update_interval=3, clip=5.0)
    learn = eqx.filter_jit(rule.learn)
    seen, states = jax.random.normal(key, (2, 3, 2)), jnp.full((2, 4), 0.1)
    good = learn(model, states, seen, key=key)
    assert int(good.skipped) == 0 and any(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(good.grads))
    missing = learn(model, states, seen.at[0, 1, 0].set(jnp.inf), key=key)  # counts as missing
    assert int(missing.skipped) == 0 and float(missing.metrics["infinite_values"]) == 1
    np.testing.assert_array_equal(missing.states[1], good.states[1])  # the other sequence goes on


def test_an_update_that_is_not_finite_is_left_out_and_counted(key):
    model = small_vae()
    rule = TemporallyLocal(ELBO(), TransitionTarget(), update_interval=3, clip=5.0)
    learn = eqx.filter_jit(rule.learn)
    seen, states = jax.random.normal(key, (2, 3, 2)), jnp.full((2, 4), 0.1).at[0, 0].set(jnp.nan)
    bad = learn(model, states, seen, key=key)
    assert int(bad.skipped) == 1
    assert all(bool(jnp.all(leaf == 0)) for leaf in jax.tree.leaves(bad.grads))
    assert bool(jnp.all(jnp.isfinite(bad.states[1])))
    raw = learn(model, states, seen, skip_nonfinite=False, key=key)
    assert not all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(raw.grads))


def test_rows_without_time_have_no_mask(key):
    data, mask = jnp.ones((3, 4)), jnp.array([True, True, False])
    harmonium = Harmonium(jnp.zeros((4, 2)), jnp.zeros(4), jnp.zeros(2), Bernoulli(4))
    pair = tied_pair([Bits(4), Bits(2)], key=key)
    for rule, model in ((ContrastiveDivergenceRule(), harmonium), (WakeSleep(), pair)):
        with pytest.raises(ValueError, match="mask has no meaning here"):
            rule.step(model, rule.init(model, Batch(data), key=key), Batch(data, mask=mask), key=key)
