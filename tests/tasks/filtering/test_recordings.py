"""Windows of recordings, music, motion, text and place cells on small data whose answers are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.filtering.filters import Leaky
from vestige.data import FrameSet, Recording
from vestige.errors import UsageError
from vestige.tasks.filtering import (
    characters,
    constant_channels,
    motion_capture,
    piano_rolls,
    place_cells,
    stretches,
)
from vestige.tasks.filtering.next_frame import extrapolated, frame_errors, repeated
from vestige.tasks.filtering.running import binned, parted, runs, speed


class Says(eqx.Module):
    """Predicts and scores as it is told, whatever it sees."""

    next: jax.Array
    score: float

    def init(self):
        return jnp.zeros(1)

    def filter(self, state, observation):
        return state

    def features(self, state):
        return state

    def reconstruct(self, state):
        return self.next

    def predict(self, state, *, key):
        return self.next

    def log_predictive(self, state, observation, *, key):
        return jnp.asarray(self.score)


def named(frames, *lengths):
    frames = np.asarray(frames, np.float32)
    return FrameSet(frames, np.array(lengths, np.int32), tuple(f"c{j}" for j in range(frames.shape[1])))


evaluated = eqx.filter_jit(lambda task, model, size, key: task.evaluate(model, size=size, key=key))


class TestWindows:
    def test_every_window_is_as_likely(self, key):
        """Three recordings of 6, 2 and 4 steps have 4, 1 and 2 windows of 3."""
        whole = stretches(named(np.arange(12)[:, None], 6, 2, 4))
        draws = jax.jit(jax.vmap(lambda k: whole.window(3, key=k)))(jax.random.split(key, 7000))
        first, length = np.asarray(draws.inputs[:, 0, 0]), np.asarray(draws.length)
        starts, counts = np.unique(first, return_counts=True)
        assert starts.tolist() == [0, 1, 2, 3, 6, 8, 9]
        assert np.abs(counts - 1000).max() < 4 * np.sqrt(7000 * (1 / 7) * (6 / 7))
        assert (length == np.where(first == 6, 2, 3)).all()
        assert (np.asarray(draws.inputs[:, 1, 0]) == first + 1).all()

    def test_a_recording_as_a_whole(self):
        whole = stretches(named(np.arange(12)[:, None], 6, 2, 4))
        last = whole.recording(jnp.array(2))
        assert last.inputs.shape == (6, 1) and int(last.length) == 4
        assert last.inputs[:4, 0].tolist() == [8, 9, 10, 11]


class TestNextFrame:
    def test_errors_by_hand(self):
        frames = jnp.array([[0.0, 0], [1, 0], [1, 2], [9, 9]])
        inside = jnp.array([True, True, True, False])
        total, count = frame_errors(repeated(frames), frames, inside)
        assert (float(total), float(count)) == (5.0, 2.0)

    def test_a_gap_is_neither_judged_nor_repeated(self):
        frames = jnp.array([[1.0], [jnp.nan], [3.0], [4.0]])
        assert repeated(frames)[:, 0].tolist() == [1, 1, 3, 4]
        total, count = frame_errors(repeated(frames), frames, jnp.ones(4, bool))
        assert (float(total), float(count)) == (5.0, 2.0)

    def test_extrapolation(self):
        frames = jnp.array([[0.1], [0.4], [0.3]])
        np.testing.assert_allclose(extrapolated(frames, 0.0, 1.0)[:, 0], [0.1, 0.7, 0.2], atol=1e-6)
        assert extrapolated(jnp.array([[0.0], [0.9]]), 0.0, 1.0)[1, 0] == 1


class TestPianoRolls:
    rolls = named([[1, 0], [1, 0], [0, 1], [1, 1], [0, 0]], 3, 2)

    def test_metrics_by_hand(self, key):
        task = piano_rolls(self.rolls, self.rolls, length=2)
        found = evaluated(task, Says(jnp.array([0.5, 0.0]), -1.5), 9, key)
        assert float(found["log_likelihood"]) == float(found["log_likelihood_of_pieces"]) == -1.5
        # frames 2 and 3 of the first piece and 2 of the second: .25 + (.25 + 1) + .25
        np.testing.assert_allclose(found["frame_error"], 1.75 / 3, rtol=1e-6)
        np.testing.assert_allclose(found["repeat_error"], (0 + 2 + 2) / 3, rtol=1e-6)
        first, second = 4 / 7, 3 / 7  # one more of each counted
        exact = (3 * np.log(first) + 2 * np.log(1 - first) + 2 * np.log(second) + 3 * np.log(1 - second)) / 5
        np.testing.assert_allclose(found["independent_log_likelihood"], exact, rtol=1e-6)

    def test_pieces_are_judged_once_each(self):
        task = piano_rolls(self.rolls, self.rolls, length=2)
        assert task.held_out_count(50) == 2 and task.held_out_count(1) == 1
        rows = [int(task.held_out(jnp.array(row), key=jax.random.key(3)).length) for row in range(2)]
        assert sorted(rows) == [2, 3]

    def test_what_is_no_bit_is_refused(self):
        with pytest.raises(ValueError, match="bits are 0 or 1, got 3"):
            piano_rolls(named([[0], [3]], 2), self.rolls)
        with pytest.raises(ValueError, match="at least 2"):
            piano_rolls(self.rolls, self.rolls, length=1)


class TestMotion:
    @pytest.fixture
    def walk(self):
        """A turning pair of angles, in two recordings that do not follow on each other."""
        angle = 0.3 * np.arange(60)
        frames = 5 + 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        frames[30:] = 5 - 1.5 * (frames[30:] - 5)
        return named(np.concatenate([frames, np.full((60, 1), 2.0)], axis=1), 30, 30)

    def test_a_constant_channel_is_refused_by_name(self, walk):
        assert constant_channels(walk) == ("c2",)
        with pytest.raises(ValueError, match="got constant c2; leave them out with drop=constant_channels"):
            motion_capture(walk, walk)
        with pytest.raises(ValueError, match="channels that there are not"):
            motion_capture(walk, walk, drop=("hip",))

    def test_standardised_with_training_statistics(self, walk):
        test = named(walk.frames * 2, 30, 30)
        task = motion_capture(walk, test, drop=("c2",), length=10)
        assert task.channels == ("c0", "c1") and task.width == 2
        np.testing.assert_allclose(task.train.frames.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(task.train.frames.std(0), 1, atol=1e-5)
        back = task.mean[None] + task.scale[None] * task.test.frames
        np.testing.assert_allclose(back, 2 * walk.frames[:, :2], rtol=1e-5)

    def test_linear_regression_predicts_a_rotation_exactly(self, walk, key):
        """Of its own recording only: the jump between the two is not learned from."""
        task = motion_capture(walk, walk, drop=("c2",), length=10)
        found = evaluated(task, Leaky(jnp.zeros(1), 2), 5, key)
        assert float(found["linear_error"]) < 1e-6 < float(found["repeat_error"])
        np.testing.assert_allclose(found["frame_error"], found["repeat_error"], rtol=1e-6)
        np.testing.assert_allclose(found["frame_error_channel"], found["frame_error"] / 2)

    def test_every_nth_frame(self, walk):
        task = motion_capture(walk, walk, nth=4, drop=("c2",), length=5)
        assert task.train.frames.shape[0] == 16 and task.train.lengths.tolist() == [8, 8]
        with pytest.raises(UsageError, match="nth at least 1"):
            motion_capture(walk, walk, nth=0, drop=("c2",))

    def test_gaps(self, walk, key):
        """A frame that is NaN is missing; one that is NaN in part, or infinite, is refused."""
        frames = walk.frames.copy()
        frames[7] = np.nan
        task = motion_capture(named(frames, 30, 30), walk, drop=("c2",))
        assert jnp.isnan(task.train.frames[7]).all()
        assert float(evaluated(task, Leaky(jnp.zeros(1), 2), 5, key)["linear_error"]) < 1e-5
        frames[8, 0] = np.nan
        with pytest.raises(ValueError, match="NaN in value 0 of step 8 alone"):
            motion_capture(named(frames, 30, 30), walk, drop=("c2",))

    def test_nothing_to_evaluate_on(self, walk):
        for frames, lengths in ((np.full((4, 3), np.nan), (4,)), (np.ones((2, 3)), (1, 1))):
            with pytest.raises(ValueError, match="motion_capture: at least one held-out recording must hold two steps"):
                motion_capture(walk, named(frames, *lengths), drop=("c2",))

    def test_likelihoods(self, walk, key):
        """Of the frames that are there, against standard normal numbers."""
        frames = walk.frames.copy()
        frames[7] = np.nan
        task = motion_capture(walk, named(frames, 30, 30), drop=("c2",))
        found = evaluated(task, Says(jnp.zeros(2), -1.5), 2, key)
        seen = np.delete(np.asarray(task.test.frames), 7, axis=0)
        alone = -0.5 * np.square(seen).sum(axis=1) - np.log(2 * np.pi)
        np.testing.assert_allclose(found["independent_log_likelihood"], alone.mean(), rtol=1e-5)
        assert float(found["log_likelihood"]) == -1.5
        assert task.bounds(found)["log_likelihood"]["chance"] == found["independent_log_likelihood"]

    def test_a_slow_channel_is_not_constant_beside_a_lively_one(self, walk):
        """Each channel is measured by its own rounding errors."""
        wide = walk.frames.astype(np.float64)
        frames = np.concatenate([wide, 1e-9 * wide[:, :1], 1e9 + wide[:, :1]], axis=1)
        of = lambda kind: FrameSet(frames.astype(kind), np.array([30, 30]), ("c0", "c1", "c2", "c3", "c4"))
        assert constant_channels(of(np.float64)) == ("c2",)
        assert constant_channels(of(np.float32)) == ("c2", "c4")


class TestChanges:
    """What is seen is the posture and, after it, how it has changed."""

    FRAMES = np.array([[0.0], [1], [4], [np.nan], [2], [3], [7], [9], [8]])

    @pytest.fixture
    def task(self):
        return motion_capture(named(self.FRAMES, 5, 4), named(self.FRAMES, 5, 4), changes=True, length=3)

    def test_standardised_and_unknown_at_the_beginning_and_after_a_gap(self, task):
        assert task.width == 2 and task.channels == ("c0",)
        postures = (self.FRAMES - np.nanmean(self.FRAMES)) / np.nanstd(self.FRAMES)
        np.testing.assert_allclose(task.train.frames[:, :1], postures, atol=1e-6)
        changes = np.array([1.0, 3, 4, 2, -1]) / np.nanstd(self.FRAMES)  # 3 to 7, but not 2 to 3: another recording
        changes = (changes - changes.mean()) / changes.std()
        expected = [0, changes[0], changes[1], np.nan, 0, 0, *changes[2:]]
        np.testing.assert_allclose(task.train.frames[:, 1], expected, atol=1e-6)

    def test_the_next_posture_is_the_last_and_its_expected_change(self, task, key):
        """Told two standard deviations, whatever the posture told beside them; the frame that is missing is neither
        judged nor built upon."""
        step = 1.8 + 2 * np.std([1.0, 3, 4, 2, -1])
        last, after = np.array([0.0, 1, 4, 3, 7, 9]), np.array([1.0, 4, 2, 7, 9, 8])
        expected = np.mean(np.square(last + step - after)) / np.nanvar(self.FRAMES)
        found = evaluated(task, Says(jnp.array([55.0, 2.0]), 0.0), 2, key)
        np.testing.assert_allclose(found["frame_error"], expected, rtol=1e-5)
        np.testing.assert_allclose(found["repeat_error"], np.mean(np.square(last - after)) / np.nanvar(self.FRAMES))

    def test_the_regression_sees_the_changes(self, key):
        """A second-order law that no regression on the posture alone can know."""
        draw = np.random.default_rng(0)
        frames = np.cumsum(
            np.cumsum(draw.normal(size=(300, 1)) * 1e-3 + 0.1 * (draw.random((300, 1)) < 0.02), axis=0), axis=0
        )
        found = {
            changes: evaluated(
                motion_capture(named(frames, 300), named(frames, 300), changes=changes),
                Says(jnp.zeros(1 + changes), 0.0),
                1,
                key,
            )["linear_error"]
            for changes in (False, True)
        }
        assert found[True] < 0.5 * found[False]


class TestText:
    def test_one_hot_without_the_reference(self, key):
        task = characters("abcabc", "cab", length=3)
        piece = task.held_out(jnp.array(0), key=key)
        assert piece.inputs.tolist() == [[0, 1], [0, 0], [1, 0]]
        assert task.classes_of(piece.inputs).tolist() == [2, 0, 1]

    def test_bits_by_hand(self, key):
        task = characters("aaab", "abab", length=2)
        found = evaluated(task, Says(jnp.zeros(1), float(np.log(0.25))), 9, key)
        np.testing.assert_allclose(found["bits_per_character"], 2.0, rtol=1e-6)
        # single: a 4/6, b 2/6; pairs after a: aa 3/5, ab 2/5; after b: even
        np.testing.assert_allclose(found["unigram_bits"], -(np.log2(4 / 6) + np.log2(2 / 6)) / 2, rtol=1e-6)
        np.testing.assert_allclose(found["bigram_bits"], -(np.log2(4 / 6) + np.log2(2 / 5)) / 2, rtol=1e-6)

    def test_bad_texts_are_refused(self):
        with pytest.raises(ValueError, match="the alphabet lacks 'z'"):
            characters("abab", "zaba", alphabet="ab", length=2)
        with pytest.raises(ValueError, match="two different characters"):
            characters("aaaa", "aaaa", length=2)
        with pytest.raises(ValueError, match="two different characters"):
            characters("abab", "abab", alphabet="aab", length=2)
        with pytest.raises(ValueError, match="at least length=9"):
            characters("abab", "abab", length=9)


@pytest.fixture(scope="module")
def runner():
    rng = np.random.default_rng(11)
    time = np.arange(0, 400, 1 / 60)
    place = 320 + 200 * np.sin(2 * np.pi * time / 14)
    rate = 1.5 * np.exp(-np.square((place[:, None] - np.linspace(120, 520, 12)) / 45) / 2)
    moment, unit = np.nonzero(rng.random(rate.shape) < rate / 60)
    return Recording(time[moment] + 0.001, unit, 13, time, np.stack([place, np.full_like(place, 240)], axis=1))


class TestPlaceCells:
    def test_bins(self):
        """Counts and median places by hand; a lost frame of the tracker does not move the median."""
        time = np.arange(0, 4, 0.1)
        place = np.stack([10 * time, np.zeros_like(time)], axis=1)
        place[5] = 600
        spikes = np.array([0.0, 0.05, 1.5, 1.7, 3.95])
        counts, where = binned(Recording(spikes, np.array([0, 1, 0, 0, 1]), 2, time, place), 1.0)
        assert counts.tolist() == [[1, 1], [2, 0], [0, 0]]
        np.testing.assert_allclose(where[:, 0], [4.5, 14.5, 24.5], atol=0.51)
        np.testing.assert_allclose(speed(where, 1.0), [0, 10, 0], atol=0.3)
        with pytest.raises(ValueError, match="take shorter bins"):
            binned(Recording(spikes, np.array([0, 1, 0, 0, 1]), 2, time, place), 2.0)

    def test_runs(self):
        running = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1, 1, 1], bool)
        assert runs(running, bridge=1, min_length=2) == [(1, 5), (8, 13)]
        assert runs(running, bridge=0, min_length=3) == [(10, 13)]
        assert runs(np.zeros(4, bool), bridge=1, min_length=1) == []

    def test_held_out_in_time(self):
        assert parted([(0, 10), (20, 30)], 0.25) == ([(0, 10), (20, 25)], [(25, 30)])
        assert parted([(0, 10), (20, 30)], 0.5) == ([(0, 10)], [(20, 30)])

    @pytest.mark.slow
    def test_the_present_and_the_past(self, runner, key):
        """Who remembers is better than the decoder without memory, and it than one who is blind."""
        task = place_cells(runner)
        assert task.units == tuple(range(12))  # unit 12 never fires
        remembers = evaluated(task, Leaky(jnp.array([0.0, 0.6]), task.width), 100, key)
        blind = evaluated(task, Says(jnp.zeros(12), -1.0), 100, key)
        np.testing.assert_allclose(remembers["decoder_error"], blind["decoder_error"])
        assert float(remembers["decoder_error"]) < 100 < float(blind["position_error"])
        assert float(remembers["position_error"]) < float(remembers["decoder_error"])
        assert float(blind["log_likelihood"]) == -1.0

    def test_the_decoder_is_bayes(self, runner, key):
        """Fields and prior by hand at the place where the animal is most often."""
        task = place_cells(runner)
        fields, prior = task._fields()
        where = np.asarray(task.train.outcomes)
        weight = np.exp(-np.square(where[:, None] - np.asarray(task.grid)[None]).sum(-1) / (2 * 20**2))
        weight /= weight.max(1, keepdims=True)
        np.testing.assert_allclose(prior, weight.sum(0) / weight.sum(), rtol=1e-3)
        expected = weight.T @ np.asarray(task.train.frames) / weight.sum(0)[:, None] + 1e-3 * 0.25
        np.testing.assert_allclose(fields, expected, rtol=1e-3, atol=1e-5)
        counts = np.asarray(task.test.frames)
        posterior = counts @ np.log(expected).T - expected.sum(1) + np.log(weight.sum(0) / weight.sum())
        away = np.asarray(task.grid)[posterior.argmax(1)] - np.asarray(task.test.outcomes)
        found = evaluated(task, Says(jnp.zeros(12), -1.0), 100, key)
        np.testing.assert_allclose(found["decoder_error"], np.median(np.hypot(*away.T)), rtol=1e-3)

    def test_constant_rates_by_hand(self, runner, key):
        from scipy.stats import poisson

        task = place_cells(runner)
        rates = np.asarray(task.train.frames).mean(0) + 1e-3 * 0.25
        exact = poisson.logpmf(np.asarray(task.test.frames), rates).sum(1).mean()
        found = evaluated(task, Says(jnp.zeros(12), -1.0), 100, key)
        np.testing.assert_allclose(found["constant_log_likelihood"], exact, rtol=1e-4)

    def test_bad_arguments_are_refused(self, runner):
        with pytest.raises(ValueError, match="must be positive"):
            place_cells(runner, bin=0.0)
        with pytest.raises(ValueError, match=r"units 0\.\.12, got \[13\]"):
            place_cells(runner, drop=(13,))
        with pytest.raises(ValueError, match="the animal must run"):
            place_cells(runner, slowest=1e6)
        with pytest.raises(ValueError, match="no unit but those in drop"):
            place_cells(runner, drop=tuple(range(13)))
