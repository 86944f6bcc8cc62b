"""A run on a file of the user's: from anywhere, on a replaced file, on another one."""

import json

import numpy as np
import pytest

TINY = ("--steps", "2", "--num-evals", "1", "--model.hidden", "2", "--model.width", "4", "--model.horizon", "1")


@pytest.mark.slow
def test_a_run_knows_its_file_and_keeps_its_scale(run, tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    np.save("mine.npy", mine := np.cumsum(draw.normal(size=(400, 2)), 0))
    command = ("run", "recordings", "--task.path", "mine.npy", *TINY, "--out", "mine")
    assert run(*command)[0] == 0

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, out, err = run("evaluate", tmp_path / "mine", "--json", "-q")
    assert (code, err) == (0, "")
    metrics = json.loads(out)["metrics"]
    trained = json.loads((tmp_path / "mine" / "results.json").read_text())["metrics"]
    assert metrics == pytest.approx(trained, rel=1e-5)

    np.save(tmp_path / "mine.npy", 50 + 9 * draw.normal(size=(400, 2)))
    code, _, err = run("evaluate", tmp_path / "mine")
    assert code == 2 and "mine.npy (--task.path of the run in" in err and "--data FILE" in err
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*command, "--resume")
    assert code == 2 and "Put the first file back to go on with the run" in err

    np.save("twice.npy", 2 * mine)
    code, out, err = run("evaluate", "mine", "--data", "twice.npy", "--json")
    assert code == 0 and "evaluated on twice.npy, which is not the file of the run" in err
    other = json.loads(out)["metrics"]
    # squared errors in units of the training, of a file that is twice as large: four times those of its own
    assert other["repeat_error"] == pytest.approx(4 * metrics["repeat_error"], rel=1e-4)

    (tmp_path / "mine.npy").unlink()
    code, out, _ = run("evaluate", "mine", "--data", "twice.npy", "--json")
    assert code == 0 and json.loads(out)["metrics"] == other
    code, _, err = run("evaluate", "mine")
    assert code == 2 and "mine.npy (--task.path of the run in mine) is missing" in err


@pytest.mark.slow
def test_a_run_on_a_text_file_finds_its_columns_by_name(run, tmp_path):
    draw = np.random.default_rng(1)
    walk = np.cumsum(draw.normal(size=(400, 2)), 0)
    (tmp_path / "mine.csv").write_text("a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in walk.tolist()))
    (tmp_path / "swapped.csv").write_text("b,a\n" + "".join(f"{b!r},{a!r}\n" for a, b in walk.tolist()))
    assert run("run", "recordings", "--task.path", "mine.csv", *TINY, "--out", "mine")[0] == 0
    assert json.loads((tmp_path / "mine" / "fitted.json").read_text())["columns"]["inputs"] == ["a", "b"]
    own, other = (
        json.loads(run("evaluate", "mine", *arguments, "--json")[1])["metrics"]
        for arguments in ((), ("--data", "swapped.csv"))
    )
    assert own == other
    (tmp_path / "short.csv").write_text("b\n1.5\n2.5\n")
    code, _, err = run("evaluate", "mine", "--data", "short.csv")
    assert code == 2 and "lacks columns of the training data: a" in err
