"""Dynamic dependency: the chain of positions, and the copies it makes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.frame_tasks import TEST, TRAIN
from vestige.tasks import DynamicDependency, ImagePool
from vestige.tasks.dynamic import chain

FIGURE_9 = [7, 7, 1, 0, 6, 2, 3, 4, 3, 1, 3, 6, 6, 2, 4, 2, 7, 5, 5, 8]


def test_the_example_of_figure_9():
    positions = chain(jnp.array(FIGURE_9), 5)
    np.testing.assert_array_equal(positions, [8, 3, 0, 7, 4])
    assert [FIGURE_9[i] for i in positions] == [3, 0, 7, 4, 6]


def test_a_digit_at_its_own_position_is_never_left():
    labels = jnp.array([5, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(chain(labels, 4), [1, 1, 1, 1])


def test_each_copy_is_the_frame_that_the_last_digit_points_at(key):
    task = DynamicDependency(TRAIN, TEST, l=12, k=4)
    sequences = jax.jit(jax.vmap(lambda k: task.sequence(TRAIN, key=k)))(jax.random.split(key, 50))
    frames, labels = np.asarray(sequences.batch.inputs), np.asarray(sequences.facts["labels"])
    assert labels.shape == (50, 16)
    for i in range(50):
        for t in range(12, 16):
            pointed = labels[i, t - 1]
            assert sequences.facts["positions"][i, t - 12] == pointed
            assert labels[i, t] == labels[i, pointed]
            np.testing.assert_array_equal(frames[i, t], frames[i, pointed])
    np.testing.assert_array_equal(sequences.predictable, np.tile(np.arange(16) >= 12, (50, 1)))


def test_labels_are_those_of_the_frames(key):
    task = DynamicDependency(TRAIN, TEST, l=12, k=4)
    sequence = task.sequence(TRAIN, key=key)
    inked = np.asarray(TRAIN.pixels) >= 128
    for frame, label in zip(np.asarray(sequence.batch.inputs), sequence.facts["labels"], strict=True):
        found = np.flatnonzero((inked == frame.astype(bool)).all(axis=(1, 2)))
        assert TRAIN.labels[found[0]] == label


@pytest.mark.parametrize(("l", "k", "message"), [(9, 1, "l >= 10; got l=9"), (10, 0, "at least 1, got k=0")])
def test_impossible_lengths_are_refused(l, k, message):
    with pytest.raises(ValueError, match=message):
        DynamicDependency(TRAIN, TEST, l=l, k=k)


def test_images_without_labels_are_refused():
    with pytest.raises(ValueError, match="DynamicDependency: the images have no labels"):
        DynamicDependency(TRAIN, ImagePool(TEST.pixels))
    with pytest.raises(ValueError, match="digits 0..9, got 5..14"):
        DynamicDependency(ImagePool(TRAIN.pixels, TRAIN.labels + 5), TEST)
