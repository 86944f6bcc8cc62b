"""Perfect recall across a gap, and the generative model that is evaluated on it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.sequences.conformance import compiled, conforms
from tests.tasks.frame_tasks import TEST, TRAIN
from tests.tasks.longterm.remembering import scanned
from vestige.tasks.longterm import GapRecall

TASK = GapRecall(TRAIN, TEST, num_images=3, gap=6)


@pytest.mark.slow
def test_conforms(key):
    conforms(jax.jit(lambda key: TASK.sequence(key=key))(key))


def test_golden(key):
    sequence = jax.jit(lambda key: TASK.sequence(key=key))(key)
    window = compiled(sequence, jnp.array(0), 12)
    frames, given = np.asarray(window.outcomes), np.asarray(window.inputs.condition)
    np.testing.assert_array_equal(frames[:3], sequence.images)
    np.testing.assert_array_equal(frames[3:9], 0)
    np.testing.assert_array_equal(frames[9:], sequence.images)
    np.testing.assert_array_equal(given[:3], np.eye(5)[:3] + np.eye(5)[3])
    np.testing.assert_array_equal(given[3:9], 0)
    np.testing.assert_array_equal(given[9:], np.eye(5)[:3] + np.eye(5)[4])
    np.testing.assert_array_equal(window.inputs.frame[1:], frames[:-1])
    np.testing.assert_array_equal(window.inputs.before[1:], given[:-1])
    np.testing.assert_array_equal(window.inputs.first, [True] + 11 * [False])
    np.testing.assert_array_equal(TASK.queries(sequence), [9, 10, 11])
    np.testing.assert_array_equal(TASK.eval_steps(sequence), [0, 1, 2, 9, 10, 11])


def test_held_out_images_are_those_of_the_other_pool(key):
    pools = {"train": TRAIN, "test": TEST}
    ink = {name: {np.asarray(p >= 128).tobytes() for p in pool.pixels} for name, pool in pools.items()}
    shown = [np.asarray(image > 0.5).tobytes() for image in TASK.held_out(key=key).images]
    assert all(one in ink["test"] for one in shown)
    trained = [np.asarray(image > 0.5).tobytes() for image in TASK.sequence(key=key).images]
    assert all(one in ink["train"] for one in trained)


def test_gaps_to_train_on_may_be_shorter(key):
    task = GapRecall(TRAIN, TEST, num_images=2, gap=100, min_distance=1)
    lengths = np.asarray(jax.jit(lambda key: task.batch(size=200, key=key).inputs.length)(key))
    assert lengths.min() == 5 and np.median(lengths) < 9 and lengths.max() <= 104
    assert int(task.held_out(key=key).length) == 104


class Ledger(eqx.Module):
    """Keeps every image under its name, and pays 7 for a frame it does not know, 1 in pixels for any."""

    def init(self):
        return jnp.full((3, *TRAIN.frame_shape), -1.0)

    def encode(self, state, inputs, mask):
        def note(state, seen):
            named = seen.before[:3] * seen.before[3] * (1.0 - seen.first.astype(jnp.float32))
            named = named[:, None, None]
            return named * seen.frame[None] + (1 - named) * state

        return scanned(note, state, inputs, mask)

    def described(self, memory, inputs, outcome):
        known = jnp.any(jnp.all(memory == outcome[None], axis=(1, 2)))
        return jnp.where(known, 0.0, 7.0), jnp.array(1.0)


@pytest.mark.parametrize("read_size", [1, 4, 200])
def test_who_keeps_the_images_pays_for_the_fresh_ones_alone(read_size, key):
    task = GapRecall(TRAIN, TEST, num_images=3, gap=9)
    metrics = eqx.filter_jit(task.evaluate)(Ledger(), size=40, key=key, read_size=read_size)
    assert float(metrics["kl_recall"]) == float(metrics["kl_last"]) == 0
    assert 6.5 < float(metrics["kl_fresh"]) <= 7  # the same image may be drawn twice
    assert float(metrics["negative_bound"]) == pytest.approx(float(metrics["kl_fresh"]) / 2 + 1)
    assert task.bounds(metrics)["kl_recall"] == {"best": 0.0, "chance": float(metrics["kl_fresh"])}


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"num_images": 0}, "num_images must be at least 1, got num_images=0"),
        ({"gap": 0}, "gap must be at least 1, got gap=0"),
        ({"gap": 5, "min_distance": 6}, "min_distance must be in 1..gap, 1..5, got 6"),
    ],
)
def test_what_makes_no_sense_is_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        GapRecall(TRAIN, TEST, **sizes)
