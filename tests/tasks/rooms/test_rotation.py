"""Turning in a room: when a view has been seen, and that it then looks the same."""

import math
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.tasks import RandomTurns, Revolution, RoomRotation
from vestige.tasks.rooms.rotation import agreement_of_turns, blended, covered


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


class TestBlends:
    """Of the two earlier views whose headings are nearest on either side."""

    headings = jnp.array([0.0, 0.4, 0.8, 0.1 + 2 * math.pi, 0.4 + 4 * math.pi])

    def test_by_hand(self):
        frames = jnp.array([[0.0, 0.0], [4.0, 0.0], [9.0, 9.0], [1.0, 2.0], [4.0, 0.0]])
        blends, there = blended(frames, self.headings, self.headings)
        assert there.tolist() == [False, False, False, True, True]
        np.testing.assert_allclose(blends[3], [1.0, 0.0], atol=1e-5)  # a quarter of the way from frame 0 to frame 1
        np.testing.assert_allclose(blends[4], [4.0, 0.0], atol=1e-3)  # frame 1 itself, at the same heading
        np.testing.assert_array_equal(blends[:3], frames[:3])

    def test_a_blend_stays_between_its_views(self):
        frames = jnp.array([[0.0], [4.0], [9.0], [-2.0], [4.0]])
        assert float(blended(frames, self.headings, self.headings)[0][3, 0]) == 0.0

    def test_no_later_view_and_none_from_afar(self):
        frames = jnp.arange(4.0)[:, None]
        assert not blended(frames, jnp.array([0.2, 0.0, 0.4, 1.1]), jnp.array([0.2, 0.0, 0.4, 1.1]))[1].any()

    def test_no_earlier_view_costs_less(self, key):
        task = RoomRotation(8, 30)
        seen = sequences(task, key, 8)
        for frames, headings in zip(seen.batch.inputs, seen.facts["headings"], strict=True):
            blends, there = jax.jit(blended)(frames, headings, headings)
            off = np.abs(np.angle(np.exp(1j * (headings[:, None] - headings[None]))))
            error = np.square(blends - frames).sum(axis=(1, 2, 3))
            assert np.asarray(there)[16:].all() and not np.asarray(there)[:13].any()
            for t in np.flatnonzero(there):
                nearest = np.argmin(off[t, :t])
                assert error[t] <= np.square(frames[t] - frames[nearest]).sum() + 1e-4


class TestAgreement:
    """Of views a turn apart."""

    def test_true_rooms_agree_and_noise_does_not(self, key):
        fixed = RoomRotation(8, 30, turning=Revolution(15.0, 15.0))
        seen = sequences(fixed, key, 8)
        pairs = zip(seen.batch.inputs, seen.facts["headings"][:, None], strict=True)
        each = [agreement_of_turns(jnp.asarray(frames), jnp.asarray(headings)) for frames, headings in pairs]
        assert sum(tally.total for tally in each) / sum(tally.terms for tally in each) > 0.9
        noise = jax.random.normal(key, (400, 30, 4))
        tally = jax.vmap(lambda frames: agreement_of_turns(frames, fixed.turning.possible(jnp.zeros(30))))(noise)
        error = float(tally.total.std()) / 400**0.5 / float(tally.terms.mean())
        assert abs(float(tally.total.sum() / tally.terms.sum())) < 4 * error < 0.1

    def test_the_period_is_found(self, key):
        """Two waves, seen at a period that the function is not told."""
        turning = Revolution()
        for period in (14.5, 15.0, 15.5):
            heading = 2 * math.pi * jnp.arange(30.0) / period
            frames = jnp.stack([jnp.cos(heading), jnp.sin(heading), jnp.cos(2 * heading)], axis=1)
            tally = agreement_of_turns(frames, turning.possible(jnp.zeros(30)))
            assert float(tally.mean) > 0.98
            assert float(agreement_of_turns(frames, heading[None] * 1.3).mean) < float(tally.mean)

    def test_metrics_and_bounds(self, key):
        """A model that knows the room costs as much as its views, and agrees as they do."""
        task = RoomRotation(4, 20, turning=RandomTurns())
        example = task.sequence(task.test, key=key)
        known = KnowsTheRoom(example.batch.inputs, task.likelihood)
        found = task.sequence_metrics(known, example, jnp.zeros(20), key=key)
        assert float(found["turn_agreement"].total) == pytest.approx(float(found["turn_agreement_data"].total))
        blends, there = blended(example.batch.inputs, example.facts["headings"], example.facts["headings"])
        counted = np.asarray(there & example.predictable)
        each = -jax.vmap(task.likelihood.log_prob)(blends, example.batch.inputs)
        assert float(found["blend_recall"].total) == pytest.approx(np.asarray(each)[counted].sum(), rel=1e-4)
        bounds = task.bounds({"kl_fresh": jnp.array(1.0), "turn_agreement_data": jnp.array(0.7)})
        assert bounds["turn_agreement"] == {"best": pytest.approx(0.7), "chance": 0.0}


class KnowsTheRoom(NamedTuple):
    """Generates given frames."""

    frames: Any
    likelihood: Any

    def generate(self, steps, *, condition, key):
        return SimpleNamespace(frame_parameters=self.frames)


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
    bounds = RoomRotation(8, 30).bounds({"kl_fresh": jnp.array(5.0), "turn_agreement_data": jnp.array(0.7)})
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
