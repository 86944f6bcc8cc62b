"""When a file is taken for a stream, what is chosen for it, and what is said in the end."""

import csv
import json

import numpy as np
import pytest

from vestige.cells.specs import LSTMSpec
from vestige.errors import UsageError
from vestige.rules.longterm_specs import TruncatedSpec
from vestige.rules.memup_specs import MemUPSpec
from vestige.runs.fits.contract import FitRequest
from vestige.runs.fits.fitting import STRATEGIES
from vestige.runs.fits.streams import sentence_of, why_a_stream
from vestige.runs.fits.streams_plan import LONG_TEXT, _sized, _spec, enough, planned
from vestige.tasks.longterm.outcome_comparing import ComparedOutcomes


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def table(folder, rows, header, name="mine.csv"):
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")
    return folder / name


def taken_for(path, **said):
    request = FitRequest(path, **said)
    return next(strategy.kind for strategy in STRATEGIES if strategy.suits(request))


def test_what_is_taken_for_a_stream(tmp_path):
    sparse = table(
        tmp_path, [(i, i % 7 / 2, i + 0.5 if i % 4 == 0 else "") for i in range(40)], "a,b,outcome", "sparse.csv"
    )
    assert taken_for(sparse) == "stream"
    assert why_a_stream(FitRequest(sparse).schema) == "'outcome' is known at 10 of 40 steps"
    timed = table(tmp_path, [(i, i % 7 / 2, "xy"[i % 2]) for i in range(40)], "time,b,label", "timed.csv")
    assert taken_for(timed) == "stream"
    assert why_a_stream(FitRequest(timed).schema) == "'label' holds classes, and 'time' puts steps in an order"
    whole = [(f"p{i // 8}", i % 7 / 2, "xy"[i % 2]) for i in range(40)]
    assert taken_for(table(tmp_path, whole, "patient,b,label", "documents.csv")) == "stream"
    rows = [(i % 5 / 2, i % 7 / 2, "xy"[i % 2]) for i in range(40)]
    assert taken_for(table(tmp_path, rows, "a,b,label", "rows.csv")) != "stream"  # rows in no order
    numbers = [(i, i % 7 / 2, i % 5 / 2) for i in range(40)]
    assert taken_for(table(tmp_path, numbers, "time,b,c", "numbers.csv")) == "recordings"
    assert taken_for(table(tmp_path, numbers, "time,b,target", "target.csv")) == "recordings"  # a number at each step
    (tmp_path / "a.txt").write_text("To be, or not to be,\nthat is the question.\n")
    assert taken_for(tmp_path / "a.txt") == "stream"


def sized(path, **said):
    request = FitRequest(path, kind="stream", **said)
    spec = _spec(request)
    return _sized(spec, spec.build(seed=0))


