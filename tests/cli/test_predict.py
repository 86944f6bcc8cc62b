"""`vestige predict`, from training to a file, without the file of the training."""

import csv
import json

import numpy as np
import pytest

import vestige

TINY = ("--steps", "2", "--num-evals", "1", "--model.hidden", "2", "--model.width", "4", "--model.horizon", "1")


def written(path, walk, names="a,b"):
    rows = "".join(f"2020-01-01T00:{n // 60:02}:{n % 60:02},{a!r},{b!r}\n" for n, (a, b) in enumerate(walk.tolist()))
    path.write_text(f"time,{names}\n{rows}")


def test_what_is_typed_wrong_is_said_before_anything_is_read(run, tmp_path):
    (tmp_path / "there.csv").write_text("a\n1\n")
    for arguments, said in (
        ((), "which run, which table, and where to?"),
        (("no-run", "there.csv", "--out", "out.xlsx"), "--out must end in .csv, .tsv, .parquet"),
        (("no-run", "there.csv", "--out", "out.csv", "--interval", "90"), "--interval must be in (0, 1)"),
        (("no-run", "there.csv", "--out", "there.csv", "--force"), "is the table that is predicted"),
        (("no-run", "there.csv", "--out", "out.csv"), "no-run"),
    ):
        code, _, err = run("predict", *arguments)
        assert code == 2 and said in err and "Traceback" not in err
    assert [each.name for each in tmp_path.iterdir()] == ["there.csv"]


@pytest.mark.slow
def test_a_run_predicts_a_table_without_its_own(run, tmp_path):
    draw = np.random.default_rng(1)
    walk = np.cumsum(draw.normal(size=(600, 2)), 0)
    written(tmp_path / "mine.csv", walk[:400])
    written(tmp_path / "other.csv", walk[400:])
    assert run("run", "recordings", "--task.path", "mine.csv", *TINY, "--out", "mine")[0] == 0
    kept = {name: (tmp_path / "mine" / name).read_bytes() for name in ("results.json", "evaluation.npz", "config.yaml")}
    (tmp_path / "mine.csv").unlink()
    code, out, err = run("predict", "mine", "other.csv", "--out", "out.csv", "--json")
    assert (code, err) == (0, "")
    summary = json.loads(out)
    assert summary["steps"] == 200 and summary["update"] == 2 and "the last value" in summary["sentence"]
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert list(rows[0]) == ["time", *(f"{c}.{n}" for c in "ab" for n in ("mean", "low", "high")), "surprise"]
    assert len(rows) == 200 and rows[61]["time"] == "2020-01-01T00:01:01"
    assert all(float(row["a.low"]) < float(row["a.mean"]) < float(row["a.high"]) for row in rows)
    card = json.loads((tmp_path / "out.csv.card.json").read_text())
    assert card["summary"]["coverage"] == summary["coverage"] and "split conformal" in card["interval"]["method"]

    code, _, err = run("predict", "mine", "other.csv", "--out", "out.csv")
    assert code == 2 and "pass --force" in err
    restored = vestige.load(tmp_path / "mine", without_data=True)
    predictions = restored.predict({"b": walk[400:, 1], "a": walk[400:, 0]})
    again = np.concatenate([steps.mean for steps in predictions])
    np.testing.assert_allclose(again[:, 1], [float(row["b.mean"]) for row in rows], rtol=1e-9)

    code, out, _ = run("score", "mine", "other.csv", "--out", "scores.csv", "--alarms", "0.05", "--json")
    scores = list(csv.DictReader((tmp_path / "scores.csv").read_text().splitlines()))
    assert code == 0 and list(scores[0]) == ["time", "surprise", "tail", "alarm"]
    assert json.loads(out)["alarms"] == sum(float(row["tail"]) <= 0.05 for row in scores)
    assert [row["surprise"] for row in scores] == [row["surprise"] for row in rows]
    each = [part.alarm for part in restored.score(tmp_path / "other.csv", alarms=0.05)]
    assert np.concatenate(each).sum() == json.loads(out)["alarms"]

    written(tmp_path / "short.csv", walk[:5], "a,c")
    code, _, err = run("predict", "mine", "short.csv", "--out", "short-out.csv")
    assert code == 2 and "lacks columns of the training data: b" in err
    (tmp_path / "words.csv").write_text("a,b\n1,2\n3,many\n")
    code, _, err = run("predict", "mine", "words.csv", "--out", "words-out.csv")
    assert code == 2 and "column 'b', row 2 (line 3): a number is expected, got 'many'" in err
    assert not list(tmp_path.glob("*-out*")) and not list(tmp_path.glob(".*"))
    assert kept == {name: (tmp_path / "mine" / name).read_bytes() for name in kept}

    # a run that kept no errors calibrates on its own data, or says what is missing
    (tmp_path / "mine" / "evaluation.npz").unlink()
    code, _, err = run("predict", "mine", "other.csv", "--out", "later.csv")
    assert code == 2 and "keeps no held-out errors of update 2" in err and "mine.csv" in err
    written(tmp_path / "mine.csv", walk[:400])
    code, out, _ = run("predict", "mine", "other.csv", "--out", "later.csv", "--json")
    assert code == 0 and json.loads(out)["coverage"] == pytest.approx(summary["coverage"], abs=0.01)


@pytest.mark.slow
def test_an_array_is_predicted_from_an_array(run, tmp_path):
    walk = np.cumsum(np.random.default_rng(1).normal(size=(400, 2)), 0)
    np.save(tmp_path / "mine.npy", walk)
    assert run("run", "recordings", "--task.path", "mine.npy", *TINY, "--task.changes", "--out", "mine")[0] == 0
    np.savez(tmp_path / "two.npz", observations=walk, lengths=[150, 250])
    assert run("predict", "mine", "two.npz", "--out", "two.tsv")[0] == 0
    rows = list(csv.DictReader((tmp_path / "two.tsv").read_text().splitlines(), delimiter="\t"))
    assert len(rows) == 400 and rows[-1]["document"] == "1" and "observations.1.mean" in rows[0]
    code, _, err = run("predict", "mine", "two.npz", "--out", "x.csv", "--arrays", "lengths")
    assert code == 2 and "found by their place, and here are 0 columns" in err
