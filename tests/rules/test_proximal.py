"""Proximal policy optimisation: advantages, the clipped objective, collections, and whether it learns."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.drawn import drawn
from tests.tasks.tmaze.agents import small_agent
from vestige.rules import Environment, Experience, Proximal
from vestige.rules.acting import likeliest, play, sampled, step_keys, uniform
from vestige.rules.advantages import advantages, standardised
from vestige.tasks.tmaze import MazeControl, TMaze
from vestige.training import Cadence, Run, fit

MAZE = TMaze(4, 2)


def close(one, other, tolerance=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other)


@functools.cache
def some_agent():
    return drawn(lambda key: small_agent(key=key))


@eqx.filter_jit
def encoded(agent, inputs):
    return agent.encode(agent.init(), inputs)[1]


@eqx.filter_jit
def decided(agent, readouts, inputs):
    return jax.vmap(agent.decide)(readouts, inputs)


def still(tree):
    return all(not np.asarray(leaf).any() for leaf in jax.tree.leaves(tree))


class Bandit(eqx.Module):
    """Two arms, one pull; the second pays 1 and the first nothing, both with noise. Then garbage, if anybody asks."""

    @property
    def actions(self):
        return 2

    @property
    def horizon(self):
        return 3

    def reset(self, *, key):
        return jnp.zeros((), jnp.int32), jnp.zeros(3)

    def step(self, state, action, *, key):
        paid = jnp.where(action == 1, 1.0, 0.0) + 0.5 * jax.random.normal(key)
        reward = jnp.where(state == 0, paid, 100.0 * jax.random.normal(key))
        return state + 1, jnp.full(3, 50.0), reward, state == 0


@pytest.fixture
def lenient():
    """Optax promotes dtypes and ranks."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


class TestAdvantages:
    """Against a plain loop."""

    @pytest.mark.parametrize(("discount", "trace"), [(0.9, 0.8), (1.0, 1.0), (0.99, 0.0), (0.0, 0.95)])
    def test_are_those_of_a_loop(self, discount, trace, key):
        rewards, values = np.asarray(jax.random.normal(key, (2, 9)), np.float64)
        for length in (1, 5, 9):
            expected, later, later_value = np.zeros(9), 0.0, 0.0
            for t in reversed(range(length)):
                error = rewards[t] + discount * later_value - values[t]
                later = error + discount * trace * later
                expected[t], later_value = later, values[t]
            rubbish = lambda x, length=length: jnp.asarray(np.where(np.arange(9) < length, x, 1e5), jnp.float32)
            mask = jnp.arange(9) < length
            found = advantages(rubbish(rewards), rubbish(values), mask, discount=discount, trace=trace)
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    def test_whole_traces_are_returns_less_values(self, key):
        rewards, values = jax.random.normal(key, (2, 6))
        found = advantages(rewards, values, jnp.ones(6, bool), discount=1.0, trace=1.0)
        np.testing.assert_allclose(found + values, np.cumsum(np.asarray(rewards)[::-1])[::-1], rtol=1e-5, atol=1e-5)

    def test_are_standardised_where_there_are_any(self, key):
        values = 3 + 5 * jax.random.normal(key, (4, 7))
        mask = jnp.arange(7)[None, :] < jnp.array([7, 3, 1, 5])[:, None]
        found = np.asarray(standardised(jnp.where(mask, values, 1e4), mask))
        inside = found[np.asarray(mask)]
        np.testing.assert_allclose([inside.mean(), inside.std()], [0, 1], atol=1e-5)
        assert not found[~np.asarray(mask)].any()


def log_softmax(logits):
    return logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))


