"""Optimisers whose rate is an input of the program. Oracle: optax with the rate as a number."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.training import AdamSpec, Cadence, MuonSpec, fit
from vestige.training.optimisers import TwoRatesSpec
from vestige.training.rated import rated
from vestige.training.state import start
from vestige.training.update import Program, make_advance

SPECS = [
    AdamSpec(),
    AdamSpec(3e-3, "tenth"),
    AdamSpec(2e-3, "constant", warmup=3),
    MuonSpec(5e-3, "cosine", 2),
    TwoRatesSpec(4e-3),
]


def plain(spec, steps):
    """The same with a constant rate."""
    schedule = spec.schedule(steps)
    return optax.contrib.muon(schedule, consistent_rms=0.2) if isinstance(spec, MuonSpec) else optax.adam(schedule)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{type(spec).__name__}-{spec.decay}")
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_updates_are_those_of_a_constant_rate(spec, dtype):
    ours, theirs = spec.build(10, task=None, rule=None), plain(spec, 10)
    params = {"matrix": jnp.ones((3, 4), dtype), "bias": jnp.ones(4, dtype)}
    states = ours.init(params), theirs.init(params)
    update, oracle = jax.jit(ours.update), jax.jit(theirs.update)  # as users do
    for step in range(10):
        grads = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(step), leaf.shape, dtype), params)  # noqa: B023
        (found, here), (expected, there) = (
            update(grads, states[0], params),
            oracle(grads, states[1], params),
        )
        states = here, there
        for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert x.dtype == y.dtype == dtype
            np.testing.assert_allclose(x.astype(jnp.float32), y.astype(jnp.float32), rtol=1e-6)


def test_further_arguments_of_an_update_reach_the_optimiser():
    def on_plateau(rate):
        return optax.chain(optax.sgd(rate), optax.contrib.reduce_on_plateau(patience=1, factor=0.5))

    ours = optax.chain(rated(0.1, on_plateau), optax.scale(1.0))
    assert isinstance(rated(0.1, on_plateau), optax.GradientTransformationExtraArgs)
    params = jnp.ones(2)
    states, theirs = (ours.init(params), on_plateau(0.1).init(params)), on_plateau(0.1)
    for _ in range(4):
        found, here = ours.update(params, states[0], params, value=jnp.ones(()))
        expected, there = theirs.update(params, states[1], params, value=jnp.ones(()))
        states = here, there
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert float(found[0]) > -0.1  # reduced
    plain = AdamSpec().build(10, task=None, rule=None)
    plain.update(params, plain.init(params), params, value=1.0)  # as optax's own, which has no use for it


def test_an_optimiser_that_is_no_namedtuple_and_has_no_hash(parts):
    class Plain:
        __hash__ = None
        init, update = staticmethod(optax.sgd(0.1).init), staticmethod(optax.sgd(0.1).update)

    parts = {**parts, "steps": 3, "cadence": Cadence(log_every=3)}
    ours, theirs = (fit(**{**parts, "optimiser": each}).model for each in (Plain(), optax.sgd(0.1)))
    for x, y in zip(*(jax.tree.leaves(eqx.filter(model, eqx.is_array)) for model in (ours, theirs)), strict=True):
        np.testing.assert_array_equal(x, y)


def programs(parts, optimisers):
    """The texts of the compiled loops of updates."""
    texts = []
    for optimiser in optimisers:
        how = {"rule": parts["rule"], "optimiser": optimiser, "batch_size": 8}
        state = start(parts["model"], parts["task"], key=parts["key"], **how)
        advance = make_advance(batch_size=8, skip_nonfinite=False, mesh=None)
        program = Program(parts["task"], parts["rule"], optimiser)
        texts.append(advance.lower((program, jnp.asarray(1, jnp.int32)), state).as_text())
    return texts


def test_runs_that_differ_in_the_rate_alone_share_one_program(parts):
    rates = [AdamSpec(rate).build(100, task=None, rule=None) for rate in (1e-3, 2e-3)]
    one, other = programs(parts, rates)
    assert one == other
    one, other = programs(parts, [optax.adam(1e-3), optax.adam(2e-3)])
    assert one != other  # the test sees a constant


def test_a_rate_is_that_of_the_options(parts):
    """No rate: nothing moves. A rate: as by optax."""
    parts = {**parts, "steps": 5, "cadence": Cadence(log_every=5)}
    still = fit(**{**parts, "optimiser": rated(0.0, optax.sgd)}).model
    moved = fit(**{**parts, "optimiser": rated(0.1, optax.sgd)}).model
    oracle = fit(**{**parts, "optimiser": optax.sgd(0.1)}).model
    arrays = lambda model: jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    for begin, none, ours, theirs in zip(*map(arrays, (parts["model"], still, moved, oracle)), strict=True):
        np.testing.assert_array_equal(none, begin)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
    assert any(np.any(x != y) for x, y in zip(arrays(moved), arrays(still), strict=True))
