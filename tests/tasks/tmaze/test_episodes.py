"""Random episodes as sequences, and what agents are judged by."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.sequences.conformance import compiled, conforms
from tests.tasks.tmaze.agents import small_agent
from vestige.models.policy import Opinion
from vestige.rules import MemUP, Truncated
from vestige.rules.acting import play, uniform
from vestige.tasks.tmaze import MazeControl, MazeEpisodes, TMaze
from vestige.tasks.tmaze.maze import choice_step

MAZE = TMaze(7, 4)
EPISODES = MazeEpisodes(MAZE)
BUSY = TMaze(12, 3, 3, "random")
MAZES = pytest.mark.parametrize("maze", [MAZE, BUSY], ids=["plain", "distractors"])


@eqx.filter_jit
def episode(task, key):
    return task.sequence(key=key)


@pytest.mark.slow
@MAZES
def test_windows_conform(maze, key):
    conforms(episode(MazeEpisodes(maze), key))


@pytest.mark.slow
@MAZES
def test_an_episode_is_what_the_environment_plays(maze, key):
    """Check by the environment itself: same key, same observations, actions and rewards, at every step."""
    agent = eqx.filter_jit(small_agent)(key=key)
    rows = jax.random.split(key, 12)
    played = jax.jit(jax.vmap(lambda k: play(agent, maze, uniform, key=k)))(rows)
    sequences = jax.jit(jax.vmap(lambda k: MazeEpisodes(maze).sequence(key=k)))(rows)
    window = jax.jit(jax.vmap(lambda s: s.window(jnp.array(0), maze.horizon)))(sequences)
    np.testing.assert_array_equal(window.inside, played.mask)
    np.testing.assert_array_equal(window.known, played.mask)
    np.testing.assert_array_equal(np.where(window.inside[..., None], window.inputs, 0), played.inputs)
    np.testing.assert_array_equal(np.where(window.inside, window.outcomes, 0), played.rewards)
    assert set(np.asarray(played.rewards).ravel().tolist()) == {0.0, 4.0, -3.0}


def test_inputs_are_observation_last_action_last_reward_action(key):
    sequence = episode(EPISODES, key)
    seen = np.asarray(compiled(sequence, jnp.array(0), int(sequence.length)).inputs)
    assert seen.shape[1] == EPISODES.features
    assert not seen[0, 3:5].any()
    np.testing.assert_array_equal(seen[1:, 3:5], seen[:-1, 6:8])
    assert not seen[:, 5].any() and (seen[:, 6:8].sum(axis=1) == 1).all()


@pytest.mark.slow
def test_the_reward_at_the_junction_is_as_variable_as_told(key):
    """Check 10: mean 0.5 and variance 12.25; half the steps of an action are of each kind."""
    batch = jax.jit(lambda key: EPISODES.batch(size=4000, key=key).inputs)(key)
    last = jax.jit(jax.vmap(lambda s: s.window(s.length - 1, 1)))(batch)
    rewards = np.asarray(last.outcomes)[:, 0]
    assert abs(rewards.mean() - 0.5) < 4 * 3.5 / np.sqrt(4000)
    np.testing.assert_allclose(rewards.var(), 12.25, atol=0.05)
    action, hint = np.asarray(last.inputs)[:, 0, 7] > 0, np.asarray(batch.start.hint) > 0
    np.testing.assert_array_equal(rewards == 4, action == hint)
    assert abs(action.mean() - 0.5) < 2 / np.sqrt(4000)
    assert EPISODES.bounds({}) == {"mse": {"best": 0.0, "chance": 12.25}}


@pytest.mark.slow
def test_length_costs_nothing(key):
    sequence = episode(MazeEpisodes(TMaze(20_000)), key)
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(sequence) if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))
    assert all(leaf.ndim == 0 for leaf in jax.tree.leaves(sequence))
    small, large = (episode(MazeEpisodes(TMaze(n, distractors=4)), key) for n in (20, 20_000))
    assert [leaf.shape for leaf in jax.tree.leaves(small)] == [leaf.shape for leaf in jax.tree.leaves(large)]
    window = compiled(sequence, jnp.array(19_990), 25)
    assert int(window.inside.sum()) == int(sequence.length) - 19_990
    assert float(window.inputs[int(sequence.length) - 19_991, 1]) == 1


def test_the_query_is_the_junction(key):
    sequence = episode(EPISODES, key)
    assert EPISODES.queries(sequence).tolist() == [int(sequence.length) - 1]
    busy = MazeEpisodes(BUSY).sequence(key=key)
    assert MazeEpisodes(BUSY).queries(busy).tolist() == [int(choice_step(busy.start))]
    judged = EPISODES.prediction_metrics(jnp.array([[1.5]]), jnp.array([4.0]))
    np.testing.assert_allclose(judged["mse"], [6.25])
    assert (EPISODES.steps, EPISODES.tokens, EPISODES.classes) == (11, None, None)


@pytest.mark.parametrize("rule", [pytest.param(MemUP(3, 1, scan_chunk=6), marks=pytest.mark.slow), Truncated(3)])
@pytest.mark.slow
def test_rules_on_long_sequences_take_it(rule, key):
    memory = eqx.filter_jit(small_agent)(key=key).memory
    batch = jax.jit(lambda key: EPISODES.batch(size=3, key=key))(key)
    step = eqx.filter_jit(rule.step)(memory, rule.init(memory, batch, key=key), batch, key=key)
    assert float(step.metrics["grad_norm"]) > 0 and bool(jnp.isfinite(step.metrics["loss"]))


class Oracle(eqx.Module):
    """Keeps the hint as its state, and does what it says."""

    def init(self):
        return jnp.zeros(1)

    def encode(self, state, inputs, mask=None):
        after = state + jnp.sum(jnp.where(True if mask is None else mask, inputs[:, 0], 0.0))
        return after, jnp.broadcast_to(after, (inputs.shape[0], 1))

    def predict(self, memory, inputs):
        right = (inputs[7:8] - inputs[6:7]) * memory
        return inputs[1] * (0.5 + 3.5 * right)

    def decide(self, memory, inputs):
        return Opinion(jnp.concatenate([-memory, memory]), jnp.zeros(()))


@pytest.mark.slow
def test_what_is_paid_by_chance_is_no_merit(key):
    metrics = eqx.filter_jit(MazeControl(BUSY).evaluate)(Oracle(), size=70, key=key)
    assert float(metrics["reward"]) == 4.0


@pytest.mark.slow
def test_who_remembers_gets_it_all(key):
    task = MazeControl(MAZE)
    metrics = eqx.filter_jit(task.evaluate)(Oracle(), size=70, key=key)
    assert float(metrics["reward"]) == 4.0
    np.testing.assert_allclose(metrics["mse"], 0.0, atol=1e-10)


@pytest.mark.slow
def test_an_agent_that_knows_nothing_is_near_chance(key):
    task = MazeControl(TMaze(12))
    metrics = eqx.filter_jit(task.evaluate)(small_agent(key=key), size=400, key=key)
    assert metrics.keys() == task.bounds(metrics).keys() == {"reward", "mse"}
    assert abs(float(metrics["reward"]) - 0.5) < 1.0
    assert 10 < float(metrics["mse"]) < 15
    assert task.bounds(metrics)["reward"] == {"best": 4.0, "chance": 0.5}
