"""`vestige fit`, from a table to a run that is like any other."""

import csv
import json

import numpy as np
import pytest

WALK = np.cumsum(np.random.default_rng(1).normal(size=(400, 2)), axis=0)


def written(path, walk):
    rows = "".join(f"{year},{a!r},{b!r}\n" for year, (a, b) in enumerate(walk.tolist(), 1600))
    path.write_text(f"year,a,b\n{rows}")


def test_what_is_typed_wrong_is_said_before_anything_is_written(run, tmp_path):
    written(tmp_path / "mine.csv", WALK[:20])
    (tmp_path / "words.csv").write_text("a,b\n" + "calm,x\nwindy,y\n" * 10)
    for arguments, said in (
        ((), "which table? vestige fit DATA"),
        (("none.csv",), "none.csv"),
        (
            ("words.csv", "--as", "recordings"),
            "no column of numbers, counts or bits that change could be predicted (a (class), b (class))",
        ),
        (("mine.csv", "--as", "records"), "got 'records'. Did you mean 'recordings'? See vestige fit --help"),
        (("mine.csv", "--kind", "a"), "--kind must be COL=VALUE"),
        (("mine.csv", "--seed", "-1"), "seed must be in"),
        (("mine.csv", "--held-out", "2"), "held-out must be in (0, 1)"),
        (("mine.csv", "--out", "mine.csv"), "mine.csv exists. Choose another --out"),
    ):
        code, _, err = run("fit", *arguments)
        assert code == 2 and said in err and "Traceback" not in err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.csv", "words.csv"]


@pytest.mark.slow
def test_a_table_becomes_a_run_that_predicts(run, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    written(tmp_path / "mine.csv", WALK)
    code, out, err = run("fit", "mine.csv", "--steps", "3", "--out", "mine")
    assert (code, err) == (0, "")
    assert "Taken for recordings: 400 steps of numbers in 2 columns." in out
    assert "320 rows of training are too few for a net beside it." in out
    table = out[out.index("held-out steps") :]
    assert all(len(line) <= 80 for line in table.splitlines() if " worth it" not in line.lower())
    assert "ridge autoregression of order" in table and "last value" in table
    assert sum(line.startswith(("Worth it", "Hardly worth it", "Not worth it")) for line in out.splitlines()) == 1
    kept = json.loads((tmp_path / "mine" / "fit.json").read_text())
    errors = {name: each["error"] for name, each in kept["compared"].items()}
    assert errors["model"] <= 1.02 * errors["last value"] and kept["steps"] == 80 and kept["update"] == 3

    assert run("evaluate", "mine")[0] == 0 and run("verify", "mine")[0] == 0
    assert run("predict", "mine", "mine.csv", "--out", "out.csv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(rows) == 400 and float(rows[7]["a.mean"]) == pytest.approx(WALK[6, 0], abs=1.0)
    squares = np.mean([(float(row["a.mean"]) - a) ** 2 for row, a in zip(rows[320:], WALK[320:, 0], strict=True)])
    assert squares**0.5 == pytest.approx(kept["compared"]["model"]["rmse"]["a"], rel=1e-3)  # reads on in the same way

    code, _, err = run("fit", "mine.csv", "--steps", "3", "--out", "mine")
    assert code == 2 and "mine exists. Choose another --out, or pass --resume" in err
    code, out, err = run("fit", "mine.csv", "--out", "mine", "--resume", "--json")
    again = json.loads(out)
    assert code == 0 and again["compared"] == kept["compared"] and again["why"] == kept["why"]
    (tmp_path / "mine" / "fit.json").write_text("{}")
    code, out, _ = run("verify", "mine")
    assert code == 1 and "DAMAGED  fit.json" in out
    code, out, _ = run("fit", "mine.csv", "--out", "mine", "--resume", "--json")
    assert code == 0 and json.loads(out)["compared"] == kept["compared"]
    assert run("verify", "mine")[0] == 0
    written(tmp_path / "other.csv", WALK)
    code, _, err = run("fit", "other.csv", "--out", "mine", "--resume")
    assert code == 2 and "holds a run on mine.csv, not on other.csv" in err


@pytest.mark.slow
def test_a_net_is_kept_where_it_helps(run, tmp_path):
    """A map that no regression knows: the logistic map at 3.7."""
    x = [0.3]
    while len(x) < 3000:
        x.append(3.7 * x[-1] * (1 - x[-1]))
    np.save(tmp_path / "chaos.npy", np.array(x)[:, None])
    code, out, _ = run("fit", "chaos.npy", "--out", "mine", "--json")
    found = json.loads(out)
    assert code == 0 and found["sentence"].startswith("Worth it") and "A net of 64 units" in " ".join(found["why"])
    errors = {name: each["error"] for name, each in found["compared"].items()}
    assert errors["model"] < 0.7 * errors["ridge autoregression"]