class TestPlay:
    """Episodes of an agent."""

    def test_readouts_are_those_of_the_memory_over_the_episode(self, key):
        agent = some_agent()
        played = jax.device_get(jax.jit(lambda k: play(agent, MAZE, sampled, key=k))(key))
        n = int(played.mask.sum())
        close(played.readouts[:n], encoded(agent, played.inputs)[:n])
        opinions = jax.device_get(decided(agent, played.readouts, played.inputs))
        close(played.values[:n], opinions.value[:n])
        logs = log_softmax(opinions.logits[:n])[np.arange(n), played.actions[:n]]
        close(played.logs[:n], logs)
        np.testing.assert_array_equal(played.inputs[:n, 6:].argmax(axis=1), played.actions[:n])
        draw = jax.jit(lambda logits, k: sampled(logits, step_keys(key, k)[1]))
        for k in range(n):
            assert int(draw(opinions.logits[k], np.array(k))) == int(played.actions[k])

    def test_nothing_is_there_after_the_end(self, key):
        played = jax.jit(lambda k: play(some_agent(), Bandit(), uniform, key=k))(key)
        assert played.mask.tolist() == [True, False, False]
        for leaf in jax.tree.leaves(played):
            assert not np.asarray(leaf[1:]).any()
        assert abs(float(played.rewards[0])) < 5

    def test_the_likeliest_action_is_taken_greedily(self, key):
        assert int(likeliest(jnp.array([0.1, 0.3, 0.2]), key)) == 1
        counts = np.bincount(
            jax.jit(jax.vmap(lambda k: sampled(jnp.log(jnp.array([0.2, 0.8])), k)))(jax.random.split(key, 4000))
        )
        assert abs(counts[1] - 3200) < 4 * np.sqrt(4000 * 0.16)


def steps_of(rule, agent, key):
    """All steps of a collection, one after the other."""
    experience = jax.device_get(eqx.filter_jit(rule.collect)(agent, key=key))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), experience)


@eqx.filter_jit
def losses(rule, agent, steps):
    """The loss, what it is made of, and its gradient."""
    (value, metrics), grads = eqx.filter_value_and_grad(rule.loss, has_aux=True)(agent, steps)
    return value, metrics, grads


def of_policy(rule, agent, steps):
    """The gradient of the loss."""
    return losses(rule, agent, steps)[2]


@pytest.fixture(scope="module")
def played():
    """An agent, and all steps of five episodes that it played."""
    agent = some_agent()
    return agent, steps_of(Proximal(MAZE, episodes=5), agent, jax.random.key(3))


class TestLoss:
    """What is minimised."""

    @pytest.mark.slow
    def test_at_first_its_gradient_is_the_policy_gradient(self, played):
        rule = Proximal(MAZE, entropy=0.0, value=0.0)
        agent, steps = played

        def plain(agent):
            opinions = jax.vmap(agent.decide)(steps.readouts, steps.inputs)
            logs = jax.nn.log_softmax(opinions.logits)[jnp.arange(steps.actions.size), steps.actions]
            weights = steps.mask.astype(logs.dtype)
            return -jnp.sum(logs * steps.advantages * weights) / jnp.sum(weights)

        found = of_policy(rule, agent, steps)
        close(found, eqx.filter_jit(eqx.filter_grad(plain))(agent), 1e-6)
        assert not still(found.policy.actor) and still(found.policy.critic) and still(found.memory)

    def test_its_gradient_is_that_of_differences(self, played):
        """One direction, away from the policy that played, in double precision."""
        rule = Proximal(MAZE, entropy=0.05, value=0.7, ratio=10.0)
        agent, steps = played
        with jax.enable_x64(True):
            wide = lambda tree: jax.tree.map(
                lambda leaf: leaf.astype(jnp.float64) if eqx.is_inexact_array(leaf) else leaf, tree
            )
            agent, steps = wide(agent), wide(jax.device_put(steps))
            weights, rest = eqx.partition(agent.policy, eqx.is_inexact_array)
            draw = np.random.default_rng(0)
            way = jax.tree.map(lambda leaf: jnp.asarray(draw.normal(size=leaf.shape)), weights)

            @jax.jit
            def along(distance):
                moved = jax.tree.map(lambda w, d: w + distance * d, weights, way)
                return rule.loss(eqx.tree_at(lambda a: a.policy, agent, eqx.combine(moved, rest)), steps)[0]

            here, h = jnp.array(0.1), 1e-6
            slope = jax.jit(jax.grad(along))(here)
            np.testing.assert_allclose(slope, (along(here + h) - along(here - h)) / (2 * h), rtol=1e-5)

    @pytest.mark.parametrize(
        ("weight", "sign", "moves"), [(1.5, 1, False), (1.5, -1, True), (0.5, 1, True), (0.5, -1, False)]
    )
    def test_what_has_moved_too_far_is_pushed_no_further(self, weight, sign, moves, played):
        rule = Proximal(MAZE, entropy=0.0, value=0.0, ratio=0.3)
        agent, steps = played
        steps = steps._replace(
            logs=steps.logs - np.float32(np.log(weight)), advantages=np.full_like(steps.advantages, sign)
        )
        value, metrics, grads = losses(rule, agent, steps)
        assert still(grads.policy.actor) is not moves
        bounded = np.clip(weight, 0.7, 1.3)
        np.testing.assert_allclose(value, -min(weight * sign, bounded * sign), rtol=1e-5)
        np.testing.assert_allclose(metrics["clipped"], 1.0, rtol=1e-6)

    def test_its_parts(self, played):
        rule = Proximal(MAZE, entropy=0.05, value=0.7)
        agent, steps = played
        value, metrics, _ = losses(rule, agent, steps)
        where = np.asarray(steps.mask)
        opinions = jax.device_get(decided(agent, steps.readouts, steps.inputs))
        error = np.mean(np.square(opinions.value - steps.returns)[where]) / 2
        p = np.exp(log_softmax(opinions.logits))[where]
        spread = np.mean(-(p * np.log(p)).sum(axis=1))
        close((metrics["value_loss"], metrics["entropy"], metrics["clipped"]), (error, spread, 0.0))
        np.testing.assert_allclose(value, -metrics["gain"] + 0.7 * error - 0.05 * spread, rtol=1e-5)

    def test_what_comes_after_the_end_changes_nothing(self, played):
        rule = Proximal(MAZE)
        agent, steps = played
        assert not bool(steps.mask.all())

        def spoiled(leaf):
            where = steps.mask.reshape(-1, *[1] * (leaf.ndim - 1))
            return leaf if leaf.dtype != np.float32 else np.where(where, leaf, np.float32(1e3))

        wild = jax.tree.map(spoiled, steps)
        jax.tree.map(np.testing.assert_array_equal, losses(rule, agent, steps), losses(rule, agent, wild))


