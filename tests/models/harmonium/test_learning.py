"""A harmonium that is shown positions learns velocities; one that is given its past does not (checks 10 and 11)."""

import equinox as eqx
import jax
import pytest

from vestige.experiments.optimisers import MassSpringDamper
from vestige.models.harmonium import RecurrentHarmonium
from vestige.rules import Contrastive, Pair, TemporallyLocal, Transition
from vestige.tasks.filtering import follow, r2, ridge, ring_1d
from vestige.training import fit

HIDDEN, STEPS, BATCH, TIME, SETTLING = 100, 4000, 40, 200, 20


@eqx.filter_jit
def velocity_r2(task, model, key):
    """Of a linear read-out, fitted on one half of some new sequences and judged on the other."""
    shown = task.batch(size=BATCH, key=key).inputs
    told = lambda before, seen, after, key: after
    states = jax.vmap(lambda sequence: follow(model, sequence, told, key=key))(shown)[:, SETTLING:]
    velocity = shown.outcomes[:, SETTLING:, 1:]
    half, flat = BATCH // 2, lambda x: x.reshape(-1, x.shape[-1])
    readout = ridge(flat(states[:half]), flat(velocity[:half]), penalty=1e-4)
    return r2(readout(flat(states[half:])) - flat(velocity[half:]), flat(velocity[half:]))


@pytest.fixture(scope="module")
def learned():
    task, found = ring_1d(TIME), {}
    for reading in (Pair(), Transition()):
        key_model, key_run, key_judge = jax.random.split(jax.random.key(0), 3)
        model = RecurrentHarmonium(task.family, HIDDEN, key=key_model)
        rule = TemporallyLocal(Contrastive(), reading)
        run = fit(
            model,
            task,
            rule=rule,
            optimiser=MassSpringDamper().build(STEPS),
            steps=STEPS,
            batch_size=BATCH,
            key=key_run,
        )
        found[type(reading)] = float(velocity_r2(task, run.model, key_judge))
    return found


def test_the_joint_density_asks_for_a_velocity(learned):
    assert learned[Pair] > 0.5


def test_the_transition_does_not(learned):
    """The same model, data, optimiser and number of updates: only the negative phase of the previous state differs."""
    assert learned[Transition] < 0.45 < learned[Pair] - 0.1
