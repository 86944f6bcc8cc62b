"""MemUP and truncated back-propagation (checks 2, 3, 4, 6, 7 and 8 of the MemUP notes)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.rules.longterm import close64, cues, number_model, numbers, temporary_bytes, token_model
from vestige.rules import (
    Entropy,
    GumbelTopK,
    HindsightScore,
    Importance,
    InformationGain,
    MemUP,
    OracleScore,
    RandomScore,
    ReducibleUncertainty,
    Surprise,
    Truncated,
)
from vestige.rules.score_pass import score_pass


def memory_of(grads):
    return eqx.filter((grads.encoder, grads.cell, grads.question, grads.hidden, grads.output), eqx.is_array)


def close(one, other, tolerance=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


@eqx.filter_jit
def begun(rule, model, batch, key):
    return rule.init(model, batch, key=key)


def test_a_rollout_over_everything_is_back_propagation(key):
    """Check 2: r = T, one prediction point at the last step, one target: the last step."""
    with jax.enable_x64(True):
        model, batch = number_model(key=key), numbers([7, 7, 7], key=jax.random.key(1), only_last=True)
        rule = MemUP(7, 3, current=False, clip=None)
        step = eqx.filter_jit(rule.step)(model, begun(rule, model, batch, key), batch, key=key)

        def loss(model):
            def one(sequence):
                window = sequence.window(jnp.array(0, jnp.int32), 7)
                _, memories = model.encode(model.init(), window.inputs)
                return model.surprise(memories[6], window.inputs[6], window.outcomes[6])

            return jnp.mean(jax.vmap(one)(batch.inputs))

        value, grads = eqx.filter_jit(eqx.filter_value_and_grad(loss))(model)
        np.testing.assert_allclose(step.metrics["distant"], value, rtol=1e-10)
        close64(memory_of(step.grads), memory_of(grads))


@pytest.mark.parametrize(
    "rule",
    [MemUP(4, 3, frequency=2, clip=None), pytest.param(MemUP(5, 2, stride=3, clip=None), marks=pytest.mark.slow)],
)
@pytest.mark.slow
def test_finite_differences(rule, key):
    """Check 4: with the entering state held fixed, the loss of a rollout changes as its gradient says."""
    with jax.enable_x64(True):
        model, batch = number_model(key=key, context=2), numbers([20, 17], key=jax.random.key(1))
        step = eqx.filter_jit(rule.step)
        first = step(model, begun(rule, model, batch, key), batch, key=key)
        arrays, rest = eqx.partition(model, eqx.is_inexact_array)

        def second(arrays):
            return jax.device_get(step(eqx.combine(arrays, rest), first.carry, batch, key=key))

        grads = jax.tree.leaves(second(arrays).grads)
        leaves, tree = jax.tree.flatten(jax.device_get(arrays))
        for turn in range(3):
            noise = np.random.default_rng(turn)
            way = [noise.normal(size=leaf.shape) for leaf in leaves]
            moved = lambda size, way=way: jax.tree.unflatten(tree, [a + size * b for a, b in zip(leaves, way)])  # noqa: B905
            up, down = (second(moved(size)).metrics["loss"] for size in (1e-5, -1e-5))
            slope = sum(np.sum(g * w) for g, w in zip(grads, way, strict=True))
            np.testing.assert_allclose((up - down) / 2e-5, slope, rtol=1e-6)


@pytest.mark.parametrize("rule", [MemUP(4, 2, current=False, clip=None), Truncated(4)])
@pytest.mark.few(1)
def test_no_gradient_crosses_a_border(rule, key):
    """Check 3: to earlier rollouts exactly none; to a chosen target some; to the steps between exactly none."""
    model, batch = number_model(key=key), numbers([20], key=jax.random.key(1))

    def second(inputs):
        there = eqx.tree_at(lambda b: b.inputs.inputs, batch, inputs)

        def update(carry, _):
            step = rule.step(model, carry, there, key=key)
            return step.carry, step.metrics

        metrics = jax.lax.scan(update, rule.init(model, there, key=key), length=2)[1]
        return jax.tree.map(lambda leaf: leaf[1], metrics)

    def loss(inputs):
        return second(inputs)["distant" if isinstance(rule, MemUP) else "loss"]

    slopes = np.abs(np.asarray(jax.jit(jax.grad(loss))(batch.inputs.inputs))[0]).sum(axis=-1)
    assert (slopes[:4] == 0).all() and (slopes[4:8] > 0).all()
    if isinstance(rule, MemUP):
        chosen = eqx.filter_jit(score_pass)(
            rule.score,
            model,
            jax.tree.map(lambda leaf: leaf[0], batch.inputs),
            count=64,
            scan_chunk=20,
            start=jnp.array(7),
            key=key,
        )
        targets = set(chosen.steps[:2].tolist())
        touched = set(np.flatnonzero(slopes).tolist())
        assert touched == {4, 5, 6, 7} | targets and targets - {7}
    else:
        assert (slopes[8:] == 0).all()


def test_slots_go_on_as_if_each_were_alone(key):
    """Check 7: lengths 7, 13, 29 in rollouts of 5; the state after the last step is the whole sequence's."""
    model, lengths = number_model(key=key), [7, 13, 29]
    batch = numbers(lengths, key=jax.random.key(1))
    rule = Truncated(5)
    step = eqx.filter_jit(rule.step)
    carry = begun(rule, model, batch, key)
    ends = {}
    for _ in range(6):
        carry = step(model, carry, batch, key=key).carry
        for row, over in enumerate(carry.ended.tolist()):
            if over and row not in ends:
                ends[row] = jax.tree.map(lambda leaf, row=row: leaf[row], carry.state)
    for row, length in enumerate(lengths):
        inputs = batch.inputs.inputs[row, :length]
        close(ends[row], model.encode(model.init(), inputs)[0])


