"""Text tables: how they are cut, and what is said of those that are damaged."""

import csv
import gzip
import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestige.data import open_table
from vestige.data.tables.text_numbers import number, numbers
from vestige.errors import UsageError


def table(folder, text, name="t.csv", **options):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return open_table(path, **options)


def columns(found):
    cells = found.read()
    return {name: [None if gone else v for v, gone in zip(*cells[name], strict=True)] for name in found.names}


@pytest.mark.parametrize("mark", [",", "\t", ";", "|", " "])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "unknown"])
def test_delimiters_and_packing_are_found(tmp_path, mark, ending, name):
    text = ending.join([f"a{mark}b", f"1{mark}x", f"2.5{mark}y", ""])
    assert columns(table(tmp_path, text, name)) == {"a": ["1", "2.5"], "b": ["x", "y"]}


UNTYPED = pytest.mark.skipif(os.environ.get("VESTIGE_CHECK_TYPES") == "1", reason="the type says it already")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_what_python_writes_is_read_back(folder, rows):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["first", "second"], *rows])
    found = table(folder, text.getvalue(), delimiter=",", header="yes")
    cells = found.read()
    for place, name in enumerate(found.names):
        assert cells[name].values.tolist() == [row[place].strip(" \t\r\n") for row in rows]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_batches_make_the_whole(tmp_path, size):
    found = table(tmp_path, "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(7)))
    batches = list(found.batches(["b"], size=size))
    assert [batch.start for batch in batches] == list(range(0, 7, size))
    assert [v for batch in batches for v in batch.cells["b"].values] == [str(i * i) for i in range(7)]
    assert [v for batch in found.batches() for v in batch.cells["a"].values] == [str(i) for i in range(7)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,2\n3,4\n", ("column_1", "column_2")),
        ("a,b\n1,2\n", ("a", "b")),
        ("a,b\nc,d\ne,f\n", ("a", "b")),
        ("2020-01-01,1\n2020-01-02,2\n", ("column_1", "column_2")),
        ("day,1\n2020-01-01,2\n", ("day", "1")),
        ("a\nb\na\n", ("column_1",)),
        (",x\n0,5\n1,6\n", ("column_1", "x")),
        ("# made by me\n# twice\na,b\n1,2\n", ("a", "b")),
    ],
)
def test_the_header_is_found(tmp_path, text, names):
    assert table(tmp_path, text).names == names


def test_the_header_can_be_said(tmp_path):
    assert table(tmp_path, "a,b\n1,2\n", header="no").names == ("column_1", "column_2")
    assert table(tmp_path, "1,2\n3,4\n", header="yes").names == ("1", "2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3,4,5\n6,7\n", "line 3 has 3 cells, and the first line names 2 (its last is '5')"),
        ("a,b\n1,2\n\n3\n6,7\n", "line 4 has 1 cells, and the first line names 2 (column 'b' has none there)"),
        ('a,b\n1,"x\ny"\n3,4,5\n', "line 4 has 3 cells"),
        ('a,b\n1,2\n3,"4\n5,6\n', "the row that begins in line 3 cannot be cut into cells"),
        ('"x","y"\n"1",2,3\n"2",4,5\n', "has each row a name that the first line has not, as R writes them?"),
        (b"a,b\r1,2\r3,4\r", "its lines end in CR alone; convert it: tr"),
        ("<!DOCTYPE html><html></html>", "it is HTML or XML"),
        ("a,b,a\n1,2,3\n", "column 'a' stands twice, as columns 1 and 3"),
        ("# only\n\n", "it holds no row"),
        ("", "it is empty"),
        (b"a,b\n1,\xe9\n", "line 2: byte 3 (0xe9) is not utf-8 text"),
        (b"a,b\n1,2\0\n", "form that is not known"),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path, text, said):
    with pytest.raises(UsageError) as caught:
        table(tmp_path, text, delimiter=None).read()
    assert said in str(caught.value) and "t.csv" in str(caught.value)


