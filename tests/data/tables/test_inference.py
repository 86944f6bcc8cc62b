"""What is suggested for columns, and what is found suspicious."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.data import Schema, SchemaOptions, infer, open_table
from vestige.data.tables.describing import span, summary, values_in
from vestige.data.tables.inference import unit_of
from vestige.errors import UsageError

HOURS = np.datetime64("2020-01-01") + np.arange(48) * np.timedelta64(1, "h")


def of(source, **options):
    return infer(open_table(source), SchemaOptions(**options))


def text(folder, content, **options):
    (folder / "t.csv").write_text(content)
    return open_table(folder / "t.csv", **options)


def said(schema):
    return "\n".join(schema.suspicions)


KINDS = {
    "number": ([1.5, -2.0, 3.0, 4.0], "number", "input"),
    "whole": ([18, 40, 33, 25], "number", "input"),
    "count": ([0, 3, 1, 2], "count", "input"),
    "bit": ([0, 1, 1, 0], "bit", "input"),
    "boolean": ([True, False, True, True], "bit", "input"),
    "letters": (["a", "b", "a", "b"], "class", "input"),
    "constant": ([7.0, 7.0, 7.0, 7.0], "number", "ignored"),
    "empty": ([np.nan] * 4, "number", "ignored"),
    "target": ([3, 5, 3, 9], "class", "outcome"),
    "index": ([10, 11, 12, 13], "number", "ignored"),
    "identifier": ([2**60, 2**60 + 1, 2**61, 5], "text", "ignored"),
    "when": (HOURS[:4], "time", "time"),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_and_roles_are_suggested_with_a_reason(name):
    values, kind, role = KINDS[name]
    if name == "identifier":
        values = [2**60, 2**60 + 1, 2**61, 2**62]
    schema = of({name: values, "other": [0.1, 0.7, 0.2, 0.4]})
    column = schema.column(name)
    assert (column.kind, column.role) == (kind, role)
    assert column.reason and schema.rows == 4 and schema.complete


def test_small_and_large_channels_are_not_constant():
    schema = of({"small": [1e-200, 2e-200, 3e-200], "large": [8e9, 8e9 + 1, 8e9 + 2], "level": [1e7, 1e7 + 1e-8, 1e7]})
    assert not any(column.constant for column in schema.columns)
    assert all(column.role == "input" for column in schema.columns)


def test_what_is_said_is_not_overruled():
    schema = of(
        {"x": [0, 1, 1], "y": ["a", "b", "a"], "z": [5.0, 5.0, 5.0], "w": [1.0, 2.0, 4.0]},
        outcomes=("y",),
        inputs=("x", "z"),
        kinds={"x": "class"},
        units={"z": "mV"},
    )
    found = {column.name: (column.kind, column.role) for column in schema.columns}
    assert found == {
        "x": ("class", "input"),
        "y": ("class", "outcome"),
        "z": ("number", "input"),
        "w": ("number", "ignored"),
    }
    assert schema.column("x").vocabulary == ("0", "1") and schema.column("z").unit == "mV"
    assert schema.column("x").reason.startswith("as you said")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": "tmie"}, "no column 'tmie'. Did you mean 'time'"),
        ({"outcomes": ("x",), "ignored": ("x",)}, "one role, got outcome and ignored"),
        ({"kinds": {"x": "colour"}}, "kind must be one of number, count"),
        ({"dates": "year-first"}, "dates must be day-first or month-first"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(UsageError, match=message):
        of({"time": [1.0, 2.0], "x": [1.0, 2.0]}, **options)


def test_words_among_numbers_are_named_with_row_and_line(tmp_path):
    table = text(tmp_path, "a,b\n" + "1,2\n" * 20 + "oops,3\n" + "5,6\n" * 20)
    schema = infer(table)
    assert schema.column("a").kind == "count"
    assert (
        "column 'a', row 21 (line 22): 'oops' is no number; correct it, name it as missing (--missing 'oops')"
        in said(schema)
    )
    assert said(infer(table, SchemaOptions(kinds={"a": "class"}))) == ""


DATES = {
    "iso": (["2020-01-31", "2020-02-01"], "iso"),
    "zone": (["2020-01-31T00:00:00Z", "2020-02-01T00:00:00+02:00"], "iso-zone"),
    "slashes": (["2020/01/31", "2020/02/01"], "year-first"),
    "day": (["31/01/2020", "01/02/2020"], "day-first"),
    "month": (["01/31/2020", "02/01/2020"], "month-first"),
    "named": (["31-Jan-20", "1 February 2020"], "named"),
}


@pytest.mark.parametrize("kind", DATES)
def test_formats_of_dates_are_found(kind):
    texts, form = DATES[kind]
    column = of({"when": texts, "x": [1.0, 2.0]}).time
    assert column is not None and column.time_format == form
    if kind != "zone":
        assert values_in(column) == "2020-01-31 to 2020-02-01"


def test_dates_that_may_be_read_both_ways_are_named_and_can_be_said():
    schema = of({"when": ["01/02/2020", "02/02/2020"], "x": [1.0, 2.0]})
    assert "say which: --dates day-first, or --dates month-first" in said(schema)
    assert schema.column("when").time_format is None
    schema = of({"when": ["01/02/2020", "02/02/2020"], "x": [1.0, 2.0]}, dates="month-first")
    assert said(schema) == "" and schema.steps is not None and schema.steps.typical == 31 * 86400.0


def test_dates_in_five_formats_are_named():
    texts = ["2020-01-31", "31/01/2020", "31 Jan 2020", "2020/01/31", "2020-01-31T00:00:00Z", "02/13/2020"]
    found = said(of({"when": texts, "x": np.arange(6.0)}))
    for row, value in enumerate(texts[:5], 1):
        assert f"row {row} '{value}'" in found
    assert "dates of both orders: row 2 '31/01/2020' day-first; row 6 '02/13/2020' month-first" in found


@pytest.mark.parametrize(
    ("times", "form", "typical"),
    [
        ([1.6e9, 1.6e9 + 60, 1.6e9 + 120], "seconds", 60.0),
        ([1600000000000, 1600000060000, 1600000120000], "milliseconds", 60000.0),
        ([0.0, 0.5, 1.0], "number", 0.5),
    ],
)
def test_times_that_are_numbers(times, form, typical):
    schema = of({"time": times, "x": [1.0, 3.0, 2.0]})
    assert schema.time is not None and schema.time.time_format == form
    assert schema.steps is not None and schema.steps.typical == pytest.approx(typical) and not schema.steps.irregular


def test_gaps_are_found_and_become_an_input():
    times = HOURS[[0, 1, 2, 3, 10, 11, 12]]
    schema = of({"when": times, "x": np.arange(7.0) ** 2})
    assert schema.steps is not None
    assert (schema.steps.gaps, schema.steps.first_gap, schema.steps.longest) == (1, 4, 7 * 3600.0)
    assert "the first before row 5, the longest 25200" in said(schema)
    assert schema.columns[-1].derived == "gap" and schema.columns[-1].unit == "s"
    assert schema.needed == ("when", "x")
    regular = of({"when": HOURS, "x": np.arange(48.0) ** 2})
    assert regular.steps is not None and not regular.steps.irregular and regular.columns[-1].name == "x"


def test_jitter_below_a_hundredth_is_regular():
    rng = np.random.default_rng(0)
    schema = of({"time": np.cumsum(0.02 + 1e-5 * rng.uniform(-1, 1, 3000)), "x": rng.normal(size=3000)})
    assert schema.steps is not None and not schema.steps.irregular
    assert schema.steps.typical == pytest.approx(0.02, rel=1e-3)


def test_dates_in_no_order_are_no_time_of_the_rows():
    draw = np.random.default_rng(0)
    days = np.datetime64("2020-01-01") + draw.permutation(80).astype("timedelta64[D]")
    columns = {"x": draw.normal(size=80), "joined": days.astype("datetime64[us]")}
    schema = of(columns)
    assert schema.time is None and schema.column("joined").role == "ignored"
    assert "column 'joined' holds dates in no order, so that it is not the time of the rows" in said(schema)
    assert of(columns, time="joined").time is not None
    for rows in (np.sort(days), np.sort(days)[::-1], np.concatenate([np.sort(days)[3:], days[:3]])):
        found = of({**columns, "joined": rows.astype("datetime64[us]")})
        assert found.time is not None and found.time.name == "joined"


def test_short_documents_with_dates_keep_their_time():
    """Rows of two visits each: half of the steps run backward, and times begin anew with each patient."""
    when = np.tile(np.array(["2020-01-01", "2020-02-01"], "datetime64[us]"), 20)
    found = of({"who": np.repeat([f"p{n}" for n in range(20)], 2), "seen": when, "x": np.arange(40.0) % 7})
    assert found.time is not None and found.time.name == "seen" and found.document is not None


def test_times_that_run_backward_are_named():
    assert "row 3: the time is not later" in said(of({"when": HOURS[[0, 5, 2, 6]], "x": [1.0, 2.0, 0.0, 4.0]}))
    assert "reverse the rows" in said(of({"when": HOURS[[6, 5, 2, 1]], "x": [1.0, 2.0, 0.0, 4.0]}))


def test_documents_are_found_where_their_rows_stand_together():
    when = np.concatenate([HOURS[:3], HOURS[:4], HOURS[:9]])
    schema = of({"session": list("aaabbbbccccccccc"), "when": when, "x": np.arange(16.0) ** 2})
    assert schema.document is not None and schema.document.name == "session"
    assert (schema.documents, schema.longest_document) == (3, 9)
    assert schema.steps is not None and not schema.steps.irregular
    assert "document 'c' has 9 of 16 rows, more than all others together" in said(schema)
    mixed = of({"session": list("aabbaabb"), "x": np.arange(8.0) ** 2})
    assert mixed.document is None and "row 5: 'a' returns after others" in said(mixed)


def test_a_time_may_begin_again_in_every_document():
    source = {"subject": list("aaabbb"), "time (ms)": [0.0, 5.0, 10.0, 0.0, 5.0, 10.0], "x": np.arange(6.0) ** 2}
    schema = of(source)
    assert schema.time is not None and (schema.time.name, schema.time.unit) == ("time (ms)", "ms")
    assert schema.steps is not None and schema.steps.typical == 5.0 and not schema.steps.irregular
    assert of({**source, "subject": list("aaaaaa")}).time is None


def test_what_else_is_suspicious(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    gone = np.where(np.arange(60) < 40, np.nan, x)
    found = said(
        of({"x": x, "again": x, "gone": gone, "still": np.ones(60), "hole": np.where(np.arange(60) % 9, x, -999.0)})
    )
    for words in (
        "column 'again' holds the same values as column 'x'",
        "column 'gone' is missing in 67% of the rows",
        "column 'still' never changes, so it is ignored",
        "column 'hole' holds -999 7 times, far from its other values",
        "if that stands for a missing value, --missing=-999",
    ):
        assert words in found
    lines = 'a,b\n"1,5",2\n"2,5",3\n'
    assert "if they are decimal, --decimal ," in said(infer(text(tmp_path, lines)))


def test_a_sensor_that_fails_for_a_while_is_still_numbers(tmp_path):
    rows = [f"{i * 0.5}" for i in range(3000)]
    rows[1000:1250] = ["ERR"] * 250
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{row},1\n" for row in rows))
    table = open_table(tmp_path / "t.csv")
    whole = table.batches
    table.batches = lambda names=None, size=None: whole(names, size=500)
    schema = infer(table)
    assert schema.column("a").kind == "number"
    assert "column 'a', row 1,001 (line 1,002): 'ERR' is no number (250 of 3,000 values are none)" in said(schema)


def test_a_name_for_every_row_makes_no_documents(monkeypatch):
    monkeypatch.setattr("vestige.data.tables.inference.MANY", 10)
    schema = of({"id": [f"r{i}" for i in range(100)], "x": np.arange(100.0) ** 2})
    assert schema.document is None and schema.column("id").role == "ignored"


def test_columns_of_one_array_are_of_one_kind(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0, 7], [3, 9], [1, 8]], np.uint8))
    assert {column.kind for column in infer(open_table(tmp_path / "a.npy")).columns} == {"count"}


def test_x_and_y_are_coordinates():
    assert of({"x": [1.0, 2.0], "y": [3.0, 5.0]}).column("y").role == "input"
    assert of({"a": [1.0, 2.0], "y": [3.0, 5.0]}).column("y").role == "outcome"


def test_a_column_without_a_value_is_named():
    assert "column 'gone' has no value at all" in said(of({"gone": [np.nan, np.nan], "x": [1.0, 2.0]}))


def test_memory_for_different_values_is_shared_by_the_columns(monkeypatch):
    monkeypatch.setattr("vestige.data.tables.inference.COUNTED", 20)
    schema = of(
        {"a": np.arange(100.0) ** 2, "b": np.arange(100) % 3, "c": [f"w{i}" for i in range(100)], "d": ["u", "v"] * 50}
    )
    assert schema.column("a").distinct is None and schema.column("b").distinct == 3
    assert schema.column("c").kind == "text" and schema.column("d").vocabulary == ("u", "v")
    with pytest.raises(UsageError, match="more than 5 different numbers, too many for classes"):
        of({"a": np.arange(100.0), "b": [1.0] * 100, "c": [1.0] * 100, "d": [1.0] * 100}, kinds={"a": "class"})


def test_a_sample_is_said_to_be_one():
    schema = infer(open_table({"x": np.arange(1_000_000.0)}), rows=10)
    assert not schema.complete and schema.rows == 10 and schema.column("x").high == 9.0
    assert infer(open_table({"x": np.arange(10.0)}), rows=10).complete
    assert not infer(open_table({"x": np.arange(100_000.0)}), rows=99_999).complete
    with pytest.raises(UsageError, match="at least 1 row"):
        infer(open_table({"x": [1.0]}), rows=0)


def test_a_header_alone_is_no_table(tmp_path):
    with pytest.raises(UsageError, match="no row below its header"):
        infer(text(tmp_path, "a,b\n", header="yes"))


@pytest.mark.parametrize(
    ("name", "unit"), [("speed (m/s)", "m/s"), ("level [dB]", "dB"), ("f(x)", None), ("n [1]", "1"), ("(a)", None)]
)
def test_units_in_names(name, unit):
    assert unit_of(name) == unit


COLUMNS = st.dictionaries(
    st.text(min_size=1, max_size=5), st.sampled_from(["f", "i", "s", "t"]), min_size=1, max_size=4
)
VALUES = {"f": [0.5, np.nan, 1e7], "i": [3, 1, 2], "s": ["a", None, "ü"], "t": HOURS[:3]}


@settings(max_examples=40, deadline=None)
@given(COLUMNS)
@pytest.mark.slow
def test_a_schema_is_plain_json_and_back(columns):
    schema = infer(open_table({name: VALUES[kind] for name, kind in columns.items()}))
    plain = json.loads(json.dumps(schema.as_plain(), allow_nan=False))
    assert Schema.from_plain(plain) == schema


@pytest.mark.parametrize(
    "damage",
    [
        lambda plain: plain.pop("columns"),
        lambda plain: plain.update(version=9),
        lambda plain: plain["columns"][0].update(kind="colour"),
        lambda plain: plain["columns"][0].pop("name"),
        lambda plain: plain.update(steps=3),
    ],
)
def test_a_damaged_schema_is_refused(damage):
    plain = of({"x": [1.0, 2.0]}).as_plain()
    damage(plain)
    with pytest.raises(UsageError, match="stored schema"):
        Schema.from_plain(plain)


def test_two_columns_of_times_are_one_too_many():
    columns = of({"a": HOURS[:2], "b": [1.0, 2.0]}).columns
    with pytest.raises(UsageError, match="at most one column of role time, got 'a' and 'a'"):
        Schema((columns[0], columns[0]), 2)


def test_a_summary_is_plain():
    table = open_table({"when": HOURS, "x": np.arange(48.0) ** 2, "target": np.arange(48) % 3})
    assert summary(table, infer(table)) == (
        "A recording: 48 rows of 3 columns; 1 number as input, 1 class to be predicted (target). "
        "Column 'when' is the time, 2020-01-01 to 2020-01-02 23:00:00, a row every 1 h."
    )
    assert [span(s) for s in (0.002, 30.0, 90.0, 7200.0, 172800.0)] == ["2 ms", "30 s", "1.5 min", "2 h", "2 d"]


def test_years_are_times_and_parts_of_the_calendar_are_known_in_advance():
    yearly = of({"YEAR": [1950, 1951, 1952, 1953], "level": [0.1, 0.7, 0.2, 0.4]})
    assert yearly.time is not None and (yearly.time.name, yearly.steps.typical) == ("YEAR", 1)
    quarterly = of({"year": [1959, 1959, 1960, 1960], "quarter": [3, 4, 1, 2], "level": [0.1, 0.7, 0.2, 0.4]})
    assert [column.role for column in quarterly.columns] == ["known", "known", "input"]


def test_dates_without_marks_are_dates_and_no_seconds(tmp_path):
    schema = infer(text(tmp_path, "date,level\n19580329,1.5\n19580405,1.0\n19580412,2.0\n"))
    assert schema.time is not None and schema.time.time_format == "compact"
    assert values_in(schema.time) == "1958-03-29 to 1958-04-12" and schema.steps.typical == 7 * 86400
    assert not schema.steps.irregular and not schema.suspicions


def test_classes_after_which_times_begin_anew_are_documents(tmp_path):
    rows = "".join(f"{name},{year},{year % 7}\n" for name in ("steel", "oil") for year in range(1935, 1940))
    schema = infer(text(tmp_path, f"firm,year,value\n{rows}"))
    assert schema.document is not None and schema.document.name == "firm" and schema.documents == 2
    assert schema.time is not None and schema.time.name == "year" and not schema.steps.backward
    shuffled = "steel,1935,1\noil,1935,2\nsteel,1936,1\noil,1936,3\n"
    assert infer(text(tmp_path, f"firm,year,value\n{shuffled}")).document is None


def test_a_first_line_of_years_names_columns(tmp_path):
    table = text(tmp_path, "Country,Code,1960,1961,1962\nAruba,ABW,4.82,4.65,4.47\nChad,TCD,6.2,6.3,6.3\n")
    assert table.names == ("Country", "Code", "1960", "1961", "1962")
