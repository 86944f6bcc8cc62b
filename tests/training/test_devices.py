"""One run on 1, 2 and 4 simulated devices: the numbers are those of one, up to the order of sums."""

import dataclasses
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.registries import registry
from vestige.training.state import start
from vestige.training.update import Program, make_advance

UPDATES = 3
KINDS = {
    "temporal": ("perfect-recall", {}),
    "longterm": ("copy", {}),
    "filters": ("ring-tracking", {}),
    "tied": ("bars-and-stripes", {}),
    "structured": ("toy-matching", {}),
    "classifier": ("calibration", {}),
}


def mesh_of(count):
    return jax.sharding.Mesh(np.array(jax.devices()[:count]), ("data",))


def begun(name, size=8):
    experiment = dataclasses.replace(registry("experiment").find(name).preset("small"), batch_size=size)
    built = experiment.build(seed=0)
    state = start(built.model, built.task, rule=built.rule, optimiser=built.optimiser, batch_size=size, key=built.key)
    return Program(built.task, built.rule, built.optimiser), state


def advanced(name, mesh, size=8):
    program, state = begun(name, size)
    advance = make_advance(batch_size=size, skip_nonfinite=False, mesh=mesh)
    if mesh is not None:
        program, state = eqx.filter_shard(
            (program, state), jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
        )
    state, halted = advance((program, jnp.asarray(UPDATES, jnp.int32)), state)
    assert not halted
    return state


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_do_not_depend_on_the_number_of_devices(kind):
    name, _ = KINDS[kind]
    oracle = advanced(name, None)
    for count in (1, 2, 4) if kind in ("temporal", "tied") else (2,):
        found = advanced(name, mesh_of(count))
        for a, b in zip(
            jax.tree.leaves(eqx.filter((oracle.model, oracle.totals), eqx.is_inexact_array)),
            jax.tree.leaves(eqx.filter((found.model, found.totals), eqx.is_inexact_array)),
            strict=True,
        ):
            scale = max(1e-3, float(np.abs(a).max()))
            np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=0, atol=2e-3 * scale)


def test_gradients_are_summed_over_devices_once_an_update():
    """A sum in every step of a sequence would cost a message over the network each."""
    program, state = begun("perfect-recall", size=4)
    mesh = mesh_of(2)
    advance = make_advance(batch_size=4, skip_nonfinite=False, mesh=mesh)
    program, state = eqx.filter_shard((program, state), jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))
    compiled = advance.lower((program, jnp.asarray(1, jnp.int32)), state).compile()
    sums = re.findall(r' all-reduce\(.*?op_name="([^"]*)"', compiled.compiled.as_text())
    assert len(sums) == 1
    assert all(name.count("while/body") == 1 for name in sums)
