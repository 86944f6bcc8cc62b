"""Missing values in place of which the last one stands."""

import numpy as np

from vestige.data.carried import carried_forward

DRAW = np.random.default_rng(0)


def by_hand(frames, starts):
    """Row by row."""
    mean = np.nanmean(frames, axis=0)
    rows, kept, last = [], [], mean
    for row, values in enumerate(frames):
        if row in starts:
            last = mean
        if np.isnan(values).all():
            continue
        last = np.where(np.isnan(values), last, values)
        rows.append(last)
        kept.append(row)
    return np.array(rows), np.array(kept)


def test_agrees_with_a_walk_from_row_to_row():
    frames = DRAW.normal(size=(60, 3))
    frames[DRAW.random(frames.shape) < 0.4] = np.nan
    frames[20] = np.nan
    starts = np.array([0, 17, 21])
    found = carried_forward(frames, starts)
    expected, kept = by_hand(frames, set(starts.tolist()))
    np.testing.assert_allclose(found.frames, expected, atol=1e-12)
    np.testing.assert_array_equal(found.row, kept)
    np.testing.assert_array_equal(found.there, np.isfinite(frames[kept]))
    np.testing.assert_array_equal(found.recording, np.searchsorted(starts, kept, side="right") - 1)


def test_a_recording_of_which_nothing_is_there_keeps_its_number():
    frames = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, np.nan]])
    found = carried_forward(frames, np.array([0, 1, 2]))
    np.testing.assert_array_equal(found.recording, [0, 2])
    np.testing.assert_array_equal(found.age, [0, 0])
    np.testing.assert_array_equal(found.frames, [[1.0, 2.0], [3.0, 2.0]])  # nothing is carried across


def test_whole_steps_are_as_they_are():
    frames = DRAW.normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_array_equal(carried_forward(frames, np.array([0])).frames, frames)
    assert len(carried_forward(np.full((4, 2), np.nan), np.array([0])).frames) == 0
