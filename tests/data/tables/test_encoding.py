"""Numbers for a model, and back to the columns of the user."""

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vestige.data import Encoder, Scales, SchemaOptions, fit_scales, infer, open_table, require_columns
from vestige.errors import UsageError

HOURS = np.datetime64("2020-01-01") + np.arange(60) * np.timedelta64(1, "h")
RNG = np.random.default_rng(3)
MIXED = {
    "session": np.repeat(["a", "b", "c"], 20),
    "when": np.tile(HOURS[:20], 3),
    "x": np.where(RNG.uniform(size=60) < 0.2, np.nan, RNG.normal(5.0, 2.0, 60)),
    "n": RNG.poisson(3, 60),
    "b": RNG.integers(0, 2, 60),
    "c": RNG.choice(["red", "green", None], 60),
}


def fitted(source, **options):
    table = open_table(source)
    schema = infer(table, SchemaOptions(**options))
    return table, schema, Encoder.fit(table, schema)


def encoded(encoder, table, size=None):
    batches = list(encoder.encode(table, size=size))
    return [
        np.concatenate([getattr(batch, name) for batch in batches]) for name in ("values", "mask", "resets", "times")
    ]


@pytest.mark.parametrize("size", [None, 7])
def test_mixed_kinds_go_there_and_back(size):
    table, schema, encoder = fitted(MIXED)
    values, mask, resets, times = encoded(encoder, table, size)
    assert [column.name for column in schema.modelled] == ["x", "n", "b", "c"]
    assert values.dtype == np.float32 and values.shape == (60, 4)
    assert np.flatnonzero(resets).tolist() == [0, 20, 40]
    np.testing.assert_array_equal(times[:20], HOURS[:20].astype("datetime64[s]").astype(float))
    np.testing.assert_array_equal(mask[:, 0], ~np.isnan(MIXED["x"]))
    assert not values[~mask].any() and not np.isnan(values).any()
    known = values[mask[:, 0], 0].astype(np.float64)
    assert abs(known.mean()) < 1e-6 and known.std() == pytest.approx(1.0, abs=1e-6)
    back = encoder.decode(values, mask)
    np.testing.assert_allclose(back["x"], MIXED["x"], rtol=1e-6)
    np.testing.assert_array_equal(back["n"], MIXED["n"])
    np.testing.assert_array_equal(back["b"], MIXED["b"])
    assert back["c"].tolist() == MIXED["c"].tolist()


def test_an_encoder_is_plain_json_and_back():
    _, _, encoder = fitted(MIXED)
    assert Encoder.from_plain(json.loads(json.dumps(encoder.as_plain(), allow_nan=False))) == encoder
    for plain in (
        {},
        {"schema": 1, "scales": 2},
        {**encoder.as_plain(), "scales": {"centre": {}, "scale": {"x": 0}, "rows": 1}},
    ):
        with pytest.raises(UsageError, match="stored"):
            Encoder.from_plain(plain)


def test_a_large_level_keeps_its_digits():
    level = 1e7 + RNG.normal(size=500)
    table, _, encoder = fitted(
        {"level": level, "memory": 8e9 + 1e6 * RNG.normal(size=500), "small": 1e-200 * RNG.normal(size=500)}
    )
    values, mask, *_ = encoded(encoder, table)
    np.testing.assert_allclose(values.std(axis=0), 1.0, atol=1e-6)
    np.testing.assert_allclose(encoder.decode(values, mask)["level"], level, rtol=0, atol=1e-6)


FINITE = st.floats(-1e150, 1e150).filter(lambda x: x == 0 or abs(x) > 1e-150)