def test_an_ended_slot_begins_anew_with_nothing(key):
    model, batch = number_model(key=key), numbers([4, 9], key=jax.random.key(1))
    fresh = numbers([6, 6], key=jax.random.key(2), steps=9)
    rule = Truncated(5)
    carry = eqx.filter_jit(rule.step)(model, begun(rule, model, batch, key), batch, key=key).carry
    refilled = jax.jit(lambda carry: carry.refilled(fresh.inputs, model.init()))(carry)
    np.testing.assert_array_equal(refilled.offset, [0, 5])
    for leaf, before in zip(jax.tree.leaves(refilled.state), jax.tree.leaves(carry.state), strict=True):
        assert not np.asarray(leaf[0]).any()
        np.testing.assert_array_equal(leaf[1], before[1])
    np.testing.assert_array_equal(refilled.sequence.outcomes[0], fresh.inputs.outcomes[0])
    np.testing.assert_array_equal(refilled.sequence.outcomes[1], batch.inputs.outcomes[1])


@pytest.mark.slow
def test_storage_does_not_grow_with_length(key):
    """Check 6: the compiled update needs the same memory for 200 and for 20,000 steps, and more for longer rollouts."""
    short, long = (temporary_bytes(MemUP(5, 2, scan_chunk=50), length, key) for length in (200, 20_000))
    assert short == long
    assert temporary_bytes(MemUP(40, 2, scan_chunk=50), 200, key) > 1.5 * short


@pytest.mark.slow
def test_the_average_moves_as_it_should(key):
    """Check 8: to a constant w from w0, after n updates `w + d^n (w0 - w)`."""
    model, batch = number_model(key=key), numbers([9, 9], key=key)
    rule = MemUP(4, 1, average=0.9)
    carry = begun(rule, model, batch, key)
    moved = jax.tree.map(lambda leaf: leaf + 1.0 if eqx.is_inexact_array(leaf) else leaf, model)
    step = eqx.filter_jit(rule.step)
    for _ in range(5):
        carry = step(moved, carry, batch, key=key).carry
    expected = jax.tree.map(lambda leaf: leaf + 1.0 - 0.9**5, eqx.filter(model, eqx.is_inexact_array))
    close(carry.average, expected)


def middle(sequence):
    return jnp.array([11, 22], jnp.int32)


SCORES = (
    Entropy(),
    Surprise(),
    HindsightScore(),
    ReducibleUncertainty(),
    InformationGain(),
    RandomScore(),
    OracleScore(middle),
)
PAIRS = [(score, None) for score in SCORES]
PAIRS += [(Surprise(), GumbelTopK()), (RandomScore(), Importance())]


