"""Which rows are held out; what is different in another file; spikes in bins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.data import SchemaOptions, differences, documents_of, hold_out, infer, open_table
from vestige.data.tables.schema import Column, Schema
from vestige.errors import UsageError


def pair(lengths):
    table = open_table({"session": np.repeat(np.arange(len(lengths)), lengths), "x": np.arange(sum(lengths)) ** 0.5})
    return table, infer(table, SchemaOptions(document="session", inputs=("x",)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.floats(0.05, 0.6))
def test_parts_are_whole_documents_and_all_of_them(lengths, share):
    table, schema = pair(lengths)
    assert [end - begin for begin, end in documents_of(table, schema)] == lengths
    due = (1 - share) * sum(lengths)
    nearest = min(abs(np.cumsum(lengths)[:-1] - due), default=0.0)
    if sum(lengths) == 1 or nearest > due / 2:  # one row, or no cut is near
        return
    parts = hold_out(table, schema, share)
    rows = [row for begin, end in (*parts.train, *parts.held_out) for row in range(begin, end)]
    assert rows == list(range(sum(lengths)))
    assert parts.train and parts.held_out
    if len(lengths) > 1:
        assert {*parts.train, *parts.held_out} == set(documents_of(table, schema))
        assert abs(parts.train[-1][1] - due) == pytest.approx(nearest)


def test_parts_that_cannot_be_are_named():
    with pytest.raises(UsageError, match="rows 4 to 103 has 100 of 103 rows, and with it held out 3 rows are left"):
        hold_out(*pair([3, 100]))
    with pytest.raises(UsageError, match="1 rows leave none to train on"):
        hold_out(*pair([1]))
    for share in (0.0, 1.0, np.nan):
        with pytest.raises(UsageError, match="must be between 0 and 1"):
            hold_out(*pair([5, 5]), share)
    assert hold_out(*pair([10]), 0.2).note == "The last 2 of 10 rows are held out."


def test_a_document_that_returns_is_named():
    table = open_table({"s": list("aba"), "x": [1.0, 2.0, 3.0]})
    schema = Schema((Column("s", "text", "class", "document"), Column("x", "float64", "number", "input")), 3)
    with pytest.raises(UsageError, match="column 's', row 3: document 'a' goes on"):
        documents_of(table, schema)


def test_what_is_different_in_another_file():
    schema = infer(
        open_table({"x": [1.0, 2.0, 4.0], "c": ["a", "b", "a"], "u": [1.5, 2.0, 1.0], "gone": [1.5, 2.0, 3.0]}),
        SchemaOptions(units={"u": "mV"}),
    )
    other = infer(
        open_table({"c": ["a", "z", "b"], "x": [1.0, np.nan, 400.0], "u": ["k", "l", "m"], "new": [1, 2, 3]}),
        SchemaOptions(units={"u": "V"}),
    )
    assert differences(schema, schema) == ()
    assert differences(schema, other) == (
        "Columns are absent: gone.",
        "Columns are new, and are not read: new.",
        "Column 'x' was in 1..4, and is in 1..400.",
        "Column 'x' is missing in 1 of 3 rows, and never was.",
        "Column 'c' has classes that the training had not: z.",
        "Column 'u' was of kind number, and is of kind class.",
        "Column 'u' was in mV, and is in V.",
    )


SPIKES = {"time": [0.31, 0.05, 0.1, 0.19, 0.32], "unit": [7, 7, 12, 7, 12]}


def test_spikes_become_counts():
    table = open_table(SPIKES, bin_width=0.1)
    assert table.names == ("time", "unit_7", "unit_12") and table.rows == 4
    cells = table.read()
    np.testing.assert_allclose(cells["time"].values, [0.0, 0.1, 0.2, 0.3])
    np.testing.assert_array_equal(cells["unit_7"].values, [1, 1, 0, 1])
    np.testing.assert_array_equal(cells["unit_12"].values, [0, 1, 0, 1])
    schema = infer(table)
    assert {column.name: column.kind for column in schema.columns}["unit_7"] == "count"
    assert schema.time is not None and schema.column("unit_12").unit == "spikes"


def test_trains_of_spikes_are_units_by_name(tmp_path):
    np.savez(tmp_path / "s.npz", left=[0.05, 0.11, 0.12], right=[0.31], silent=np.zeros(0))
    table = open_table(tmp_path / "s.npz", bin_width=0.1)
    assert table.names == ("time", "unit_left", "unit_right", "unit_silent")
    np.testing.assert_array_equal(table.read()["unit_left"].values, [1, 2, 0, 0])
    assert not table.read()["unit_silent"].values.any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 3)), min_size=1, max_size=30))
def test_no_spike_is_lost(spikes):
    ticks, units = (np.array(part) for part in zip(*spikes, strict=True))
    table = open_table({"time": (ticks + 0.5) / 16, "unit": units}, bin_width=0.25)
    cells = table.read()
    for unit in np.unique(units):
        begins = cells["time"].values
        expected = [np.sum((units == unit) & (ticks // 4 == round(begin * 4))) for begin in begins]
        np.testing.assert_array_equal(cells[f"unit_{unit}"].values, expected)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ({"a": [1.0], "b": ["x"]}, {}, "no column says that it holds times"),
        ({"time": [1.0, np.nan], "unit": [1, 1]}, {}, "column 'time', row 2: a time of a spike must be a number"),
        ({"time": [0.0, 1e9], "unit": [1, 2]}, {}, "choose a larger --bin-width"),
        ({"time": [1.0], "unit": [1]}, {"spike_unit": "units"}, "no column 'units'"),
        ({"left": [1.0, np.inf], "right": [1.0]}, {}, "array 'left', row 2: a time of a spike must be finite"),
    ],
)
def test_spikes_that_cannot_be_counted(source, options, message):
    with pytest.raises(UsageError, match=message):
        open_table(source, bin_width=0.001, **options)
