"""A harmonium that is shown positions learns velocities; one that is given its past does not (checks 10 and 11)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

from vestige.models.harmonium import RecurrentHarmonium
from vestige.rules import ContrastiveDivergence, JointTarget, TemporallyLocal, TransitionTarget
from vestige.tasks.filtering import r2, ridge, ring_1d, unroll
from vestige.tasks.filtering.momentum_groups import POPULATION
from vestige.training.harmonium_momentum import harmonium_momentum

HIDDEN, SEQUENCES, TIME, SETTLING = 100, 40, 200, 20
ROUNDS = 20  # of new sequences


@jax.jit
def sequences(key):
    return jax.lax.map(lambda key: ring_1d(TIME).batch(size=SEQUENCES, key=key).inputs, jax.random.split(key, ROUNDS))


@eqx.filter_jit
def learned(rule, model, optimiser, seen, key):
    """An update at every step of every round; states begin anew with a round."""
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    first = jnp.broadcast_to(model.init(), (SEQUENCES, HIDDEN))

    def step(loop, now):
        arrays, states, momenta = loop
        observations, key, begins = now
        states = jnp.where(begins, first, states)
        found = rule.learn(eqx.combine(arrays, static), states, observations[:, None], key=key)
        changes, momenta = optimiser.update(found.grads, momenta, arrays)
        return (eqx.apply_updates(arrays, changes), found.states, momenta), None

    steps = seen.transpose(0, 2, 1, 3).reshape(ROUNDS * TIME, SEQUENCES, -1)
    begins = jnp.arange(ROUNDS * TIME) % TIME == 0
    keys = jax.random.split(key, ROUNDS * TIME)
    (arrays, _, _), _ = jax.lax.scan(step, (arrays, first, optimiser.init(arrays)), (steps, keys, begins))
    return eqx.combine(arrays, static)


@eqx.filter_jit
def velocity_r2(model, shown, key):
    """Of a linear readout, fitted on one half of the sequences and evaluated on the other."""
    read_out = lambda before, seen, after, key: after
    states = jax.vmap(lambda sequence: unroll(model, sequence, read_out, key=key))(shown)[:, SETTLING:]
    velocity = shown.outcomes[:, SETTLING:, 1:]
    half, flat = SEQUENCES // 2, lambda x: x.reshape(-1, x.shape[-1])
    readout = ridge(flat(states[:half]), flat(velocity[:half]), penalty=1e-4)
    return r2(readout(flat(states[half:])) - flat(velocity[half:]), flat(velocity[half:]))


@pytest.fixture(scope="module")
def velocities():
    key_data, key_new, key = jax.random.split(jax.random.key(0), 3)
    seen, new = sequences(key_data).inputs, jax.tree.map(lambda leaf: leaf[0], sequences(key_new))
    found = {}
    for target in (JointTarget(), TransitionTarget()):
        model = RecurrentHarmonium(ring_1d().family, HIDDEN, key=key)
        optimiser = harmonium_momentum(POPULATION, ROUNDS * TIME)
        model = learned(TemporallyLocal(ContrastiveDivergence(), target), model, optimiser, seen, key)
        found[type(target)] = float(velocity_r2(model, new, key))
    return found


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_joint_density_asks_for_a_velocity(velocities):
    assert velocities[JointTarget] > 0.5


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_transition_does_not(velocities):
    """The same model, data, optimiser and number of updates: only the negative phase of the previous state differs."""
    assert velocities[TransitionTarget] < 0.45 < velocities[JointTarget] - 0.1
