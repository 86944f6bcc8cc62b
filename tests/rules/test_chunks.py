"""All rollouts of a sequence at once (checks 5 and 6 of the MemUP notes)."""

import equinox as eqx
import jax
import numpy as np
import pytest

from tests.rules.longterm import close64, cues, number_model, numbers, token_model
from vestige.rules import ChunkParallel, GumbelTopK, MemUP, ReducibleUncertainty


def one_after_the_other(memup, model, batch, key):
    """The mean gradient and loss of all rollouts under the same weights."""
    carry, step, steps = memup.init(model, batch, key=key), eqx.filter_jit(memup.step), []
    while not steps or not bool(carry.slots.ended.all()):
        steps.append(step(model, carry, batch, key=jax.random.fold_in(key, len(steps))))
        carry = steps[-1].carry
    mean = lambda *values: sum(values) / len(steps)
    grads = [jax.tree.map(np.asarray, step.grads) for step in steps]
    return jax.tree.map(mean, *grads), mean(*[float(step.metrics["loss"]) for step in steps])


def at_once(rule, model, batch, key):
    return eqx.filter_jit(rule.step)(model, rule.init(model, batch, key=key), batch, key=key)


SETTINGS = {
    "plain": (MemUP(5, 2, clip=None), 1),
    "overlapping": (MemUP(5, 2, stride=3, clip=None), 4),
    "random targets": (MemUP(5, 2, selection=GumbelTopK(), current=False, clip=None), 5),
    "candidates run out": (
        MemUP(5, 2, frequency=2, candidates=6, score=ReducibleUncertainty(), scan_chunk=4, clip=None),
        2,
    ),
}


@pytest.mark.parametrize(
    "name", ["overlapping", *(pytest.param(n, marks=pytest.mark.slow) for n in SETTINGS if n != "overlapping")]
)
@pytest.mark.slow
def test_the_mean_of_rollouts_one_after_the_other(name, key):
    """Check 5."""
    memup, together = SETTINGS[name]
    with jax.enable_x64(True):
        model, batch = number_model(key=key, context=2), numbers([23, 23], key=jax.random.key(1))
        grads, loss = one_after_the_other(memup, model, batch, key)
        found = at_once(ChunkParallel(memup, steps=23, chunks_at_once=together), model, batch, key)
        close64(found.grads, grads)
        np.testing.assert_allclose(found.metrics["loss"], loss, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "memup", [MemUP(5, 1, clip=None), pytest.param(MemUP(5, 1, stride=2, clip=None), marks=pytest.mark.exhaustive)]
)
def test_every_rollout_of_every_sequence_counts_once(memup, key):
    """Check 5 with lengths that differ; one longer than `steps` counts only up to there."""
    with jax.enable_x64(True):
        model, lengths = number_model(key=key), [7, 13, 20]
        batch = numbers(lengths, key=jax.random.key(1))
        found = at_once(ChunkParallel(memup, steps=20, chunks_at_once=2), model, batch, key)
        rows = [jax.tree.map(lambda leaf, i=i: leaf[i : i + 1], batch) for i in range(3)]
        numbers_of = [1 + -(-max(0, length - 5) // memup.stride) for length in lengths]
        alone = [one_after_the_other(memup, model, row, key)[0] for row in rows]
        weighted = lambda *grads: sum(n * g for n, g in zip(numbers_of, grads, strict=True)) / sum(numbers_of)
        close64(found.grads, jax.tree.map(weighted, *alone))
        short = at_once(ChunkParallel(memup, steps=5), model, batch, key)
        first = eqx.filter_jit(memup.step)(
            model, memup.init(model, batch, key=key), batch, key=jax.random.fold_in(key, 0)
        )
        close64(short.grads, first.grads)


def temporary_bytes(rule, length, key, rows=8):
    model, batch = token_model(key=key), cues(rows, length, key=key)
    carry = rule.init(model, batch, key=key)
    compiled = eqx.filter_jit(rule.step).lower(model, carry, batch, key=key).compile()
    return compiled.compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.slow
@pytest.mark.exhaustive
def test_storage_is_bounded_by_what_is_done_at_once(key):
    """Check 6: per further rollout one state and its questions (here at most 250 bytes a sequence), not its steps."""
    rule = lambda steps, together: ChunkParallel(MemUP(20, 2, scan_chunk=50, candidates=32), steps, together)
    short, long = (temporary_bytes(rule(steps, 1), steps, key) for steps in (200, 2000))
    assert (long - short) / 90 < 8 * 250
    assert temporary_bytes(rule(200, 10), 200, key) > 4 * short


@pytest.mark.slow
def test_the_average_is_carried(key):
    model, batch = number_model(key=key), numbers([9, 9], key=key)
    rule = ChunkParallel(MemUP(4, 1, average=0.75), steps=9)
    carry = rule.init(model, batch, key=key)
    moved = jax.tree.map(lambda leaf: leaf + 1.0 if eqx.is_inexact_array(leaf) else leaf, model)
    after = eqx.filter_jit(rule.step)(moved, carry, batch, key=key).carry
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b + 0.25, rtol=1e-5, atol=1e-6), after, carry)
    assert ChunkParallel(MemUP(4, 1), steps=9).init(model, batch, key=key) is None


@pytest.mark.slow
def test_what_cannot_be_is_refused(key):
    with pytest.raises(ValueError, match="ChunkParallel: steps must be at least 1, got 0"):
        ChunkParallel(MemUP(4, 1), steps=0)
    with pytest.raises(ValueError, match="chunks_at_once must be at least 1, got 0"):
        ChunkParallel(MemUP(4, 1), steps=9, chunks_at_once=0)
    model = number_model(key=key, context=4)
    with pytest.raises(ValueError, match="context=4 steps, as much as a rollout of 4"):
        ChunkParallel(MemUP(4, 1), steps=9).init(model, numbers([9], key=key), key=key)
