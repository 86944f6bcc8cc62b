"""The environment, step by step and on average (MemUP section 5.1)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.rules import Environment
from vestige.tasks.tmaze import TMaze
from vestige.tasks.tmaze.maze import by_chance, choice_step


def walk(maze, actions, key):
    """Observations, rewards and ends of an episode, on the host; further actions repeat the last."""
    state, observation = maze.reset(key=jax.random.fold_in(key, 0))
    seen, gained, over = [observation], [], []
    for k in range(maze.horizon):
        action = jnp.array(actions[min(k, len(actions) - 1)], jnp.int32)
        state, observation, reward, done = maze.step(state, action, key=jax.random.fold_in(key, k + 1))
        gained.append(float(reward))
        over.append(bool(done))
        if done:
            break
        seen.append(observation)
    return np.asarray(seen), np.asarray(gained), over


def test_is_an_environment():
    assert isinstance(TMaze(5), Environment)
    assert (TMaze(5, 3).horizon, TMaze(100).horizon, TMaze(5).actions) == (8, 110, 2)


@pytest.mark.parametrize("jitter", [0, 4])
def test_hint_corridor_junction(jitter, key):
    lengths = set()
    for row in range(25):
        seen, gained, over = walk(TMaze(6, jitter), [0, 1], jax.random.fold_in(key, row))
        n = len(seen)
        lengths.add(n)
        assert abs(seen[0, 0]) == 1 and not seen[1:, 0].any()
        np.testing.assert_array_equal(seen[:, 1], np.arange(n) == n - 1)
        assert (np.abs(seen[:, 2]) == 1).all()
        assert not gained[:-1].any() and gained[-1] in (4, -3)
        assert over == [False] * (n - 1) + [True]
    assert lengths == set(range(6, 7 + jitter))


def test_the_action_at_the_junction_alone_counts(key):
    for row in range(12):
        own = jax.random.fold_in(key, row)
        seen, _, _ = walk(TMaze(4, 2), [0], own)
        right = int(seen[0, 0] > 0)
        last = len(seen) - 1
        for before in (0, 1):
            assert walk(TMaze(4, 2), [before] * last + [right], own)[1][-1] == 4
            assert walk(TMaze(4, 2), [before] * last + [1 - right], own)[1][-1] == -3


def test_a_corridor_of_one_step_shows_hint_and_junction(key):
    seen, gained, over = walk(TMaze(1, 0), [0], key)
    assert seen.shape == (1, 3) and abs(seen[0, 0]) == 1 and seen[0, 1] == 1
    assert over == [True] and gained[0] == (4 if seen[0, 0] < 0 else -3)


def test_draws_are_even(key):
    maze = TMaze(5, 4)
    states, first = jax.jit(jax.vmap(lambda k: maze.reset(key=k)))(jax.random.split(key, 4000))
    later = jax.jit(jax.vmap(lambda s, k: maze.step(s, jnp.array(0, jnp.int32), key=k)[1]))(
        states, jax.random.split(jax.random.fold_in(key, 1), 4000)
    )
    band = 4 / np.sqrt(4000)
    for signs in (states.hint, first[:, 2], later[:, 2], first[:, 0] * first[:, 2], first[:, 2] * later[:, 2]):
        assert abs(float(jnp.mean(signs))) < band
    counts = np.bincount(np.asarray(states.length))[5:]
    assert counts.shape == (5,) and np.abs(counts - 800).max() < 4 * np.sqrt(4000 * 0.2 * 0.8)


@pytest.mark.parametrize("choice", ["last", "random"])
def test_distractors_pay_by_chance_and_one_junction_what_is_deserved(choice, key):
    maze, places = TMaze(12, 2, 3, choice), set()
    for row in range(12):
        own = jax.random.fold_in(key, row)
        state, _ = maze.reset(key=jax.random.fold_in(own, 0))
        seen, left, over = walk(maze, [0], own)
        _, right, _ = walk(maze, [1], own)
        (junctions,) = np.nonzero(seen[:, 1])
        np.testing.assert_allclose(seen[junctions, 1], [0.25, 0.5, 0.75, 1.0])
        assert junctions[0] >= 5 and junctions[-1] == len(seen) - 1 and over[-1]
        assert set(np.nonzero(left)[0]) == set(junctions) and set(left[junctions]) <= {4, -3}
        (differ,) = np.nonzero(left != right)
        assert differ.tolist() == [int(choice_step(state))] == [junctions[int(state.distractors.place)]]
        assert (left[differ] == (4 if seen[0, 0] < 0 else -3)).all()
        assert float(by_chance(state)) == left.sum() - left[differ].sum()
        places.add(int(state.distractors.place))
    assert places == {3} if choice == "last" else len(places) > 2


def test_every_set_of_steps_is_equally_likely(key):
    """Two of the four steps 5 to 8: six sets; and payments are even."""
    maze = TMaze(10, 0, 2, "random")
    states, _ = jax.jit(jax.vmap(lambda k: maze.reset(key=k)))(jax.random.split(key, 6000))
    steps = np.asarray(states.distractors.steps)
    assert (steps[:, 0] < steps[:, 1]).all() and steps.min() == 5 and steps.max() == 8
    _, counts = np.unique(steps, axis=0, return_counts=True)
    assert len(counts) == 6 and np.abs(counts - 1000).max() < 4 * np.sqrt(6000 * (1 / 6) * (5 / 6))
    places = np.bincount(np.asarray(states.distractors.place))
    assert len(places) == 3 and np.abs(places - 2000).max() < 4 * np.sqrt(6000 * (1 / 3) * (2 / 3))
    lucky = np.asarray(states.distractors.rewards) > 0
    assert np.abs(lucky.mean(axis=0) - 0.5).max() < 2 / np.sqrt(6000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TMaze(8, 0, 3), "length must be at least 9 with distractors=3"),
        (lambda: TMaze(8, 0, -1), "TMaze: distractors must be at least 0, got distractors=-1"),
        (lambda: TMaze(8, 0, 1, "first"), "choice must be last or random, got 'first'"),
        (lambda: TMaze(0), "TMaze: length must be at least 1, got length=0"),
        (lambda: TMaze(5, -1), "TMaze: jitter must be at least 0, got jitter=-1"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
