"""What a temporally local rule does with observations that are too few, too many or infinite."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from vestige.models.families import Gaussian, UnitGaussian
from vestige.models.filters import RecurrentVAE
from vestige.rules import ELBO, JointTarget, MultiStepTarget, TemporallyLocal, ThroughTime, TransitionTarget
from vestige.sequences import ArraySequence
from vestige.typing import Batch

LAGS = (1, 2, 4)
Y = jnp.asarray(0.1 * np.cumsum(np.random.default_rng(0).normal(size=(3, 9, 2)), 1), jnp.float32)
STATES = jnp.zeros((3, 6))


RULE = TemporallyLocal(ELBO(), MultiStepTarget(LAGS, TransitionTarget()), update_interval=5, clip=5.0)
learn = eqx.filter_jit(RULE.learn)


@pytest.fixture(params=[UnitGaussian, Gaussian], scope="module")
def model(request):
    return drawn(lambda key: RecurrentVAE(request.param(2), 6, width=16, lags=LAGS, key=key))


def finite(tree):
    return all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_array)))


@pytest.mark.parametrize("count", [1, 5, 8, 10])
def test_another_number_of_observations_is_refused_with_the_one_needed(count, model, key):
    """Fewer used to be learned from with the last one repeated: "the future is the present"."""
    seen = jnp.concatenate([Y, Y], axis=1)[:, :count]
    with pytest.raises(ValueError, match=f"must be 9 steps, 5 of an update and 4 more .*, got {count}"):
        RULE.learn(model, STATES, seen, key=key)


def test_foresight_wants_what_it_looks_at(model):
    with pytest.raises(ValueError, match="must be y_t and the 4 after it, got 3"):
        MultiStepTarget(LAGS)(model, STATES[0], Y[0, :3])


@pytest.mark.parametrize("value", [jnp.inf, -jnp.inf])
@pytest.mark.few(1)
def test_an_infinite_value_is_counted_and_not_learned_from(value, model, key):
    learned = learn(model, STATES, Y.at[0, 2, 0].set(value), key=key)
    missing = learn(model, STATES, Y.at[0, 2].set(jnp.nan), key=key)
    assert learned.metrics["infinite_values"] == 1 and missing.metrics["infinite_values"] == 0
    for found, expected in zip(jax.tree.leaves(learned.grads), jax.tree.leaves(missing.grads), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(learned.states, missing.states)
    later = learn(model, STATES, Y.at[0, 8, 0].set(value), key=key)  # only looked ahead at
    assert finite(learned) and finite(later)


@pytest.mark.few(1)
def test_through_time_as_well(model, key):
    rule = ThroughTime(ELBO(), JointTarget(), bptt_length=4)
    make = jax.vmap(lambda y: ArraySequence(y, jnp.zeros((9, 0)), jnp.asarray(9, jnp.int32)))
    batch = Batch(make(Y.at[1, 2, 1].set(jnp.inf)))
    step = eqx.filter_jit(lambda model: rule.step(model, rule.init(model, batch, key=key), batch, key=key))(model)
    assert step.metrics["infinite_values"] == 1 and finite(step.grads)
