"""Recordings as sequences, and what a memory is judged by."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.sequences.conformance import conforms
from tests.tasks.twocolors.invented import invented
from vestige.tasks.twocolors import ColorEpisodes


def on_device(recorded):
    return jax.tree.map(jnp.asarray, recorded)


TRAIN, HELD_OUT = invented(6, seed=1), invented(20, seed=2)


@pytest.fixture
def task():
    return ColorEpisodes(on_device(TRAIN), on_device(HELD_OUT))


def test_windows_conform():
    conforms(on_device(TRAIN).sequence(jnp.array(2)))


def test_a_sequence_is_its_episode():
    for index, (begin, length) in enumerate(zip(TRAIN.begins, TRAIN.lengths, strict=True)):
        window = on_device(TRAIN).sequence(jnp.array(index)).window(jnp.array(0), TRAIN.horizon)
        own = slice(begin, begin + length)
        assert window.inside.tolist() == [step < length for step in range(TRAIN.horizon)]
        np.testing.assert_array_equal(window.inputs.picture[:length], TRAIN.frames[own])
        np.testing.assert_array_equal(window.outcomes[:length], TRAIN.rewards[own])
        numbers = np.asarray(window.inputs.numbers[:length])
        np.testing.assert_array_equal(numbers[:, 4:], np.eye(4)[TRAIN.actions[own]])
        np.testing.assert_array_equal(numbers[1:, :4], numbers[:-1, 4:])
        assert not numbers[0, :4].any()


def test_a_batch_is_of_training_episodes(task, key):
    batch = task.batch(size=40, key=key).inputs
    known = {(episode.tobytes(), length) for episode, length in _episodes(TRAIN)}
    found = {
        (np.asarray(frames[:length]).tobytes(), int(length))
        for frames, length in zip(batch.inputs.picture, batch.length, strict=True)
    }
    assert found <= known and len(found) == len(known)


def _episodes(recorded):
    for begin, length in zip(recorded.begins, recorded.lengths, strict=True):
        yield recorded.frames[begin : begin + length], int(length)


class Blind(eqx.Module):
    """Sees no pillar; predicts half of what would come if the pillar had been red."""

    context: int = eqx.field(static=True, default=3)

    def __call__(self, inputs, inside):
        return 0.5 * _worth(inputs)[self.context - 1 :, None]


class Oracle(eqx.Module):
    """Keeps the pillar as its state; before the first step it is of no opinion."""

    detector: Blind = Blind()

    def init(self):
        return jnp.zeros(1)

    def encode(self, state, inputs, mask=None):
        pillar = inputs.picture[:, 0, 0, 0].astype(jnp.float32) / 255.0
        first = 2.0 * pillar[:1] - 1.0
        after = first if mask is None else jnp.where(mask[0], first, state)
        return after, jnp.broadcast_to(after, (len(pillar), 1))

    def predict(self, memory, inputs):
        return memory * _worth(inputs)


def _worth(inputs):
    colors = inputs.picture[..., 0, 0, :].astype(jnp.float32) / 255.0
    return (colors[..., 2] - colors[..., 1]) * (1.0 - inputs.numbers[..., 4])


def test_who_remembers_errs_nowhere_and_who_does_not_everywhere(task, key):
    metrics = eqx.filter_jit(task.evaluate)(Oracle(), size=20, key=key)
    bounds = task.bounds(metrics)
    assert metrics.keys() == bounds.keys()
    assert float(metrics["mse"]) == 0 and float(metrics["right"]) == 1
    np.testing.assert_allclose(metrics["mse_forgetful"], 1.0)
    picked = HELD_OUT.rewards != 0
    blind = 0.5 * np.where(HELD_OUT.frames[:, 0, 0, 2] > 0, 1, -1)
    expected = np.mean(np.square(blind - HELD_OUT.rewards)[picked])
    np.testing.assert_allclose(metrics["mse_local"], expected, rtol=1e-6)
    gained = HELD_OUT.rewards[picked]
    np.testing.assert_allclose(bounds["mse"]["chance"], np.var(gained), rtol=1e-6)
    assert bounds["right"] == {"best": 1.0, "chance": pytest.approx(max(np.mean(gained > 0), np.mean(gained < 0)))}


def test_all_held_out_episodes_are_judged_whatever_the_key(task, key):
    one, other = (task.evaluate(Oracle(Blind(1)), size=20, key=k) for k in jax.random.split(key, 2))
    np.testing.assert_allclose(one["mse_local"], other["mse_local"], rtol=1e-6)


def test_all_are_taken_where_there_are_no_more(task, key):
    some, more = (task.evaluate(Oracle(Blind(1)), size=size, key=key) for size in (20, 21))
    assert {name: float(value) for name, value in more.items()} == {k: float(v) for k, v in some.items()}


def test_an_evaluation_of_nothing_is_refused(task, key):
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        task.evaluate(Oracle(), size=0, key=key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": 5}, r"lengths must be in 1..5 \(horizon\)"),
        ({"begins": TRAIN.begins + 1}, "an episode reaches beyond"),
    ],
)
def test_recordings_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TRAIN, **change)
