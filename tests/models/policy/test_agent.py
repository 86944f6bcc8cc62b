"""Columns, heads, and what reaches the memory."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.drawn import drawn
from tests.tasks.tmaze.agents import BEFORE, small_agent
from vestige.models.longterm import Columns, Vector
from vestige.models.policy import Agent, Policy


class TestColumns:
    """Some numbers of a vector."""

    def test_are_read_in_their_order_and_no_others(self, key):
        columns, x = Columns((3, 0), 4, key=key), jnp.array([1.0, 2.0, 3.0, 4.0])
        np.testing.assert_array_equal(columns(x), Vector(2, 4, key=key)(jnp.array([4.0, 1.0])))
        slopes = np.abs(jax.jit(jax.jacobian(columns))(x)).sum(axis=0)
        np.testing.assert_array_equal(slopes > 0, [True, False, False, True])
        assert columns.features_size == 4 and columns(x).shape == (4,)

    @pytest.mark.parametrize("columns", [(), (1, 1), (0, -1)])
    def test_what_cannot_be_is_refused(self, columns, key):
        with pytest.raises(ValueError, match="Columns: name at least one place, each once"):
            Columns(columns, 4, key=key)


class TestPolicy:
    """Actor and critic."""

    def test_share_nothing(self, key):
        policy, x = drawn(lambda key: Policy(5, 3, widths=(7, 6), key=key)), jax.random.normal(key, (5,))
        by_value = eqx.filter_jit(eqx.filter_grad(lambda p: p(x).value))(policy)
        by_logits = eqx.filter_jit(eqx.filter_grad(lambda p: p(x).logits[1]))(policy)
        zero = lambda tree: all(not np.asarray(leaf).any() for leaf in jax.tree.leaves(tree))
        assert zero(by_value.actor) and not zero(by_value.critic)
        assert zero(by_logits.critic) and not zero(by_logits.actor)
        opinion = eqx.filter_eval_shape(policy, x)
        assert opinion.logits.shape == (3,) and opinion.value.shape == ()

    def test_sizes_are_those_asked_for(self):
        policy = drawn(lambda key: Policy(5, 3, widths=(7, 6), key=key))
        assert [layer.weight.shape for layer in policy.actor] == [(7, 5), (6, 7), (3, 6)]
        assert [layer.weight.shape for layer in policy.critic] == [(7, 5), (6, 7), (1, 6)]
        assert [layer.weight.shape[0] for layer in drawn(lambda key: Policy(5, 2, key=key)).actor] == [256, 256, 2]

    @pytest.mark.slow
    def test_begins_almost_without_preference(self, key):
        policy = eqx.filter_jit(lambda key: Policy(20, 4, key=key))(key)
        logits = jax.jit(jax.vmap(policy))(jax.random.normal(key, (50, 20))).logits
        assert np.abs(np.asarray(jax.nn.softmax(logits)) - 0.25).max() < 0.02
        assert not np.array_equal(logits[0], logits[1])

    def test_hidden_layers_are_rectified(self, key):
        policy, x = drawn(lambda key: Policy(4, 2, widths=(6,), key=key)), jax.random.normal(key, (4,))
        first, last = policy.critic
        weights = [np.asarray(leaf) for leaf in (first.weight, first.bias, last.weight, last.bias)]
        expected = weights[2] @ np.maximum(weights[0] @ np.asarray(x) + weights[1], 0) + weights[3]
        np.testing.assert_allclose(eqx.filter_jit(policy)(x).value, expected[0], rtol=1e-5)

    def test_one_action_is_no_choice(self, key):
        with pytest.raises(ValueError, match="at least 2 actions to choose from, got 1"):
            Policy(5, 1, key=key)


class TestAgent:
    """A memory, and a policy on it."""

    def test_decides_on_the_readout_and_what_is_seen_but_not_on_the_action_to_come(self, key):
        agent = drawn(lambda key: small_agent(key=key))
        readout, inputs = jax.random.normal(key, (6,)), jax.random.normal(key, (8,))
        decide = eqx.filter_jit(lambda agent, readout, inputs: agent.decide(readout, inputs).logits)

        @eqx.filter_jit
        def by_hand(agent):
            features = jnp.concatenate([readout, agent.memory.encoder(inputs)])
            return features, agent.policy(features).logits

        features, logits = by_hand(agent)
        np.testing.assert_allclose(decide(agent, readout, inputs), logits, rtol=1e-6)
        assert features.shape == (Agent.features_size(agent.memory),)
        same = inputs.at[len(BEFORE) :].set(9.0)
        np.testing.assert_array_equal(decide(agent, readout, same), decide(agent, readout, inputs))

    def test_nothing_that_the_policy_learns_reaches_the_memory(self, key):
        agent = drawn(lambda key: small_agent(key=key))
        inputs = jax.random.normal(key, (5, 8))

        def doing(agent):
            _, readouts = agent.encode(agent.init(), inputs)
            opinions = jax.vmap(agent.decide)(readouts, inputs)
            return jnp.sum(opinions.logits[:, 0]) + jnp.sum(opinions.value)

        slopes = eqx.filter_jit(eqx.filter_grad(doing))(agent)
        assert all(not np.asarray(leaf).any() for leaf in jax.tree.leaves(slopes.memory))
        assert all(np.asarray(layer.weight).any() for layer in (*slopes.policy.actor, *slopes.policy.critic))

    def test_remembers_and_predicts_as_its_memory(self, key):
        agent = drawn(lambda key: small_agent(key=key))
        inputs = jax.random.normal(key, (5, 8))

        @eqx.filter_jit
        def said(model):
            end, readouts = model.encode(model.init(), inputs, jnp.arange(5) < 3)
            return end, readouts, model.predict(readouts[0], inputs[0])

        assert eqx.tree_equal(said(agent), said(agent.memory))
