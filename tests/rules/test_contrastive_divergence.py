"""Static harmoniums trained by CD: what a hidden unit is worth (check 9 of the notes)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vestige.models.families import Bernoulli
from vestige.models.harmonium import ExactLikelihood, Harmonium
from vestige.rules import ContrastiveDivergence, ContrastiveDivergenceRule
from vestige.typing import Batch

ROWS, OTHERS = 100, 2


def bits(copies, key):
    """`copies` of one fair bit, and two bits that have nothing to do with it."""
    key_bit, key_others = jax.random.split(key)
    bit = jax.random.bernoulli(key_bit, 0.5, (ROWS, 1)).astype(float)
    others = jax.random.bernoulli(key_others, 0.5, (ROWS, OTHERS)).astype(float)
    return jnp.concatenate([jnp.broadcast_to(bit, (ROWS, copies)), others], axis=1)


def trained(rule, copies, key, steps=1500):
    width = copies + OTHERS
    model = Harmonium(0.1 * jax.random.normal(key, (width, 1)), jnp.zeros(width), jnp.zeros(1), Bernoulli(width))
    optimiser = optax.adam(optax.cosine_decay_schedule(0.03, steps))
    carry = rule.init(model, Batch(bits(copies, key)), key=key)

    def step(loop, number):
        model, carry, state = loop
        now = jax.random.fold_in(key, number)
        proposal = rule.step(model, carry, Batch(bits(copies, now)), key=jax.random.fold_in(now, 1))
        changes, state = optimiser.update(proposal.grads, state)
        return (eqx.apply_updates(model, changes), proposal.carry, state), None

    start = model, carry, optimiser.init(model)
    (model, *_), _ = jax.jit(lambda s: jax.lax.scan(step, s, jnp.arange(steps)))(start)
    return model


def cost(model, copies, key):
    """-log q in nats, exact, of data whose own cost is ln 2 for the bit and ln 2 for each of the others."""
    exact = ExactLikelihood()
    return -float(jnp.mean(jax.vmap(lambda v: exact(model, v, key=key))(bits(copies, key))))


@pytest.fixture(
    params=[
        ContrastiveDivergenceRule(ContrastiveDivergence(2)),
        ContrastiveDivergenceRule(ContrastiveDivergence(2), chains=100),
    ],
    ids=["from the data", "persistent"],
)
def rule(request):
    return request.param


@pytest.mark.slow
def test_eight_copies_of_a_bit_are_kept_in_one_hidden_unit(rule, key):
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # optax's schedules
        model = trained(rule, 8, key)
    if rule.chains is not None:  # chains that start at the data never learn how often each value comes
        assert cost(model, 8, key) < (1 + OTHERS) * np.log(2) + 1.0  # without the unit: (8 + 2) ln 2 = 6.9
    data = bits(8, jax.random.fold_in(key, 7))
    hidden = np.asarray(jax.jit(jax.vmap(model.logits))(data))[:, 0] > 0
    agreement = np.mean(hidden == (np.asarray(data)[:, 0] > 0.5))
    assert max(agreement, 1 - agreement) > 0.99


@pytest.mark.slow
def test_one_copy_is_worth_nothing(key):
    """Its own bias does as well: the cost is that of independent bits, and the model is no better."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        model = trained(ContrastiveDivergenceRule(ContrastiveDivergence(2)), 1, key)
    np.testing.assert_allclose(cost(model, 1, key), (1 + OTHERS) * np.log(2), atol=0.03)


def test_persistent_chains_go_on_where_they_were(key):
    rule = ContrastiveDivergenceRule(ContrastiveDivergence(1), chains=5)
    data = bits(2, key)
    model = Harmonium(jnp.zeros((4, 1)), jnp.full(4, 50.0), jnp.zeros(1), Bernoulli(4))
    carry = rule.init(model, Batch(data), key=key)
    np.testing.assert_array_equal(carry, data[:5])
    after = eqx.filter_jit(rule.step)(model, carry, Batch(data), key=key).carry
    np.testing.assert_array_equal(after, 1.0)  # where the biases put them


def test_no_chain_is_refused():
    with pytest.raises(ValueError, match="chains must be at least 1, or None, got 0"):
        ContrastiveDivergenceRule(chains=0)
