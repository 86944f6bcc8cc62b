"""`vestige complete`, from training to a file."""

import csv
import json

import numpy as np
import pytest
from tests.cli.test_predict import TINY, written

import vestige


def test_what_is_typed_wrong_is_said_before_anything_is_read(run, tmp_path):
    (tmp_path / "there.csv").write_text("a\n1\n")
    for arguments, said in (
        (("no-run", "there.csv"), "which run, which table, and where to?"),
        (("no-run", "there.csv", "--out", "out.csv", "--interval", "2"), "--interval must be in (0, 1)"),
        (("no-run", "there.csv", "--out", "there.csv", "--force"), "is the table that is predicted"),
    ):
        code, _, err = run("complete", *arguments)
        assert code == 2 and said in err and "Traceback" not in err
    assert [each.name for each in tmp_path.iterdir()] == ["there.csv"]


@pytest.mark.slow
def test_a_run_on_a_table_with_gaps_fills_them(run, tmp_path):
    draw = np.random.default_rng(1)
    walk = np.cumsum(draw.normal(size=(400, 2)), 0)
    walk[draw.random(walk.shape) < 0.1] = np.nan
    written(tmp_path / "mine.csv", walk)
    text = (tmp_path / "mine.csv").read_text().replace("nan", "")
    (tmp_path / "mine.csv").write_text(text)
    assert run("run", "recordings", "--task.path", "mine.csv", *TINY, "--task.changes", "--out", "mine")[0] == 0
    start = ("complete", "mine", "mine.csv", "--particles", "20", "--out")
    code, out, err = run(*start, "out.csv", "--json")
    assert code == 0 and json.loads(out)["filled"] == np.isnan(walk).sum()
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    before = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == ["time", "a", "b", "a.low", "a.high", "b.low", "b.high"]
    for row, was in zip(rows, before, strict=True):
        assert all(row[name] == was[name] or (was[name] == "" and float(row[name])) for name in was)
    assert "particle filter" in json.loads((tmp_path / "out.csv.card.json").read_text())["method"]
    restored = vestige.load(tmp_path / "mine", without_data=True)
    again = np.concatenate([part.filled() for part in restored.complete(tmp_path / "mine.csv", particles=20)])
    np.testing.assert_allclose(again[:, 0], [float(row["a"]) for row in rows], rtol=1e-9)
    # the same table is predicted and forecast by what is there
    code, out, err = run("predict", "mine", "mine.csv", "--out", "p.csv", "--json")
    assert code == 0 and "what is there counts" in err and json.loads(out)["missing"] < 10
    code, out, _ = run("forecast", "mine", "mine.csv", "--horizon", "2", "--paths", "20", "--out", "f.csv", "--json")
    assert code == 0 and json.loads(out)["documents"] == 1
    code, _, err = run("run", "recordings", "--task.path", "mine.csv", "--model", "refh", "--out", "other")
    assert code == 2 and "must not be missing in part" in err
