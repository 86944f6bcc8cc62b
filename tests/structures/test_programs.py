"""Compiled programs of structures: no calls back to the host, exported and read again, trained with weight decay."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax import export

from vestige.estimators import LeaveOneOut, expect
from vestige.structures import SpanningTree, Subset, entropy_estimate

from .cases import CASES, N, quick_first


def everything(make, log_rates, key):
    """All that is ever asked of a structure."""
    structure = make(log_rates)
    draw = structure.sample(key=key)
    again = structure.trace(draw.trace.winners)
    cost = lambda value: jnp.sum(value**2)
    return (
        draw.required(),
        structure.mode().value,
        structure.log_prob(again),
        structure.posterior(again, key=key),
        entropy_estimate(structure, draws=2, key=key),
        jax.grad(lambda x: expect(cost, make(x), estimator=LeaveOneOut(2), key=key))(log_rates),
    )


@quick_first
def test_no_program_calls_the_host(name):
    log_rates = jnp.asarray(CASES[name].rates(N, dtype=np.float32))
    program = jax.jit(lambda x, key: everything(CASES[name].make, x, key))
    lowered = program.lower(log_rates, jax.random.key(0)).as_text()
    assert "callback" not in lowered and "custom_call" not in lowered.replace("custom_call @Sharding", "")


def test_a_trained_selector_is_exported_and_read_again():
    """Scores of a linear net, the best two of six features."""
    selector = eqx.nn.Linear(6, 6, key=jax.random.key(0))
    choose = jax.jit(lambda x: Subset(selector(x), 2).mode().value)
    exported = export.export(choose)(jax.ShapeDtypeStruct((6,), jnp.float32))
    inputs = jax.random.normal(jax.random.key(1), (6,))
    np.testing.assert_array_equal(exported.call(inputs), choose(inputs))
    pytest.importorskip("flatbuffers", reason="jax.export needs it to write a file")
    again = export.deserialize(exported.serialize())
    np.testing.assert_array_equal(again.call(inputs), choose(inputs))


@quick_first
@pytest.mark.parametrize(
    "optimiser",
    [
        pytest.param(optax.adamw(0.1), id="adamw"),
        pytest.param(optax.sgd(0.1, momentum=0.9), marks=pytest.mark.slow, id="momentum"),
    ],
)
def test_impossible_keys_survive_the_optimiser(name, optimiser):
    """The structure itself is the trained module; some keys are impossible."""
    log_rates = CASES[name].rates(N, dtype=np.float32)
    mask = jnp.array([True, True, True, False])
    structure = CASES[name].make(jnp.asarray(log_rates), mask=mask)
    impossible = np.asarray(structure.log_rates) == -np.inf
    assert impossible.any()

    @eqx.filter_jit
    def step(structure, state, key):
        loss = lambda s: expect(lambda v: jnp.sum(jnp.cumsum(v)), s, estimator=LeaveOneOut(2), key=key)
        slope = eqx.filter_grad(loss)(structure)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            updates, state = optimiser.update(slope, state, eqx.filter(structure, eqx.is_inexact_array))
        return eqx.apply_updates(structure, updates), state, slope

    state = optimiser.init(eqx.filter(structure, eqx.is_inexact_array))
    for i in range(3):
        structure, state, slope = step(structure, state, jax.random.key(i))
        for leaf in jax.tree.leaves(eqx.filter((structure, state, slope), eqx.is_inexact_array)):
            assert bool(jnp.all(jnp.isfinite(leaf)))
        np.testing.assert_array_equal(np.asarray(structure.log_rates) == -np.inf, impossible)
        assert not np.any(np.asarray(slope.log_rates)[impossible])


def test_the_shape_of_a_gradient_is_that_of_the_rates():
    structure = SpanningTree(jnp.zeros((4, 4)))
    slope = eqx.filter_jit(eqx.filter_grad(lambda s: s.mode().log_prob))(structure)
    assert slope.log_rates.shape == (4, 4) and bool(jnp.any(slope.log_rates != 0))
