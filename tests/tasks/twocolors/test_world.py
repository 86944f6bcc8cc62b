"""The game itself; where it is not installed, only that this is said."""

import importlib.util
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.tasks.twocolors import Orb, TwoColors, TwoColorsRoom, draw_room, record
from vestige.tasks.twocolors.world import ACTIONS, FRAME

needs_the_game = pytest.mark.skipif(importlib.util.find_spec("vizdoom") is None, reason="needs vizdoom")

LEFT, RIGHT, FORWARD, BACK = range(4)
NORTH = (Orb(0, 0, 160),)  # one green orb, straight ahead


def played(world, room, actions):
    frames, rewards = [world.reset(room)], []
    for action in actions:
        frame, reward, done = world.step(action)
        frames.append(frame)
        rewards.append(reward)
        if done:
            break
    return np.stack(frames), rewards


@pytest.fixture(scope="module")
def world():
    """The same room with a green and with a red pillar, twice; the second time with one orb."""
    orbs = draw_room(0, rng=np.random.default_rng(3)).orbs
    with TwoColors([TwoColorsRoom(pillar, those) for those in (orbs, NORTH) for pillar in (0, 1)]) as world:
        yield world


def test_without_the_package_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(UsageError, match=r"Two-Colors needs vizdoom .*: pip install 'vestige\[vizdoom\]'"):
        TwoColors([TwoColorsRoom(0, NORTH)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda room: TwoColors([]), "rooms must be 1 to 10,000, got 0"),
        (lambda room: TwoColors([room] * 10_001), "rooms must be 1 to 10,000, got 10,001"),
        (lambda room: TwoColors([room], skip=0), "skip and tics must be at least 1, got skip=0, tics=2100"),
        (lambda room: TwoColors([room], tics=0), "got skip=4, tics=0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make(TwoColorsRoom(0, NORTH))


@needs_the_game
def test_the_same_room_and_actions_give_the_same(world):
    actions = np.random.default_rng(0).choice(4, 60, p=[0.1, 0.2, 0.6, 0.1]).tolist()
    frames, rewards = played(world, 0, actions)
    played(world, 2, [FORWARD] * 20)
    again, gained = played(world, 0, actions)
    assert frames.shape[1:] == FRAME and frames.dtype == np.uint8 and len(frames) == 61
    np.testing.assert_array_equal(frames, again)
    assert rewards == gained and any(rewards)


@needs_the_game
def test_the_pillar_alone_says_what_is_good(world):
    """Of two rooms that differ in its colour only, the first 45 tics look different, the rest the same, and every
    reward is the other's opposite."""
    actions = ([FORWARD] * 6 + [LEFT] * 3) * 7
    (green, gained), (red, lost) = (played(world, room, actions) for room in (0, 1))
    assert (green[0, :, 16, 1] > red[0, :, 16, 1]).any() and (red[0, :, 16, 0] > green[0, :, 16, 0]).any()
    np.testing.assert_array_equal(green[12:], red[12:])
    assert gained == [-reward for reward in lost] and any(gained)


@needs_the_game
def test_an_orb_is_picked_up_and_comes_back(world):
    rewards = played(world, 2, [FORWARD] * 10)[1]
    assert sorted(rewards)[-2:] == [0, 1]
    picked = rewards.index(1)
    away = picked + 1 + 350 // 4
    rewards = played(world, 2, [FORWARD] * (picked + 1) + [BACK, FORWARD] * 60)[1]
    assert not any(rewards[picked + 1 : away - 1]) and rewards[away - 1 :].count(1) == 1


@needs_the_game
def test_turns_are_turns_and_steps_are_steps(world):
    start = world.reset(2)
    seen = {action: played(world, 2, [action] * 3)[0][-1] for action in range(len(ACTIONS))}
    assert not any((seen[action] == start).all() for action in seen)
    bright = {action: np.argmax(frame[..., 1].max(axis=0)) for action, frame in seen.items()}
    assert bright[LEFT] > bright[FORWARD] > bright[RIGHT]  # the pillar goes the other way
    assert np.sum(seen[FORWARD] != seen[BACK]) > 0


@needs_the_game
def test_health_is_used_up():
    """Nothing picked up: 1,000 tics. Ten bad orbs, each a tenth of it, end it at once; ten good ones fill it."""
    rooms = [TwoColorsRoom(0, ()), TwoColorsRoom(0, (Orb(1, 0, 160),) * 10), TwoColorsRoom(1, (Orb(1, 0, 160),) * 10)]
    with TwoColors(rooms, skip=10) as world:
        assert len(played(world, 0, [LEFT] * 200)[1]) == 100
        rewards = played(world, 1, [FORWARD] * 10)[1]
        assert sum(rewards) == -10 and len(rewards) < 10
        picked = len(rewards)
        rewards = played(world, 2, [FORWARD] * picked + [LEFT] * 200)[1]
        assert sum(rewards) == 10 and len(rewards) == picked + 100  # full again, and never more than full


@needs_the_game
def test_an_episode_ends_and_begins():
    with TwoColors([TwoColorsRoom(0, NORTH)], skip=4, tics=10) as world:
        assert world.horizon == 3
        with pytest.raises(ValueError, match="the episode is over, or none has begun; call reset"):
            world.step(LEFT)
        assert len(played(world, 0, [LEFT] * 9)[1]) == 3
        with pytest.raises(ValueError, match="call reset"):
            world.step(LEFT)
        world.reset(0)
        with pytest.raises(ValueError, match=r"action must be in 0..3, TURN_LEFT, .*; got 4"):
            world.step(4)


@needs_the_game
def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = TwoColors([TwoColorsRoom(0, NORTH)])
    folder = Path(world._folder.name)
    assert folder.exists() and Path.cwd() == tmp_path
    world.close()
    assert not folder.exists() and not list(tmp_path.iterdir())


@needs_the_game
def test_a_recording_follows_from_its_seed():
    one, same, other = (record(2, seed=seed, tics=200) for seed in (0, 0, 1))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(same), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one.frames, other.frames)
    assert one.horizon == 50 and one.lengths.tolist() == [50, 50] and one.begins.tolist() == [0, 50]
    assert one.frames.shape == (100, *FRAME) and set(one.actions.tolist()) <= {0, 1, 2, 3}
