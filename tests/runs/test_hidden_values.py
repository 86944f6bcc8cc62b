"""Intervals of what is filled in, calibrated on hidden values."""

import numpy as np
import pytest

from vestige.data.tables import open_table
from vestige.data.tables.hidden import HiddenTable
from vestige.runs.hidden_values import LEAST, distances, factor, widths
from vestige.tasks.completions import AbstractCompleter, CompletedRows, Wanted

NAN = np.nan
DRAW = np.random.default_rng(0)
WANTED = Wanted(100, 0, 0)


class Neighbours(AbstractCompleter):
    """Fills in the mean of the rows before and after, with normal samples that are `narrow` times as wide as right."""

    def __init__(self, narrow=1.0, reals=True):
        self.narrow, self.reals, self.asked = narrow, reals, []

    def seen(self, table, rows):
        if not self.reals:
            return None
        cells = table.read()
        return np.stack([np.where(c.missing, NAN, c.values) for c in cells.values()], axis=1)[:rows]

    def completed(self, table, wanted):
        cells = table.read()
        seen = np.stack([np.where(c.missing, NAN, c.values) for c in cells.values()], axis=1)
        self.asked.append(seen)
        draw = np.random.default_rng(1)
        for start in range(0, len(seen), 7):
            part = seen[start : start + 7]
            noise = self.narrow * draw.normal(size=(len(part), wanted.particles, part.shape[1]))
            samples = np.where(np.isnan(part)[:, None], noise, part[:, None])
            yield CompletedRows(start, part, samples, np.full(samples.shape[:2], 1 / wanted.particles))


def source(rows=800, share=0.2):
    values = DRAW.normal(size=(rows, 2))
    values[DRAW.random(values.shape) < share] = NAN
    return values, open_table({"a": values[:, 0], "b": values[:, 1]})


@pytest.mark.parametrize("narrow", [1.0, 0.25])
def test_intervals_are_as_wide_as_it_takes(narrow):
    values, table = source()
    completer = Neighbours(narrow)
    found = widths(completer, table, ("a", "b"), WANTED, 0.9)
    (asked,) = completer.asked
    hidden = np.isnan(asked) & ~np.isnan(values)
    assert found.counts.tolist() == hidden.sum(axis=0).tolist() and hidden.sum() > 200
    np.testing.assert_array_equal(asked[~hidden], values[~hidden])
    np.testing.assert_array_equal(hidden, np.roll(np.isnan(values), found.shift, axis=0) & ~np.isnan(values))
    np.testing.assert_allclose(found.factors, 1 / narrow, rtol=0.2)
    assert (found.own > 0.8).all() if narrow == 1 else (found.own < 0.5).all()
    fresh = DRAW.normal(size=(4000, 2))
    ends = narrow * 1.645 * np.ones((4000, 2))
    low, high = found.apply(np.zeros((4000, 2)), -ends, ends)
    np.testing.assert_allclose(((low <= fresh) & (fresh <= high)).mean(axis=0), 0.9, atol=0.05)
    assert f"{found.counts.sum():,} values that are there were hidden" in found.sentence(0.9)


def test_nothing_is_widened_where_nothing_can_be_hidden():
    _, table = source(share=0.0)
    found = widths(Neighbours(), table, ("a", "b"), WANTED, 0.9)
    assert found.factors.tolist() == [1, 1] and "not calibrated" in found.sentence(0.9)
    found = widths(Neighbours(reals=False), source()[1], ("a", "b"), WANTED, 0.9)
    assert found.factors.tolist() == [1, 1] and np.isnan(found.own).all()


def test_a_channel_with_few_values_takes_the_factor_of_all():
    values, _ = source()
    values[:, 1] = np.where(np.arange(800) < 780, DRAW.normal(size=800), NAN)
    table = open_table({"a": values[:, 0], "b": values[:, 1]})
    found = widths(Neighbours(0.25), table, ("a", "b"), WANTED, 0.9)
    assert 0 < found.counts[1] < LEAST and found.factors[1] > 2
    few = widths(Neighbours(0.25), open_table({"a": values[:30, 0], "b": values[:30, 1]}), ("a", "b"), WANTED, 0.9)
    assert 0 < few.counts.sum() < LEAST and few.factors.tolist() == [1, 1]


def test_distances_and_their_quantile_by_hand():
    seen = np.array([[1.0, 1.0, 3.0, NAN, 0.0]])
    mean, low, high = np.array([[0.0, 2.0, 1.0, 0, 0]]), np.array([[-1.0, 0, 1, 0, 0]]), np.array([[2.0, 3, 1, 0, 0]])
    np.testing.assert_array_equal(distances(seen, mean, low, high), [[0.5, 0.5, np.inf, NAN, 0.0]])
    far = np.arange(1.0, 100.0)
    assert factor(far, 0.9) == 90.0 and factor(far[: LEAST - 1], 0.5) is None
    assert factor(far, 0.995) is None and factor(np.full(99, np.inf), 0.9) is None


def test_a_hidden_table_is_its_beginning_with_less_of_it():
    table = open_table({"a": np.arange(10.0), "b": np.arange(10), "c": list("abcdefghij")})
    hidden = np.zeros((7, 1), bool)
    hidden[[0, 6]] = True
    shown = HiddenTable(table, ("a",), hidden)
    for size in (None, 3):
        cells = [batch.cells for batch in shown.batches(size=size)]
        assert np.concatenate([c["a"].missing for c in cells]).tolist() == [True, *[False] * 5, True]
        assert np.concatenate([c["c"].values for c in cells]).tolist() == list("abcdefg")
        assert not np.concatenate([c["b"].missing for c in cells]).any()
    assert shown.rows == 7 and shown.names == table.names and shown.place(3) == table.place(3)