@settings(max_examples=80, deadline=None)
@example([0.0, 0.35, 0.0], 1e7, 1)  # where means that are not relative to a value lose seven digits
@given(st.lists(FINITE, min_size=2, max_size=20), st.sampled_from([0.0, 1e7, -1e12]), st.integers(1, 7))
def test_scales_are_those_of_exact_arithmetic(values, offset, size):
    values = [value + offset for value in values]
    table = open_table({"x": values, "other": np.arange(len(values)) * 0.5})
    schema = infer(table, SchemaOptions(inputs=("x",), kinds={"x": "number"}))
    table.batches = lambda names=None, size=None, whole=table.batches: whole(names, size=_SIZE[0])  # type: ignore
    _SIZE[0] = size
    scales = fit_scales(table, schema)
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    variance = sum((value - mean) ** 2 for value in exact) / len(exact)
    if variance == 0:
        assert scales.scale["x"] == 1.0 and scales.centre["x"] == values[0]
        return
    spread = max(exact) - min(exact)
    assert (
        abs(Fraction(scales.centre["x"]) - mean)
        <= Fraction(1, 10**9) * spread + Fraction(max(map(abs, values))) / 2**50
    )
    assert scales.scale["x"] ** 2 == pytest.approx(float(variance), rel=1e-9) or float(variance) in (0.0, np.inf)


_SIZE = [1]


def test_scales_are_fitted_on_the_training_rows_alone():
    table = open_table({"x": np.r_[np.arange(10.0), 1e6 + np.arange(10.0)]})
    schema = infer(table, SchemaOptions(kinds={"x": "number"}, inputs=("x",)))
    assert fit_scales(table, schema, [(0, 10)]) == Scales({"x": 4.5}, {"x": np.arange(10.0).std()}, 10)
    assert fit_scales(table, schema, [(0, 2), (4, 6)]).centre["x"] == 2.5
    with pytest.raises(UsageError, match="no row is left"):
        fit_scales(table, schema, [])


def test_a_column_without_a_value_in_training_is_named():
    table = open_table({"x": [np.nan, np.nan, 1.0, 2.0], "y": [1.0, 2.0, 4.0, 3.0]})
    with pytest.raises(UsageError, match="column 'x' has no value in the 2 rows"):
        Encoder.fit(table, infer(table), [(0, 2)])
    table = open_table({"x": [1.5, 1.5, 5.0], "y": [1.0, 2.0, 4.0]})
    assert Encoder.fit(table, infer(table), [(0, 2)]).scales.scale["x"] == 1.0


def test_gaps_are_an_input_inside_documents():
    when = HOURS[[0, 1, 5, 6, 0, 2, 3, 4]]
    table, schema, encoder = fitted({"session": list("aaaabbbb"), "when": when, "x": np.arange(8.0) ** 2})
    assert [column.name for column in schema.modelled] == ["x", "gap"]
    for size in (None, 3):
        values, mask, *_ = encoded(encoder, table, size)
        gaps = encoder.decode(values, mask)["gap"]
        np.testing.assert_allclose(gaps / 3600, [np.nan, 1, 4, 1, np.nan, 2, 1, 1], rtol=1e-6)


def test_another_order_of_columns_and_absent_outcomes_do_not_matter():
    source = {"x": [1.0, 2.0, 4.0], "y": ["a", "b", "a"]}
    table, _, encoder = fitted(source, outcomes=("y",))
    values, mask, *_ = encoded(encoder, table)
    swapped, swapped_mask, *_ = encoded(encoder, open_table({"z": [0, 0, 0], "y": source["y"], "x": source["x"]}))
    np.testing.assert_array_equal(values, swapped)
    np.testing.assert_array_equal(mask, swapped_mask)
    alone, alone_mask, *_ = encoded(encoder, open_table({"x": source["x"]}))
    np.testing.assert_array_equal(alone[:, 0], values[:, 0])
    assert not alone_mask[:, 1].any()
    with pytest.raises(
        UsageError, match="lacks columns of the training data: x. It has X. Did you mean 'X'|lacks columns"
    ):
        encoded(encoder, open_table({"X": [1.0]}))
    require_columns(open_table({"x": [1.0]}), encoder.schema, outcomes=False)
    with pytest.raises(UsageError, match="training data: y"):
        require_columns(open_table({"x": [1.0]}), encoder.schema)


