"""Back-propagation cut at random (checks 6 and 17 of the MemUP notes)."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.rules.longterm import close64, number_model, numbers, temporary_bytes
from vestige.cells import LinearRecurrence
from vestige.models.longterm import WholeSequence
from vestige.rules import Gradient, RandomlyTruncated


def whole_gradient(model, batch, steps):
    """Of the sum over steps of the mean loss of the rows."""

    def loss(model):
        def one(sequence):
            window = sequence.window(jnp.array(0, jnp.int32), steps)
            _, memories = model.encode(model.init(), window.inputs, window.inside)
            losses = jax.vmap(model.surprise)(memories, window.inputs, window.outcomes)
            return jnp.sum(jnp.where(window.known, losses, 0.0))

        return jnp.mean(jax.vmap(one)(batch.inputs))

    return eqx.filter_jit(eqx.filter_grad(loss))(model)


def stretches(pattern):
    """How many rollouts lie between the cuts."""
    cuts = [i + 1 for i, cut in enumerate(pattern) if cut]
    return [b - a for a, b in itertools.pairwise([0, *cuts, len(pattern) + 1])]


@pytest.mark.parametrize("lengths", [[5, 5], [5, 3]])
@pytest.mark.parametrize("cut", [0.3, 0.8])
@pytest.mark.few(2)
def test_the_mean_over_all_cuts_is_back_propagation(lengths, cut, key):
    """Check 17: T = 5, r = 1, all 2^4 patterns of cuts, weighted by how likely they are."""
    with jax.enable_x64(True):
        model, batch = number_model(key=key), numbers(lengths, key=jax.random.key(1))
        rule = RandomlyTruncated(1, cut, longest=5, clip=None)
        stretch = eqx.filter_jit(rule.stretch)
        start = rule.init(model, batch, key=key).refilled(batch.inputs, model.init())
        mean, chances = None, 0.0
        for pattern in itertools.product([False, True], repeat=4):
            chance = cut ** sum(pattern) * (1 - cut) ** (4 - sum(pattern))
            slots = start
            for number in stretches(pattern):
                grads, _, slots = stretch(model, slots, jnp.array(number, jnp.int32))
                share = jax.tree.map(lambda g, chance=chance: chance * np.asarray(g), grads)
                mean = share if mean is None else jax.tree.map(np.add, mean, share)
            assert bool(slots.ended.all())
            chances += chance
        assert chances == pytest.approx(1.0)
        close64(mean, whole_gradient(model, batch, 5), tolerance=1e-12)


@pytest.mark.slow
def test_without_cuts_it_is_back_propagation(key):
    """Also where the state is complex; a row that has ended waits."""
    with jax.enable_x64(True):
        batch = numbers([8, 8], key=jax.random.key(1))
        model = eqx.tree_at(lambda m: m.cell, number_model(key=key), drawn(lambda key: LinearRecurrence(5, 6, key=key)))
        rule = RandomlyTruncated(2, 0.0, longest=4, clip=None)
        step = eqx.filter_jit(rule.step)(model, rule.init(model, batch, key=key), batch, key=key)
        whole = eqx.filter_jit(Gradient(WholeSequence(8), clip=None).step)(model, None, batch, key=key)
        memory = lambda grads: eqx.filter((grads.encoder, grads.cell, grads.hidden, grads.output), eqx.is_array)
        close64(memory(step.grads), jax.tree.map(lambda g: 4 * g, memory(whole.grads)))
        np.testing.assert_allclose(step.metrics["loss"], whole.metrics["loss"], rtol=1e-10)
        assert step.metrics["rollouts"] == 4 and bool(step.carry.ended.all())


def test_an_update_is_over_at_the_first_cut():
    """Geometric: k rollouts with probability `cut (1 - cut)^(k - 1)`, and all the rest at `longest`."""
    rule, draws = RandomlyTruncated(3, 0.4, longest=4), 4000
    numbers_of = np.asarray(jax.jit(jax.vmap(lambda k: rule.drawn(key=k)))(jax.random.split(jax.random.key(0), draws)))
    expected = np.array([0.4, 0.24, 0.144, 0.216])
    observed = np.array([(numbers_of == k).mean() for k in range(1, 5)])
    assert observed.sum() == 1.0
    np.testing.assert_allclose(observed, expected, atol=4 * np.sqrt(0.25 / draws))
    assert int(RandomlyTruncated(3, 0.4, longest=1).drawn(key=jax.random.key(0))) == 1


@pytest.mark.slow
def test_it_goes_on_where_it_was_cut(key):
    """The states that updates hand on are those of an uncut pass; an ended slot takes a new sequence."""
    model, batch = number_model(key=key), numbers([11, 7], key=jax.random.key(1))
    rule = RandomlyTruncated(2, 0.5, longest=3)
    step, carry, reached = eqx.filter_jit(rule.step), rule.init(model, batch, key=key), 0
    for turn in range(8):
        done = step(model, carry, batch, key=jax.random.key(turn))
        carry, reached = done.carry, reached + 2 * int(done.metrics["rollouts"])
        if reached < 11:
            assert int(carry.offset[0]) == reached
            state = model.encode(model.init(), batch.inputs.inputs[0, :reached])[0]
            np.testing.assert_allclose(carry.state.hidden[0], state.hidden, rtol=1e-5, atol=1e-6)
        else:
            reached = 0
            assert bool(carry.ended[0])


@pytest.mark.slow
def test_storage_does_not_grow_with_length(key):
    """Check 6; a further place for a state costs that state (8 x 2 x 16 numbers), and not a rollout's steps."""
    short, long = (temporary_bytes(RandomlyTruncated(20, 0.5, longest=10), n, key) for n in (200, 20_000))
    assert short == long
    assert (temporary_bytes(RandomlyTruncated(20, 0.5, longest=100), 200, key) - short) / 90 < 2.5 * 8 * 2 * 16 * 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 0.5, 3), "rollout must be at least 1, got 0"),
        ((2, 0.5, 0), "longest must be at least 1, got 0"),
        ((2, 1.0, 3), "cut must be in \\[0, 1\\), got 1.0; to cut everywhere use Truncated"),
        ((2, 0.5, 3, 0.0), "clip must be positive or None"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        RandomlyTruncated(*arguments)
