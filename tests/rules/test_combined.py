"""A memory and a policy that learn together."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.tasks.tmaze.agents import small_agent
from vestige.rules import Combined, MemUP, Proximal
from vestige.tasks.tmaze import TMaze
from vestige.typing import Batch

MAZE = TMaze(4, 2)
PROXIMAL = Proximal(MAZE, episodes=3, epochs=1, minibatches=3, clip=None)
RULE = Combined(PROXIMAL, MemUP(2, 1, scan_chunk=6, clip=None), decay=0.75)


def parameters(tree):
    return eqx.filter(tree, eqx.is_inexact_array)


def close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), one, other)


@pytest.fixture(scope="module")
def step():
    return eqx.filter_jit(RULE.step)


@functools.cache
def some_agent():
    return drawn(lambda key: small_agent(key=key))


@eqx.filter_jit
def begun(agent, key):
    return RULE.init(agent, None, key=key)


@eqx.filter_jit
def readouts_of(agent, inputs):
    return agent.encode(agent.init(), inputs)[1]


def shifted(agent, distance):
    """Another memory, the same policy."""
    far = lambda leaf: jax.device_put(np.asarray(leaf) + np.float32(distance))
    other = jax.tree.map(lambda leaf: far(leaf) if eqx.is_inexact_array(leaf) else leaf, agent.memory)
    return eqx.tree_at(lambda a: a.memory, agent, other)


@pytest.mark.slow
def test_the_copy_moves_once_per_collection(step, key):
    agent = some_agent()
    carry = begun(agent, key)
    close(carry.average, parameters(agent.memory))
    moved, expected = shifted(agent, 1.0), []
    for i, share in enumerate([0.25, 0.25, 0.25, 0.4375, 0.4375, 0.4375]):
        carry = step(moved, carry, None, key=jax.random.fold_in(key, i)).carry
        expected = jax.tree.map(lambda leaf, share=share: np.asarray(leaf) + share, parameters(agent.memory))
        close(carry.average, expected)


@pytest.mark.slow
def test_the_policy_acts_and_learns_on_the_copy(step, key):
    agent = some_agent()
    trained = shifted(agent, 0.4)
    found = step(trained, begun(agent, key), None, key=key)
    copy = shifted(agent, 0.1)
    experience = jax.device_get(found.carry.proximal.experience)
    for row in range(3):
        n = int(experience.mask[row].sum())
        close(experience.readouts[row, :n], readouts_of(copy, experience.inputs[row])[:n])
    key_proximal = jax.random.split(key, 3)[0]
    alone = eqx.filter_jit(PROXIMAL.step)(copy, PROXIMAL.init(copy, None, key=key), None, key=key_proximal)
    close(found.grads.policy, alone.grads.policy)
    assert alone.carry.taken == found.carry.proximal.taken


@pytest.mark.slow
def test_the_memory_learns_from_the_collected_episodes(step, key):
    agent = some_agent()
    carry = begun(agent, key)
    found = step(agent, carry, None, key=key)
    experience = found.carry.proximal.experience
    slots = found.carry.memup.slots
    rows = {row.tobytes(): i for i, row in enumerate(np.asarray(experience.inputs))}
    order = [rows[row.tobytes()] for row in np.asarray(slots.sequence.inputs)]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_array_equal(slots.sequence.outcomes, experience.rewards[np.array(order)])
    np.testing.assert_array_equal(slots.sequence.length, experience.mask.sum(axis=1)[np.array(order)])
    assert set(np.asarray(slots.sequence.outcomes).max(axis=1).tolist()) <= {0.0, 4.0}
    batch = Batch(slots.sequence)
    key_memup = jax.random.split(key, 3)[2]
    alone = eqx.filter_jit(RULE.memup.step)(agent.memory, carry.memup, batch, key=key_memup)
    close(found.grads.memory, alone.grads)
    np.testing.assert_allclose(found.metrics["memory_distant"], alone.metrics["distant"], rtol=1e-5)


def test_updates_go_on_through_collections(step, key):
    agent = some_agent()
    carry = begun(agent, key)
    like = parameters(agent)
    for i in range(9):
        found = step(agent, carry, None, key=jax.random.fold_in(key, i))
        carry = found.carry
        assert jax.tree.structure(found.grads) == jax.tree.structure(like)
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves((found.grads, found.metrics)))
        assert (np.asarray(carry.memup.slots.offset) > 0).all()
    assert {"reward", "grad_norm", "memory_distant", "memory_grad_norm"} <= found.metrics.keys()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\), got 1.0"):
        Combined(PROXIMAL, RULE.memup, decay=1.0)