SHORT = Proximal(MAZE, episodes=3, epochs=2, minibatches=3, clip=1e-3)


@eqx.filter_jit
def begun(rule, agent, key):
    return rule.init(agent, None, key=key)


class TestUpdates:
    """One minibatch after the other."""

    @pytest.mark.slow
    def test_a_pass_takes_every_step_once_and_then_new_episodes_come(self, key):
        rule, agent = SHORT, some_agent()
        carry, step = begun(rule, agent, key), eqx.filter_jit(rule.step)
        kept, orders, counts = [], [], []
        for i in range(8):
            assert bool(rule.due(carry)) == (i in (0, 6))
            carry = step(agent, carry, None, key=jax.random.key(i)).carry
            kept.append(jax.device_get(carry.experience))
            orders.append(tuple(carry.order.tolist()))
            counts.append(int(carry.taken))
        assert counts == [1, 2, 3, 4, 5, 0, 1, 2]
        assert all(eqx.tree_equal(kept[0], other) for other in kept[1:6])
        assert not eqx.tree_equal(kept[5], kept[6]) and eqx.tree_equal(kept[6], kept[7])
        assert len({*orders[0:3]}) == len({*orders[3:6]}) == len({*orders[6:]}) == 1
        assert len({orders[0], orders[3], orders[6]}) == 3
        assert all(sorted(order) == list(range(18)) for order in orders)

    @pytest.mark.slow
    def test_the_minibatches_of_a_pass_add_up(self, key):
        rule = Proximal(MAZE, episodes=4, epochs=1, minibatches=4, clip=None, entropy=0.1)
        agent = some_agent()
        carry, step = begun(rule, agent, key), eqx.filter_jit(rule.step)
        total = None
        for i in range(4):
            proposed = jax.device_get(step(agent, carry, None, key=jax.random.key(i)))
            size = 24 // 4
            chosen = carry.order if i else proposed.carry.order
            mask = np.asarray(proposed.carry.experience.mask).ravel()[np.asarray(chosen)[size * i : size * (i + 1)]]
            here = jax.tree.map(lambda leaf, n=int(mask.sum()): n * leaf, proposed.grads)
            total = here if total is None else jax.tree.map(np.add, total, here)
            carry = proposed.carry
        steps = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), carry.experience)
        count = float(steps.mask.sum())
        close(jax.tree.map(lambda leaf: leaf / count, total.policy), of_policy(rule, agent, steps).policy)
        assert still(total.memory)

    @pytest.mark.slow
    def test_what_is_collected(self, key):
        rule, agent = Proximal(MAZE, episodes=6, discount=0.9, trace=0.8), some_agent()
        found = eqx.filter_jit(rule.collect)(agent, key=key)
        assert found.readouts.shape == (6, 6, 6) and found.inputs.shape == (6, 6, 8)
        played = jax.jit(lambda k: play(agent, MAZE, sampled, key=k))(jax.random.fold_in(key, 4))
        gained = advantages(played.rewards, played.values, played.mask, discount=0.9, trace=0.8)
        close(found.returns[4], gained + played.values)
        close(found.rewards[4], played.rewards)
        inside = np.asarray(found.advantages)[np.asarray(found.mask)]
        np.testing.assert_allclose([inside.mean(), inside.std()], [0, 1], atol=1e-5)

    def test_the_gradient_is_clipped_and_shaped_like_the_agent(self, key):
        agent = some_agent()
        step = eqx.filter_jit(SHORT.step)(agent, begun(SHORT, agent, key), None, key=key)
        assert -3 <= float(step.metrics["reward"]) <= 4
        assert jax.tree.structure(step.grads) == jax.tree.structure(eqx.filter(agent, eqx.is_inexact_array))
        norm = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(step.grads)))
        np.testing.assert_allclose(norm, 1e-3, rtol=1e-4)
        assert float(step.metrics["grad_norm"]) > 1e-2


