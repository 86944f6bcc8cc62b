"""`vestige data describe FILE` as a person meets it."""

import json

import numpy as np
import pytest

from vestige.data import Schema


@pytest.fixture
def ward(tmp_path):
    """A file of two patients, with a gap, a word among numbers and a missing value."""
    rows = ["patient,time (h),pulse,drug,died"]
    for patient, count in (("p1", 24), ("p2", 16)):
        rows += [
            f"{patient},{hour + (hour > 9)},{60.5 + hour},{'ab'[hour % 2]},{hour % 3 == 0:d}" for hour in range(count)
        ]
    rows[5] = rows[5].replace(",64.5,", ",?,")
    path = tmp_path / "ward.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_what_a_file_is_comes_first(run, ward, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run("data", "describe", ward, "--missing", "?", "--outcomes", "died")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("ward.csv. 2 recordings: 40 rows of 5 columns; 1 number and 1 class as inputs, 1")
    assert "in irregular steps, 1 h in the middle" in out.replace("\n", " ")
    assert "has 2 gaps" in out and "first before row 11 (line 12)" in out.replace("\n", " ")
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:3] == ["pulse", "number", "input"] for line in lines)


@pytest.mark.parametrize("width", [40, 64, 80, 120])
def test_no_width_loses_a_column(run, ward, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run("data", "describe", ward)
    assert code == 0 and max(map(len, out.splitlines())) <= width
    for name in ("patient", "time (h)", "pulse", "drug", "died"):
        assert name in out
    assert "'?' is no number" in " ".join(out.split())


def test_json_is_the_schema(run, ward):
    code, out, _ = run(
        "data", "describe", ward, "--json", "--kind", "died=class", "--unit", "pulse=1/min", "--rows", "30"
    )
    plain = json.loads(out)
    assert code == 0 and plain["source"] == str(ward) and not plain["complete"] and plain["rows"] == 30
    schema = Schema.from_plain({name: value for name, value in plain.items() if name not in ("source", "notes")})
    assert schema.column("died").vocabulary == ("0", "1") and schema.column("pulse").unit == "1/min"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "which file? vestige data describe FILE"),
        (["nowhere.csv"], "nowhere.csv: there is no such file"),
        (["ward.csv", "--time", "hour"], "no column 'hour'"),
        (["ward.csv", "--kind", "pulse"], "--kind must be COL=VALUE"),
        (
            ["ward.csv", "--kind", "pulse=colour"],
            "kind must be one of number, count, bit, class, time, text, got 'colour'",
        ),
        (["ward.csv", "--decimal", ";"], "decimal must be auto, . or , got ';'"),
        (["ward.csv", "--rows", "0"], "at least 1 row"),
        (["ward.csv", "--known", "drug", "--ignore", "drug"], "one role, got known and ignored"),
    ],
)
def test_wrong_commands_are_refused(run, ward, arguments, said):
    code, out, err = run("data", "describe", *arguments)
    assert (code, out) == (2, "") and said in err and err.startswith("vestige: ")


def test_a_file_of_many_columns_is_cut(run, tmp_path):
    np.save(tmp_path / "wide.npy", np.random.default_rng(0).normal(size=(5, 200)))
    code, out, _ = run("data", "describe", "wide.npy")
    assert code == 0 and "and 140 more columns" in out and "value.59" in out and "value.60" not in out


def test_the_verb_is_known(run):
    code, _, err = run("data", "descibe", "a")
    assert code == 2 and "Did you mean 'describe'" in err
    assert "describe FILE" in run("data")[1]
