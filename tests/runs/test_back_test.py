"""Quantiles moved so that they say what they mean, and the summary of a back-test by hand."""

import math

import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.runs.back_test import Record, Shifts, back_test_rows
from vestige.tasks.forecasts import Forecast

ANY = (-np.inf, np.inf)


def test_shifts_are_order_statistics():
    beyond = np.arange(1.0, 20)[::-1, None, None, None] * np.ones((1, 3, 1, 2))  # 19 of each
    beyond[:, 1, 0, 1] = np.nan
    beyond[0, 1, 0, 1] = 3.0
    found = Shifts.of(beyond, np.array([0.05, 0.5, 0.95])).by
    assert found[:, 0, 0].tolist() == [1.0, 10.0, 19.0]  # ranks 20 · level
    assert found[1, 0, 1] == 3.0
    assert np.isnan(Shifts.of(beyond[:18], np.array([0.05, 0.5, 0.95])).by[[0, 2]]).all()


def test_moved_quantiles_cover_further_values():
    draw = np.random.default_rng(0)
    levels = np.array([0.05, 0.5, 0.95])
    narrow = np.array([-0.1, 0.0, 0.1])[:, None, None]
    errors = draw.standard_t(3, size=(4000, 1, 1)) + 1
    moved = Shifts.of(errors[:2000, None] - narrow, levels).moved(narrow, ANY)
    below = (errors[2000:, None] <= moved).mean(axis=0)[:, 0, 0]
    assert (np.abs(below - levels) < 4 * math.sqrt(2 * 0.25 / 2000)).all()
    assert Shifts(np.array([1.0, -1.0])[:, None, None]).moved(np.zeros((2, 1, 1)), (0, 5))[:, 0, 0].tolist() == [0, 1]


def test_pairs_of_quantiles_move_alike():
    """19 origins of errors 1 … 19 to one side widen both sides."""
    levels = np.array([0.05, 0.5, 0.95])
    seen = np.arange(1.0, 20)[:, None, None, None] * np.ones((1, 3, 1, 1))
    found = Shifts.symmetric(seen, -seen, levels).by[:, 0, 0]
    assert found.tolist() == [-19.0, 0.0, 19.0]  # ranks 1 and 38 of -19 … -1, 1 … 19
    assert np.isnan(Shifts.symmetric(seen[:9], -seen[:9], levels).by[[0, 2]]).all()
    assert np.isfinite(Shifts.symmetric(seen[:10], -seen[:10], levels).by).all()


def forecast(row, said, came):
    return Forecast(
        row, {}, np.array(said)[:, None, None], np.array([1.0]), None, np.array([[2.0]]), np.array([[came]])
    )


def test_the_summary_by_hand():
    record = Record(("x",), np.array([2.0]), np.array([0.25, 0.75]), ANY, None)
    for row, came in ((3, 3.0), (5, 5.0), (7, np.nan)):
        record.add(forecast(row, [1.0, 3.0, 5.0], came))
    found = record.summary()
    assert (found.origins, found.first, found.last, found.interval) == (3, 4, 8, 0.5)
    assert {who: each.tolist() for who, each in found.errors.items()} == {
        "model": [0.5],  # errors 0 and 2, in units of 2
        "last": [2.5],
        "linear": [1.25],
    }
    assert found.channels == {"x": {"model": math.sqrt(2), "last": math.sqrt(10), "linear": math.sqrt(5)}}
    assert found.coverage.tolist() == [0.5] and np.isnan(found.calibrated_coverage).all()
    assert found.sentence() == "Over 1 step the model beats the last value by 80%, linear regression by 60%."
    assert Record(("x",), np.ones(1), np.array([0.5]), ANY, None).summary() is None


def test_rows_of_a_back_test():
    wanted = {"horizon": 3, "lead": 2, "origins": None, "every": None, "held_out": None}
    rows = lambda **changed: back_test_rows(((0, 10), (10, 14), (14, 24)), "t", **{**wanted, **changed}).tolist()
    assert rows(origins=100) == [1, 2, 3, 4, 5, 6, 15, 16, 17, 18, 19, 20]
    assert rows(origins=2) == [4, 18] and rows(every=3) == [3, 6, 17, 20]
    assert rows(origins=100, held_out=0.4) == [5, 6, 19, 20]  # all steps among the last 4
    with pytest.raises(UsageError, match="needs a document of at least 12 rows, the longest has 10"):
        rows(origins=3, horizon=10)
    with pytest.raises(UsageError, match="at most 10,000 origins, got 19,997; choose a larger --every"):
        back_test_rows(((0, 20_001),), "t", **{**wanted, "every": 1})