@pytest.mark.slow
@pytest.mark.parametrize(("score", "selection"), PAIRS)
def test_every_score_and_every_selection(score, selection, key):
    model, batch = token_model(key=key), cues(3, 23, key=key)
    rule = MemUP(5, 2, frequency=3, score=score, selection=selection, average=0.5, scan_chunk=7)
    carry, step = begun(rule, model, batch, key), eqx.filter_jit(rule.step)
    for i in range(6):
        proposed = step(model, carry, batch, key=jax.random.key(i))
        carry = proposed.carry
        assert bool(jnp.isfinite(proposed.metrics["loss"])) and float(proposed.metrics["grad_norm"]) > 0
        ahead = carry.candidates.steps[carry.candidates.scores > -jnp.inf]
        assert bool((ahead < 23).all()) and bool((ahead >= 0).all())


@eqx.filter_jit
def guesses(score, model, window):
    """Of the detector, or of the predictor behind the memory."""
    if isinstance(score, Surprise):
        return model.detector(window.inputs, window.inside)
    return jax.vmap(model.predict)(model.encode(model.init(), window.inputs[2:])[1], window.inputs[2:])


@pytest.mark.parametrize("score", [Surprise(), HindsightScore()])
@pytest.mark.parametrize("chunk", [4, pytest.param(11, marks=pytest.mark.slow), 40])
@pytest.mark.few(2)
def test_a_score_pass_does_not_depend_on_its_windows(score, chunk, key):
    model, batch = number_model(key=key, context=3), numbers([29], key=jax.random.key(1))
    sequence = jax.tree.map(lambda leaf: leaf[0], batch.inputs)
    found = eqx.filter_jit(score_pass)(score, model, sequence, count=6, scan_chunk=chunk, start=jnp.array(5), key=key)
    window = jax.jit(lambda sequence: sequence.window(jnp.array(-2), 31))(sequence)
    means = guesses(score, model, window)[:, 0]
    scores = np.square(np.asarray(means) - np.asarray(window.outcomes[2:]))
    best = sorted(range(5, 29), key=lambda step: -scores[step])[:6]
    assert found.steps.tolist() == best
    np.testing.assert_allclose(found.scores, scores[best], rtol=1e-4)


@pytest.mark.slow
def test_candidates_that_run_out_are_sought_again(key):
    """With few places, the best ahead are found at every rollout all the same."""
    model, batch = number_model(key=key), numbers([40], key=jax.random.key(1))
    many, few = (
        MemUP(5, 2, frequency=2, current=False, candidates=40),
        MemUP(5, 2, frequency=2, current=False, candidates=6),
    )
    ends = []
    for rule in (many, few):
        carry, losses = begun(rule, model, batch, key), []
        for _ in range(7):
            step = eqx.filter_jit(rule.step)(model, carry, batch, key=key)
            carry = step.carry
            losses.append(float(step.metrics["distant"]))
        ends.append(losses)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"rollout": 0, "targets": 1}, "rollout must be at least 1, got 0"),
        ({"rollout": 5, "targets": 0}, "targets must be at least 1, got 0"),
        ({"rollout": 5, "targets": 1, "frequency": 6}, "frequency=6 steps does not fit into a rollout of rollout=5"),
        ({"rollout": 5, "targets": 1, "stride": 6}, "stride=6 and rollout=5 some steps would lie in no rollout"),
        ({"rollout": 5, "targets": 3, "candidates": 6}, "candidates=6 must be at least targets .* 7"),
        ({"rollout": 5, "targets": 1, "average": 1.0}, "in \\[0, 1\\), got 1.0"),
        ({"rollout": 5, "targets": 1, "clip": 0.0}, "clip must be positive or None"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        MemUP(**arguments)


def test_a_detector_that_sees_a_whole_rollout_is_refused(key):
    model = number_model(key=key, context=5)
    with pytest.raises(ValueError, match="context=5 steps, as much as a rollout of 5"):
        MemUP(5, 1).init(model, numbers([9], key=key), key=key)
