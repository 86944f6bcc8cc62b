"""`vestige calibrate`: from two files to a table."""

import json

import numpy as np
import pytest


@pytest.fixture
def files(tmp_path):
    draw = np.random.default_rng(0)
    shapes = {"0.weight": (6, 2), "0.bias": 6, "1.weight": (2, 6), "1.bias": 2}
    np.savez(tmp_path / "net.npz", **{name: draw.normal(size=shape) for name, shape in shapes.items()})
    rows = draw.normal(size=(80, 2))
    names = np.where(rows[:, 0] + draw.normal(size=80) > 0, "yes", "no")
    lines = [f"{a!r},{name},{b!r}" for (a, b), name in zip(rows.tolist(), names, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["first,answer,second", *lines]) + "\n")
    return "calibrate", "net.npz", "rows.csv", "--outcome", "answer", "--activation", "tanh"


def test_a_table_of_names_of_classes(run, files):
    code, out, err = run(*files, "--classes", "no,yes")
    assert (code, err) == (0, "") and "The network is" in out and "Evaluated on 40 rows" in out
    assert all(way in out for way in ("plain", "ap2", "sampled", "temperature", "ap2-temperature", "isotonic"))
    assert max(map(len, out.splitlines())) <= 80 or "The network is" in max(out.splitlines(), key=len)
    other = json.loads(run(*files, "--classes", "yes,no", "--json")[1])  # the other way round
    same = json.loads(run(*files, "--classes", "no,yes", "--json")[1])
    error = lambda found: found["ways"]["plain"]["error"]["value"]
    assert error(same) == pytest.approx(1 - error(other)) and same["evaluated_on"] == 40


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "a count is expected, got"),
        (("--classes", "no,maybe"), "yes"),
        (("--classes", "no,yes", "--inputs", "second,answer"), "other than the outcome"),
        (("--classes", "no,yes", "--inputs", "second,third"), "third"),
        (("--classes", "no,yes", "--inputs", "second"), "inputs must be (rows, 2)"),
        (("--classes", "no,yes", "--validation", "0.9"), "at least 20 rows"),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, files, more, said):
    code, _, err = run(*files, *more)
    assert code == 2 and said in err and "Traceback" not in err


def test_nothing_said(run):
    code, _, err = run("calibrate")
    assert code == 2 and "which network, which rows" in err