def test_sizes_follow_the_file(tmp_path):
    rows = [(f"p{i // 6}", "abc"[i % 3], "xy"[i // 6 % 2] if i % 6 == 5 else "") for i in range(60)]
    found = sized(table(tmp_path, rows, "patient,event,outcome"))
    assert isinstance(found.rule, MemUPSpec) and found.rule.horizon is None  # documents bound it
    assert (found.rule.rollout, found.batch_size, found.task.held_out_share) == (6, 8, 0.2)
    rows = [("abc"[i % 3], i % 4 / 2 if i % 9 == 0 else "") for i in range(1000)]
    found = sized(table(tmp_path, rows, "event,outcome", "long.csv"))
    assert isinstance(found.rule, MemUPSpec)
    assert (found.batch_size, found.rule.horizon, found.eval_size) == (16, 50, 4)
    (tmp_path / "a.txt").write_text("to be or not to be " * 40)
    found = sized(tmp_path / "a.txt")
    assert isinstance(found.rule, TruncatedSpec) and found.model.cell == LSTMSpec(64)
    (tmp_path / "long.txt").write_text("to be or not to be, " * (LONG_TEXT // 16 + 1))
    found = sized(tmp_path / "long.txt")
    assert found.model.cell == LSTMSpec(256) and found.task.text


@pytest.mark.parametrize(
    ("said", "message"), [({"season": 7}, "season is of rec"), ({"horizon": 0}, "at least 1 step")]
)
def test_what_says_nothing_of_a_stream_is_refused(said, message, tmp_path):
    request = FitRequest(table(tmp_path, [("a", "x")], "event,outcome"), kind="stream", **said)
    with pytest.raises(UsageError, match=message):
        planned(request, "", note=print)


def test_a_horizon_is_that_of_the_rule(tmp_path):
    rows = [(f"p{i // 6}", "abc"[i % 3], "xy"[i // 6 % 2] if i % 6 == 5 else "") for i in range(60)]
    spec = _spec(FitRequest(table(tmp_path, rows, "patient,event,outcome"), kind="stream"))
    assert _sized(spec, spec.build(seed=0), 4).rule.horizon == 4


def test_updates_are_made_as_long_as_they_do_no_harm():
    assert enough({100: 0.43, 200: 0.44, 300: 0.10, 400: 0.103, 500: 0.104}, 0.43) == 500  # learned all at once
    assert enough({100: 0.5, 200: 0.4, 300: 0.41, 400: 0.6}, 0.5) == 300  # too much learned by heart
    assert enough({0: 0.1, 100: -2.0, 200: -1.95, 300: -1.0, 400: float("nan")}, 1.0) == 200
    assert enough({100: 0.43, 200: 0.425, 300: 0.6}, 0.43) is None  # nothing was learned
    assert enough({100: float("inf")}, 1.0) is None and enough({}, 1.0) is None


def compared(model, other):
    rows = {"model": {"said": "the model", "cross_entropy": model}, "best": {"said": "guesses", "cross_entropy": other}}
    rows["worse"] = {"said": "nobody", "cross_entropy": 2 * other}
    return ComparedOutcomes(rows, 7, "cross_entropy")


@pytest.mark.parametrize(
    ("model", "other", "begins"),
    [(0.5, 1.0, "Worth it"), (0.995, 1.0, "Hardly"), (1.005, 1.0, "Hardly"), (1.2, 1.0, "Not worth it")],
)
def test_whether_it_was_worth_it(model, other, begins):
    said = sentence_of(compared(model, other))
    assert said.startswith(begins) and f"{other:.4g} is that of guesses" in said and said.count(". ") == 0
    bits = sentence_of(compared(np.log(2) * model, np.log(2) * other), text=True)
    assert bits.startswith(begins) and f"{model:.4g} bits a character" in bits
    assert sentence_of(compared(float("nan"), 1.0)).startswith("Not worth it: the model's predictions are not finite")


@pytest.mark.slow
def test_a_stream_becomes_a_run_that_predicts(tmp_path, monkeypatch):
    """From the command line; the table is gone when the run predicts another."""
    from vestige.cli import main

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        return exit_.value.code or 0

    monkeypatch.chdir(tmp_path)
    rows = [(f"p{i // 6}", "abc"[(i // 6) % 3], "xy"[(i // 6) % 2] if i % 6 == 5 else "") for i in range(120)]
    path = table(tmp_path, rows, "patient,event,outcome")
    assert call("fit", path, "--steps", 4, "--out", "run") == 0
    kept = json.loads((tmp_path / "run" / "fit.json").read_text())
    assert kept["why"][0] == "Taken for a stream: 'outcome' is known at 20 of 120 steps."
    assert set(kept["compared"]) >= {"model", "class frequencies", "logistic, current step", "logistic, bag of steps"}
    assert kept["compared"]["model"].keys() >= {"cross_entropy", "accuracy", "auroc", "calibration_error"}
    assert call("evaluate", "run") == 0 and call("verify", "run") == 0
    other = table(tmp_path, rows[:30], "patient,event,outcome", "other.csv")
    path.unlink()
    assert call("predict", "run", other, "--out", "out.csv") == 0
    found = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert len(found) == 30 and list(found[0]) == ["patient", "outcome.x", "outcome.y", "surprise"]
    for row, (_, _, outcome) in zip(found, rows, strict=False):
        assert float(row["outcome.x"]) + float(row["outcome.y"]) == pytest.approx(1.0)
        assert (row["surprise"] == "") == (outcome == "")
        if outcome:
            assert float(row["surprise"]) == pytest.approx(-np.log(float(row[f"outcome.{outcome}"])), rel=1e-4)
    assert call("evaluate", "run") == 2  # its file is gone
