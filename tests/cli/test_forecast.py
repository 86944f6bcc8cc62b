"""`vestige forecast`, from training to a file."""

import csv
import json

import numpy as np
import pytest
from tests.cli.test_predict import TINY, written

import vestige


def test_what_is_typed_wrong_is_said_before_anything_is_read(run, tmp_path):
    (tmp_path / "there.csv").write_text("a\n1\n")
    start = ("no-run", "there.csv", "--horizon", "3", "--out")
    for arguments, said in (
        (("no-run", "there.csv", "--out", "out.csv"), "which run, which table, how far, and where to?"),
        ((*start, "out.csv", "--quantiles", "0.1,high"), "--quantiles must be numbers with commas"),
        ((*start, "out.csv", "--quantiles", "0.9,0.1"), "quantiles must rise within (0, 1)"),
        ((*start, "out.csv", "--origins", "3", "--every", "4"), "give one of them"),
        ((*start, "out.xlsx"), "--out must end in .csv, .tsv, .parquet"),
        ((*start, "there.csv", "--force"), "is the table that is predicted"),
    ):
        code, _, err = run("forecast", *arguments)
        assert code == 2 and said in err and "Traceback" not in err
    assert [each.name for each in tmp_path.iterdir()] == ["there.csv"]


@pytest.mark.slow
def test_a_run_forecasts_a_table(run, tmp_path):
    walk = np.cumsum(np.random.default_rng(1).normal(size=(400, 2)), 0)
    written(tmp_path / "mine.csv", walk[:300])
    written(tmp_path / "other.csv", walk)
    assert run("run", "recordings", "--task.path", "mine.csv", *TINY, "--task.changes", "--out", "mine")[0] == 0
    start = ("forecast", "mine", "other.csv", "--horizon", "5", "--paths", "50")
    code, out, err = run(*start, "--out", "out.csv", "--quantiles", "0.1,0.9")
    assert (code, err) == (0, "") and "5 steps ahead" in out and "not calibrated" in out
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert list(rows[0]) == ["time", "step", *(f"{c}.{n}" for c in "ab" for n in ("mean", "q0.1", "q0.9"))]
    assert [row["time"] for row in rows][::4] == ["2020-01-01T00:06:40", "2020-01-01T00:06:44"]
    card = json.loads((tmp_path / "out.csv.card.json").read_text())
    assert card["calibrated"] is False and "the model's own" in card["method"]
    restored = vestige.load(tmp_path / "mine", without_data=True)
    (again,) = restored.forecast({"b": walk[:, 1], "a": walk[:, 0]}, horizon=5, paths=50, quantiles=(0.1, 0.9))
    np.testing.assert_allclose(again.mean[:, 1], [float(row["b.mean"]) for row in rows], rtol=1e-9)

    code, out, err = run(*start, "--out", "b.csv", "--origins", "60", "--season", "7", "--columns", "b", "--json")
    test = json.loads(out)["back_test"]
    assert code == 0 and (test["origins"], test["season"], len(test["errors"]["model"])) == (60, 7, 5)
    assert json.loads(out)["calibrated"] == ("are the model's own" not in err) and test["first"] < 15
    rows = list(csv.DictReader((tmp_path / "b.csv").read_text().splitlines()))
    assert list(rows[0]) == ["time", "step", "b.mean", "b.q0.05", "b.q0.5", "b.q0.95"]
    # on the file of the training itself, only what was held out
    code, out, err = run("forecast", "mine", "mine.csv", "--horizon", "5", "--out", "c.csv", "--every", "10", "--json")
    assert code == 0 and json.loads(out)["back_test"]["first"] >= 240
    assert "are not calibrated: those of 0.05 and 0.95 need at least 20 origins" in err

    code, _, err = run(*start, "--out", "d.csv", "--columns", "time")
    assert code == 2 and "column 'time' cannot be forecast" in err and not (tmp_path / "d.csv").exists()