@pytest.mark.slow
@pytest.mark.usefixtures("lenient")
def test_finds_the_better_arm(key):
    agent = small_agent(key=key)
    rule = Proximal(Bandit(), episodes=32, epochs=2, minibatches=2)
    optimiser = optax.adam(0.01)
    parameters, rest = eqx.partition(agent, eqx.is_inexact_array)

    @jax.jit
    def train(parameters, carry):
        def update(loop, i):
            parameters, state, carry = loop
            step = rule.step(eqx.combine(parameters, rest), carry, None, key=jax.random.fold_in(key, i))
            changes, state = optimiser.update(step.grads, state)
            return (optax.apply_updates(parameters, changes), state, step.carry), step.metrics["reward"]

        start = (parameters, optimiser.init(parameters), carry)
        (parameters, _, _), rewards = jax.lax.scan(update, start, jnp.arange(160))
        return parameters, rewards

    trained, rewards = train(parameters, rule.init(agent, None, key=key))
    assert abs(float(rewards[:4].mean()) - 0.5) < 0.4
    assert float(rewards[-20:].mean()) > 0.9
    after = eqx.combine(trained, rest)
    played = jax.jit(jax.vmap(lambda k: play(after, Bandit(), likeliest, key=k)))(jax.random.split(key, 9))
    assert (np.asarray(played.actions)[:, 0] == 1).all()
    assert eqx.tree_equal(after.memory, agent.memory)


@pytest.mark.slow
@pytest.mark.usefixtures("lenient")
def test_a_run_cut_in_two_is_the_same_run(tmp_path, key):
    agent, task = small_agent(key=key), MazeControl(MAZE)
    how = {
        "rule": Proximal(MAZE, episodes=3, epochs=2, minibatches=2),
        "optimiser": optax.adam(1e-2),
        "key": key,
        "batch_size": 1,
        "cadence": Cadence(log_every=50, evaluate_every=0, checkpoint_every=50),
    }
    whole = fit(agent, task, steps=11, **how)
    run = Run(tmp_path, fingerprint="same")
    fit(agent, task, steps=6, run=run, **how)
    rest = fit(agent, task, steps=11, run=run, **how)
    assert eqx.tree_equal(whole.model, rest.model)
    assert eqx.tree_equal(whole.state.carry, rest.state.carry)
    assert eqx.tree_equal(agent.memory, rest.model.memory)
    assert not eqx.tree_equal(agent.policy, rest.model.policy)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"episodes": 0}, "episodes must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"minibatches": 0}, "minibatches must be at least 1, got 0"),
        ({"ratio": 0.0}, "ratio must be positive, got 0.0"),
        ({"value": -1.0}, "value must not be negative, got -1.0"),
        ({"entropy": -0.1}, "entropy must not be negative, got -0.1"),
        ({"discount": 1.1}, r"discount must be in \[0, 1\], got 1.1"),
        ({"trace": -0.1}, r"trace must be in \[0, 1\], got -0.1"),
        ({"episodes": 2, "minibatches": 13}, "2 episodes of 6 steps do not make minibatches=13"),
        ({"clip": 0.0}, "clip must be positive or None"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        Proximal(MAZE, **arguments)


def test_an_environment_is_whatever_does_what_one_does():
    assert isinstance(Bandit(), Environment)
    assert Experience._fields[-1] == "mask"
