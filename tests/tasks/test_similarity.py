"""Similarity-cued recall: where it starts, and which frames a cue determines."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.frame_tasks import TEST, TRAIN
from vestige.tasks import SimilarityRecall
from vestige.tasks.similarity import determined


def drawn(task, key, count):
    return jax.jit(jax.vmap(lambda k: task.sequence(TRAIN, key=k)))(jax.random.split(key, count))


def test_every_place_is_a_start_equally_often(key):
    starts = np.asarray(drawn(SimilarityRecall(TRAIN, TEST, l=8, k=3), key, 10_000).facts["start"])
    found, counts = np.unique(starts, return_counts=True)
    np.testing.assert_array_equal(found, np.arange(5))
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(10_000 * 4 / 25)


@pytest.mark.parametrize("pool_size", [None, 3])
def test_a_stretch_of_the_past_comes_again_bit_for_bit(pool_size, key):
    sequences = drawn(SimilarityRecall(TRAIN, TEST, l=8, k=3, pool_size=pool_size), key, 20)
    for frames, start in zip(np.asarray(sequences.batch.inputs), sequences.facts["start"], strict=True):
        np.testing.assert_array_equal(frames[8:], frames[start : start + 3])


def test_a_small_pool_has_few_images(key):
    sequences = drawn(SimilarityRecall(TRAIN, TEST, l=20, k=3, pool_size=3), key, 20)
    kinds = [len(np.unique(frames.reshape(23, -1), axis=0)) for frames in np.asarray(sequences.batch.inputs)]
    assert max(kinds) == 3


def sequence_of(letters):
    return jnp.array([ord(letter) for letter in letters], jnp.float32)[:, None]


@pytest.mark.parametrize(
    ("letters", "start", "known"),
    [
        ("abcdef", 1, [False, True, True]),  # three places, all frames different
        ("abadex", 0, [False, False, True]),  # the cue a fits two places, b only one
        ("ababab", 0, [False, True, True]),  # wherever it is, b follows a
        ("abcabd", 0, [False, True, True]),  # the second a is no place to start from
        ("aaaaaa", 2, [True, True, True]),
        ("abcd", 0, [True, True, True]),  # one place only: no choice
    ],
)
def test_a_frame_is_known_where_all_places_that_fit_agree(letters, start, known):
    np.testing.assert_array_equal(determined(sequence_of(letters), jnp.array(start), 3), known)


def test_marks_begin_after_the_cue(key):
    marks = np.asarray(drawn(SimilarityRecall(TRAIN, TEST, l=8, k=3), key, 200).predictable)
    assert not marks[:, :8].any()
    assert marks[:, 8].mean() < 0.05 and marks[:, 9:].mean() > 0.9


def test_the_cue_costs_at_least_the_choice_among_places():
    bounds = SimilarityRecall(TRAIN, TEST, l=20, k=5).bounds({"kl_fresh": jnp.array(22.0)})
    assert bounds["kl_cue"] == {"best": math.log(15), "chance": 22.0}
    assert bounds["curves"]["kl_per_frame"] == [22.0] * 20 + [math.log(15)] + [0.0] * 4


def test_the_cue_is_judged_by_itself(key):
    task = SimilarityRecall(TRAIN, TEST, l=8, k=3)
    judged = task.sequence_metrics(None, task.sequence(TEST, key=key), jnp.arange(11, dtype=jnp.float32), key=key)
    assert float(judged["kl_cue"].mean) == 8.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l": 5, "k": 5}, "k < l; got l=5, k=5"),
        ({"l": 5, "k": 1}, "k >= 2; got k=1"),
        ({"pool_size": 1}, "pool_size >= 2, got 1"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SimilarityRecall(TRAIN, TEST, **options)
