"""Turning in a room: when a view has been seen, and that it then looks the same."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks import RandomTurns, Revolution, RoomRotation
from vestige.tasks.rooms.rotation import covered


def sequences(task, key, count=30):
    draw = jax.jit(jax.vmap(lambda k: task.sequence(task.train, key=k)))
    return jax.tree.map(np.asarray, draw(jax.random.split(key, count)))


def test_a_view_comes_again_after_a_fixed_period(key):
    seen = sequences(RoomRotation(8, 30, turning=Revolution(15.0, 15.0)), key)
    frames = seen.batch.inputs
    assert np.mean(np.abs(frames[:, 15:] - frames[:, :15]) > 1e-3) < 0.02
    assert np.mean(np.abs(frames[:, 15:] - frames[:, 8:23]) > 1e-3) > 0.3


def test_the_period_is_drawn_anew_for_every_sequence(key):
    headings = sequences(RoomRotation(4, 30), key, 500).facts["headings"]
    step = np.diff(headings, axis=1)
    np.testing.assert_allclose(step, np.broadcast_to(step[:, :1], step.shape), atol=1e-4)
    period = 2 * math.pi / step.mean(axis=1)
    assert 14.49 < period.min() < 14.55 and 15.45 < period.max() < 15.51
    assert 0 <= headings[:, 0].min() < 0.2 and 6 < headings[:, 0].max() < 2 * math.pi


def test_views_are_known_from_about_a_turn_on(key):
    known = sequences(RoomRotation(16, 30), key, 100).predictable.mean(axis=0)
    assert (known[:12] == 0).all() and 0 < known[12] < 1 and (known[14:] == 1).all()


def test_a_view_is_known_where_every_column_was_in_sight():
    headings = np.array([0.0, 0.5, 2.0, 0.25, 6.3, 1.2, 8.2])
    u = (2 * np.arange(16) + 1) / 16 - 1
    expected = []
    for t, heading in enumerate(headings):
        columns = heading + np.arctan(u)
        off = [np.abs(np.angle(np.exp(1j * (columns - earlier)))) <= math.pi / 4 for earlier in headings[:t]]
        expected.append(bool(np.any(off, axis=0).all()) if off else False)
    assert set(expected) == {True, False}
    np.testing.assert_array_equal(covered(jnp.asarray(headings, jnp.float32), 16), expected)


class TestRandomTurns:
    """Given as actions."""

    task = RoomRotation(8, 20, turning=RandomTurns())

    def test_headings_follow_the_actions(self, key):
        seen = sequences(self.task, key)
        actions, headings = seen.facts["actions"], seen.facts["headings"]
        np.testing.assert_array_equal(np.argmax(seen.batch.condition, axis=-1), actions)
        assert (actions[:, 0] == 2).all() and set(np.unique(actions[:, 1:])) == {0, 1}
        turned = (np.diff(headings, axis=1) * 15 / (2 * math.pi)).round().astype(int) % 15
        np.testing.assert_array_equal(turned, np.where(actions[:, 1:] == 0, 1, 14))

    def test_the_way_back_shows_the_same_frames(self, key):
        seen = sequences(self.task, key)
        for frames, headings in zip(seen.batch.inputs, seen.facts["headings"], strict=True):
            place = (headings - headings[0]).round(3)
            for t in range(20):
                np.testing.assert_array_equal(frames[t], frames[np.flatnonzero(place == place[t])[0]])

    @pytest.mark.slow
    def test_persistence_is_how_often_the_direction_stays(self, key):
        task = RoomRotation(2, 40, turning=RandomTurns(persistence=0.9))
        actions = sequences(task, key, 200).facts["actions"][:, 1:]
        assert abs(np.mean(actions[:, 1:] == actions[:, :-1]) - 0.9) < 0.02
        assert 0.4 < actions[:, 0].mean() < 0.6

    def test_actions_out_of_range_are_refused(self):
        np.testing.assert_array_equal(self.task.condition(jnp.array([2, 0, 1])), np.eye(3)[[2, 0, 1]])
        with pytest.raises(Exception, match=r"each must be one of 0 \.\. 2"):
            jax.block_until_ready(self.task.condition(jnp.array([2, 3])))


@pytest.mark.slow
def test_training_and_held_out_rooms_differ_under_one_key(key):
    task = RoomRotation(8, 4)
    ours, theirs = jax.jit(lambda k: (task.batch(size=2, key=k).inputs, task.held_out(size=2, key=k).inputs))(key)
    assert float(jnp.abs(ours - theirs).mean()) > 0.02


def test_the_ideal_curve_falls_when_the_room_is_known():
    bounds = RoomRotation(8, 30).bounds({"kl_fresh": jnp.array(5.0)})
    curve = bounds["curves"]["kl_per_frame"]
    assert curve[:12] == [5.0] * 12 and curve[14:] == [0.0] * 16 and bounds["kl_last"] == {"best": 0.0, "chance": 5.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RoomRotation(1), "2 x 2 pixels, got resolution=1"),
        (lambda: Revolution(0.0, 15.0), "got 0.0 and 15.0"),
        (lambda: Revolution(16.0, 15.0), "got 16.0 and 15.0"),
        (lambda: RandomTurns(0), "at least 1 step, got period=0"),
        (lambda: RandomTurns(persistence=1.5), "a probability, got 1.5"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
