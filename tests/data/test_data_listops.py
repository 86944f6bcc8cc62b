import numpy as np
import pytest

from vestige.data import ListOps
from vestige.data.expressions import NUMBER, PAD, VOCABULARY, Malformed, as_arrays, parsed
from vestige.data.listops import read_listops
from vestige.errors import UsageError

DEEP = "[MAX 2 [MIN 4 7 ] [SM 8 [MED 1 4 9 ] 5 ] 0 ]"


def test_an_expression_by_hand():
    found = parsed(DEEP)
    assert found.value == max(2, 4, (8 + 4 + 5) % 10, 0) == 7
    assert found.depth == 3
    # [MAX 2 [MIN 4 7 ] [SM 8 [MED 1 4 9 ] 5 ] 0 ]
    assert found.heads == (-1, 0, 0, 2, 2, 2, 0, 6, 6, 8, 8, 8, 8, 6, 6, 0, 0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("[MED 1 2 ]", 1),
        ("[MED 5 9 0 8 ]", 6),
        ("[FIRST 6 1 5 ]", 6),
        ("[LAST 4 9 8 ]", 8),
        ("[PM 3 0 6 ]", 0),
        ("[PM 9 9 ]", 1),
        ("( ( ( [SM 5 ) 9 ) ] )", 4),
    ],
)
def test_values_by_hand(text, value):
    assert parsed(text).value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("( )", "it is empty"),
        ("[MAX 1 2", "1 of its lists are never closed"),
        ("[MAX 1 [MIN 2 ]", "1 of its lists are never closed"),
        ("[MAX ]", r"the list that \[MAX opens as token 1 holds no value"),
        ("1 2", "it goes on after its end, with '2' as token 2"),
        ("]", "token 1 closes a list and none is open"),
        ("[MAX 1 ] ]", "it goes on after its end, with ']' as token 4"),
        ("[MAX 1 10 ]", "token 3 is '10'; it should be a digit"),
        ("[MEAN 1 2 ]", r"token 1 is '\[MEAN'"),
        ("( [MAX 1 2 ]", r"1 of its \( are never closed"),
        ("[MAX 1 2 ] )", r"it has a \) too many"),
    ],
)
def test_what_is_malformed_is_said(text, message):
    with pytest.raises(Malformed, match=message):
        parsed(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7 [MAX 7 1 ]", "line 2 should be a label, a tab and an expression"),
        ("10\t[MAX 7 1 ]", "line 2: the label must be a digit from 0 to 9, got '10'"),
        ("-1\t[MAX 7 1 ]", "line 2: the label must be a digit from 0 to 9, got '-1'"),
        ("x\t[MAX 7 1 ]", "line 2: the label must be a digit"),
        ("7\t[MAX 7 1", "line 2: the expression is malformed: 1 of its lists"),
        ("1\t[MAX 7 1 ]", "line 2: the expression is worth 7 and its label is 1"),
        ("", "line 2 should be"),
    ],
)
def test_a_wrong_line_is_named(line, message):
    with pytest.raises(UsageError, match=f"sums.tsv: {message}"):
        read_listops(f"3\t[MIN 3 4 ]\n{line}\n", "sums.tsv")
    with pytest.raises(UsageError, match="sums.tsv: it holds no expression"):
        read_listops("", "sums.tsv")


def test_arrays_say_what_the_expressions_are():
    arrays = as_arrays([parsed(DEEP), parsed("3")], 20)
    assert [VOCABULARY[token] for token in arrays.tokens[0] if token != PAD] == DEEP.split()
    assert arrays.tokens[1].tolist() == [3] + 19 * [PAD]
    assert (
        arrays.heads[1].tolist() == 20 * [-1] and arrays.values.tolist() == [7, 3] and arrays.depths.tolist() == [3, 0]
    )
    assert NUMBER["[MAX"] == 10 and NUMBER["]"] == 14
    with pytest.raises(ValueError, match="expression 1 has 17 tokens and a row has room for longest = 16"):
        as_arrays([parsed(DEEP)], 16)


@pytest.mark.parametrize("part", ["d20s-test", pytest.param("test-d5c", marks=pytest.mark.slow)])
def test_published_labels_and_brackets_are_ours(part, data_folder, monkeypatch):
    """The label of every line is checked by `load`; here the arcs, against the brackets of the files."""
    monkeypatch.setenv("VESTIGE_DATA", str(data_folder))
    data = ListOps()
    if data.missing():
        pytest.skip("the files are not here")
    found = data.load(part)
    name = {"d20s-test": "d20s_small_test.tsv.gz", "test-d5c": "test_d5c.tsv.gz"}[part]
    lines = data.text(next(file for file in data.files if file.name == name)).splitlines()
    assert len(found) == len(lines)
    for line, expression in list(zip(lines, found, strict=True))[:300]:
        assert list(expression.heads) == heads_by_brackets(line.split("\t")[1].split())


def heads_by_brackets(words):
    """By the brackets of the files: of the groups that begin with an operator the longest is its whole list."""
    tokens = [word for word in words if word not in "()"]
    ends, open_, place = {}, [], 0
    for word in words:
        if word == "(":
            open_.append(place)
        elif word == ")":
            ends[open_.pop()] = place  # the outer groups are closed later
        else:
            place += 1
    lists = {start: end for start, end in ends.items() if tokens[start].startswith("[")}
    return [max((s for s, end in lists.items() if s < i < end), default=-1) for i in range(len(tokens))]


def test_an_unknown_part_is_refused():
    with pytest.raises(UsageError, match="listops: there is no 'd20'. Did you mean"):
        ListOps().load("d20")
    assert np.all([file.size > 0 for file in ListOps().files])