def test_a_ragged_line_far_below_the_first_batch_is_named(tmp_path):
    text = "a,b\n" + "1,2\n" * 40_000 + "3\n" + "1,2\n" * 10
    with pytest.raises(UsageError, match="line 40,002 has 1 cells"):
        list(table(tmp_path, text).batches(size=1000))


def test_missing_words_and_further_ones(tmp_path):
    found = table(tmp_path, "a,b\n1,NA\n-999,x\n?, \n", missing="-999,?")
    assert columns(found) == {"a": ["1", None, None], "b": [None, "x", None]}


def test_encodings_decimals_and_places(tmp_path):
    found = table(tmp_path, "größe;b\n1,5;x\n\n2,5;y\n".encode("cp1252"), encoding="cp1252", decimal=",")
    assert found.names == ("größe", "b") and found.decimal == ","
    assert found.place(1) == "row 2 (line 4)"


@pytest.mark.parametrize(
    ("lines", "decimal", "values"),
    [
        ("a;b\n1.234,56;x\n-0,5;y\n", ",", [1234.56, -0.5]),
        ("a;b\n1\u00a0234,5;x\n12;y\n", ",", [1234.5, 12.0]),
        ("a\tb\n1.500;x\n2.500,25;y\n".replace(";", "\t"), ",", [1500.0, 2500.25]),
        ("a;b\n1,5;2.345\n2,5;1.250\n", ".", None),  # thousands, or three decimals: nothing is assumed
        ("a;b\n1,5;1.234.567\n2,5;8.000\n", ",", [1.5, 2.5]),
        ("a;b\n1,5;0.25\n2,5;3\n", ".", None),  # both marks: nothing is assumed
        ('a,b\n"1,5",2\n', ".", None),
        ("a;b\n1,5;x\n", ",", [1.5]),
        ("a;b\n15;x\n", ".", [15.0]),
    ],
)
def test_the_decimal_mark_is_that_of_the_first_lines(tmp_path, lines, decimal, values):
    found = table(tmp_path, lines)
    assert found.decimal == decimal and ("Numbers have decimal commas" in " ".join(found.notes)) == (decimal == ",")
    if values is not None:
        (batch,) = found.batches(["a"])
        assert numbers(batch.cells["a"], found.decimal).values.tolist() == values
    said = table(tmp_path, lines, decimal=".")
    assert said.decimal == "." and "decimal" not in " ".join(said.notes)


def test_groups_of_digits_are_three():
    for text, value in (
        ("1.234.567,5", 1234567.5),
        ("1.23", None),
        ("12.3456,7", None),
        ("1.234", 1234.0),
        ("1,2,3", None),
    ):
        assert number(text, ",") == value


def test_memory_is_that_of_a_batch(tmp_path):
    found = table(tmp_path, "a\n" + "1\n" * 5000)
    assert max(len(batch.cells["a"].values) for batch in found.batches(size=64)) == 64
    assert found.rows is None


def test_unknown_columns_name_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="no column 'spede'. Did you mean 'speed'"):
        list(table(tmp_path, "speed,b\n1,2\n").batches(["spede"]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"decimal": ";"}, "decimal must be"),
        ({"delimiter": "ab"}, "delimiter must be one"),
        pytest.param({"header": "maybe"}, "header must be", marks=UNTYPED),
        ({"bin_width": 0.0}, "bin_width must be"),
        ({"colour": 1}, "colour"),
    ],
)
def test_options_are_checked(tmp_path, options, said):
    with pytest.raises(UsageError, match=said):
        table(tmp_path, "a,b\n1,2\n", **options)


def test_numbers_keep_their_digits(tmp_path):
    from vestige.data.tables.text_numbers import numbers

    texts = ["0.1", "1e-300", "12345678.000001", "+7", "9007199254740993", "1_000", "inf", "0x10", "\u0661", "true"]
    found = numbers(table(tmp_path, "a\n" + "\n".join(texts), header="yes").read()["a"])
    assert found.faults.tolist() == [False] * 4 + [True] * 5 + [False]
    np.testing.assert_array_equal(found.values[:4], [0.1, 1e-300, 12345678.000001, 7.0])
    assert found.values[9] == 1.0
