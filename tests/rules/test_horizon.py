"""How far ahead targets may lie: the steps that can be asked about, by enumeration."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.rules.longterm import number_model, numbers
from vestige.rules import GumbelTopK, MemUP, RandomScore
from vestige.rules.slots import empty

LENGTH, ROLLOUT, EVERY, TARGETS = 23, 5, 2, 2


def enumerated(offset, length, horizon):
    """Point -> the steps that it may ask about, counted by hand."""
    steps = min(ROLLOUT, length - offset)
    points = sorted({*range(EVERY - 1, steps, EVERY), steps - 1})
    return {offset + p: {k for k in range(length) if 0 <= k - (offset + p) <= horizon} for p in points}


@eqx.filter_jit
def rollouts(rule, model, batch, keys):
    """Of every rollout of a sequence: where it begins, its points, which of them count, their targets."""
    slots = empty(batch.inputs, model.init()).refilled(batch.inputs, model.init())
    count = -(-LENGTH // ROLLOUT)

    def asked(key):
        key_score, key_select, key_first = jax.random.split(key, 3)

        def one(candidates, number):
            here = eqx.tree_at(lambda s: s.offset, slots, slots.offset + number * ROLLOUT)
            keys = jax.random.fold_in(key_score, number), jax.random.fold_in(key_select, number)
            candidates = rule.scored(model, candidates, here, entered=(number == 0)[None], key=keys[0])
            targets = rule.prediction_targets(here, candidates, key=keys[1])
            return candidates, (targets.points[0], targets.counted[0], *(leaf[0] for leaf in targets.targets))

        first = rule.init(model, batch, key=key_first).candidates
        return jax.lax.scan(one, first, jnp.arange(count, dtype=jnp.int32))[1]

    return jax.vmap(asked)(keys)


@pytest.mark.parametrize("length", [LENGTH, 21])
@pytest.mark.parametrize(
    "horizon", [6, pytest.param(1, marks=pytest.mark.slow), pytest.param(40, marks=pytest.mark.slow)]
)
def test_each_step_within_the_horizon_can_be_asked_about_and_no_other(horizon, length, key):
    model, batch = number_model(key=key), numbers([length], key=jax.random.key(1), steps=LENGTH)
    choice = GumbelTopK(float("inf"))  # every candidate as likely as any other
    rule = MemUP(
        ROLLOUT, TARGETS, frequency=EVERY, horizon=horizon, score=RandomScore(), selection=choice, scan_chunk=4
    )
    points, counted, steps, weights = map(np.asarray, rollouts(rule, model, batch, jax.random.split(key, 200)))
    for number in range(points.shape[1]):
        expected = enumerated(number * ROLLOUT, length, horizon)
        found = {}
        for place in range(points.shape[2]):
            if counted[0, number, place]:
                point = number * ROLLOUT + int(points[0, number, place])
                found[point] = set(steps[:, number, place][weights[:, number, place] > 0].tolist())
        assert found == expected


def test_the_most_uncertain_within_the_horizon_are_taken(key):
    """The largest scores of all 23 steps lie beyond the horizon of most points; there the largest within it count."""
    model, batch = number_model(key=key), numbers([LENGTH], key=jax.random.key(1))
    rule = MemUP(ROLLOUT, TARGETS, frequency=EVERY, horizon=4, candidates=TARGETS + ROLLOUT - 1, scan_chunk=3)
    points, counted, steps, _ = map(np.asarray, rollouts(rule, model, batch, jax.random.split(key, 1)))
    window = jax.tree.map(lambda leaf: leaf[0], batch.inputs).window(jnp.array(0, jnp.int32), LENGTH)
    predictions = model.detector(window.inputs, window.inside)
    scores = np.asarray(jax.vmap(model.outcome.loss)(predictions, window.outcomes))
    for number in range(points.shape[1]):
        for place in np.flatnonzero(counted[0, number]):
            first = number * ROLLOUT + int(points[0, number, place])
            inside = np.arange(first, min(first + 4, LENGTH - 1) + 1)
            best = set(inside[np.argsort(-scores[inside])][:TARGETS].tolist())
            assert set(steps[0, number, place].tolist()) == best


@pytest.mark.slow
def test_a_horizon_beyond_the_end_changes_nothing(key):
    """The same update as without, where all steps fit among the candidates."""
    model, batch = number_model(key=key), numbers([LENGTH, 17], key=jax.random.key(1))
    step = eqx.filter_jit(lambda rule: rule.step(model, rule.init(model, batch, key=key), batch, key=key))
    one, other = (step(MemUP(ROLLOUT, TARGETS, horizon=horizon)) for horizon in (None, LENGTH))
    jax.tree.map(np.testing.assert_array_equal, one.grads, other.grads)


def test_a_horizon_is_a_step_at_least():
    with pytest.raises(ValueError, match="MemUP: horizon must be at least 1 step, got 0"):
        MemUP(5, 1, horizon=0)