FAULTS = {
    "word": ({"x": ["1", "2.5", "4"]}, {"x": ["1", "two", "3"]}, "column 'x', row 2: a number is expected, got 'two'"),
    "infinity": ({"x": [1.0, 2.5, 4.0]}, {"x": [1.0, np.inf]}, "column 'x', row 2: a number is expected, got 'inf'"),
    "class": ({"c": ["a", "bc", "a"]}, {"c": ["a", "b"]}, "'c', row 2: class 'b' was not in .* Did you mean 'bc'"),
    "count": ({"n": [0, 2, 1]}, {"n": [0, -1]}, "'n', row 2: a count must be a whole number in 0..16,777,216, got -1"),
    "part": ({"n": [0, 2, 1]}, {"n": [0, 0.5]}, "row 2: a count must be a whole number"),
    "bit": ({"b": [0, 1, 1]}, {"b": [0, 2]}, "column 'b', row 2: a bit must be 0 or 1, got 2"),
    "far": ({"x": [0.1, 0.2, 0.4]}, {"x": [0.1, 1e300]}, r"row 2: 1e\+300 is too far from the values of the training"),
    "date": (
        {"when": ["2020-01-01", "2020-01-02", "2020-01-03"], "x": [0.0, 1.5, 2.5]},
        {"when": ["2020-01-04", "05/01/2020"], "x": [0.0, 1.0]},
        "column 'when', row 2: a date in the format iso is expected, got '05/01/2020'",
    ),
    "document": (
        {"session": list("aabb"), "x": [0.1, 1.5, 2.5, 1.0]},
        {"session": list("aba"), "x": [0.0, 1.0, 1.0]},
        "column 'session', row 3: document 'a' goes on after others",
    ),
    "order": (
        {"when": HOURS[[0, 1, 2, 9, 10]], "x": [0.1, 1.5, 2.5, 1.0, 2.0]},
        {"when": HOURS[[3, 3]], "x": [0.0, 1.0]},
        "column 'when', row 2: the time must be later than the one before",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("size", [1, 100])
def test_what_does_not_fit_is_named_with_column_and_row(kind, size):
    training, other, message = FAULTS[kind]
    _, _, encoder = fitted(training)
    with pytest.raises(UsageError, match=message):
        encoded(encoder, open_table(other), size)


def test_a_text_file_also_names_the_line(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1.5,2\n2,3\n")
    (tmp_path / "b.csv").write_text("y,x\n1,1\n\n2,ouch\n")
    _, _, encoder = fitted(tmp_path / "a.csv")
    with pytest.raises(UsageError, match=r"b\.csv: column 'x', row 2 \(line 4\): a number is expected, got 'ouch'"):
        encoded(encoder, open_table(tmp_path / "b.csv"))


def test_dates_of_unknown_order_are_refused_when_they_are_read():
    table = open_table({"when": ["01/02/2020", "02/02/2020"], "x": [1.0, 2.0]})
    with pytest.raises(UsageError, match="column 'when', row 1: a date may be day first or month first"):
        Encoder.fit(table, infer(table))


def test_texts_and_tables_without_a_use_are_refused():
    table = open_table({"t": [f"word {i}" for i in range(99)]})
    with pytest.raises(UsageError, match="no column is an input or an outcome"):
        Encoder.fit(table, infer(table))
    with pytest.raises(UsageError, match="column 't' holds texts, which are not modelled"):
        Encoder.fit(table, infer(table, SchemaOptions(inputs=("t",))))


def test_decode_is_checked():
    _, _, encoder = fitted({"x": [1.0, 2.0], "c": ["a", "b"]})
    with pytest.raises(UsageError, match=r"must be \(rows, 2\)"):
        encoder.decode(np.zeros((3, 1)))
    for place in (-1.0, 2.0, 0.5):
        with pytest.raises(UsageError, match="column 'c' must hold places in its vocabulary, 0..1"):
            encoder.decode(np.array([[0.0, place]]))


def test_times_in_other_units():
    for form, times in (
        ("milliseconds", [1600000000000, 1600000000250]),
        ("nanoseconds", [1600000000000000000, 1600000000250000000]),
    ):
        table, schema, encoder = fitted({"time": np.array(times), "x": [1.0, 2.0]}, time="time")
        assert schema.time is not None and schema.time.time_format == form
        np.testing.assert_array_equal(encoded(encoder, table)[3], [1.6e9, 1.6e9 + 0.25])
