"""`vestige tune`: what is searched, what is refused, and a study that is killed and goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vestige.cli import dispatch
from vestige.cli.spaces import space_of
from vestige.cli.tune import compared_on, lower_of
from vestige.errors import UsageError
from vestige.registries import registry
from vestige.report.study import read_study
from vestige.search import Choices, Integers, Reals

pytest.importorskip("optuna", reason="Optuna, vestige[tune], is not installed")


def experiment(name="perfect-recall", preset="small"):
    return registry("experiment")[name].preset(preset)


def space(*typed, given=(), name="perfect-recall"):
    return space_of(experiment(name), typed, frozenset(given), name)


def test_parts_declare_what_is_searched_and_an_option_that_is_given_stays():
    assert space() == {"optimiser.rate": Reals(1e-4, 3e-2, log=True)}
    assert set(space(name="listops")) >= {"optimiser.rate", "optimiser.latent", "optimiser.explore"}
    assert set(space(name="tmaze")) == {"optimiser.memory.rate", "optimiser.policy.rate"}
    with pytest.raises(UsageError, match="no option is left to be searched"):
        space(given=["optimiser.rate"])
    assert set(space("batch_size=8:64", given=["optimiser.rate"])) == {"batch_size"}


def test_a_range_is_typed_for_numbers_of_both_kinds_and_for_words():
    found = space("rate=0.001:0.01", "batch-size=8:64:log", "decay=cosine,constant", "model.memory.slots=1:9")
    assert found == {
        "optimiser.rate": Reals(0.001, 0.01),
        "batch_size": Integers(8, 64, log=True),
        "optimiser.decay": Choices(("cosine", "constant")),
        "model.memory.slots": Integers(1, 9),
    }


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("batch_sice=8:64", r"unknown option 'batch_sice'\. Did you mean 'batch_size'"),
        ("batch_size", "--space must be NAME=LOW:HIGH"),
        ("batch_size=", "--space must be NAME=LOW:HIGH"),
        ("batch_size=64:8", "low must be less than high"),
        ("batch_size=8:64:lin", "expected LOW:HIGH or LOW:HIGH:log"),
        ("batch_size=8:64.5", "expected a whole number"),
        ("batch_size=0:64", "batch_size must be at least 1, got 0"),
        ("rate=0:0.1:log", "low must be positive"),
        ("rate=0:0.1", "rate must be positive, got 0"),
        ("decay=1:2", "it is no number; name its values"),
        ("decay=cosine,linear", "linear"),
        ("model.memory=none,dnc", r"is a part: .*--vary model\.memory"),
    ],
)
def test_a_range_that_does_not_fit_is_named(typed, text):
    with pytest.raises(UsageError, match=text):
        space(typed)


def test_a_range_typed_twice_or_beside_the_option_is_refused():
    with pytest.raises(UsageError, match="given twice"):
        space("rate=0.001:0.01", "optimiser.rate=0.001:0.01")
    with pytest.raises(UsageError, match=r"--space optimiser\.rate is searched, and --optimiser\.rate is given too"):
        space("rate=0.001:0.01", given=["optimiser.rate"])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--seeds", "2"], "seeds must be 1"),
        (["--trials", "0"], "trials must be at least 1"),
        (["--study", "mine"], "give --storage too"),
        (["--storage", "x.db"], "--storage must be the URL of a database"),
        (["--space", "batch_sice=1:2"], "Did you mean 'batch_size'"),
        (["--pruner", "medium"], "median"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_made(words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=text):
        dispatch(["tune", "perfect-recall", *words])
    assert not list(tmp_path.iterdir())


def test_optuna_that_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'vestige\[tune\]'"):
        dispatch(["tune", "perfect-recall"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "preset", "part"),
    [
        ("parse", "cpu", "dev"),
        ("explain", "cpu", "valid"),
        ("explain", "sst", "valid"),
        ("tied-digits", "small", "valid"),
        ("pixel-mnist", "small", "valid"),
    ],
)
def test_trials_are_compared_on_the_part_for_choosing_settings(name, preset, part):
    before = experiment(name, preset)
    changed, said = compared_on(before, frozenset())
    assert before.task.held_out == "test" and changed.task.held_out == part
    assert said == f"the part of the data for choosing settings (held_out {part}); the test part stays unseen"
    same, said = compared_on(before, frozenset({"task.held_out"}))
    assert same is before and said.endswith("--task.held-out names, test")


def test_where_there_is_no_such_part_it_is_said_what_they_are_compared_on():
    same, said = compared_on(experiment("calibration"), frozenset())
    assert same == experiment("calibration") and "nothing unseen is left" in said
    assert "examples that the task generates" in compared_on(experiment("recall"), frozenset())[1]
    assert "examples that the task generates" in compared_on(experiment("parse"), frozenset())[1]
    published = experiment("listops").replace("task.source", "d20s")
    assert compared_on(published, frozenset())[0].task.held_out == "valid"


def test_which_way_is_better_is_known_or_needed():
    assert lower_of("kl_last", "auto") and not lower_of("accuracy", "auto") and not lower_of("kl_last", "higher")
    with pytest.raises(UsageError, match="pass --direction"):
        lower_of("nobody_knows", "auto")


TINY = ("tune", "toy-matching", "--trials", "4", "--steps", "12", "--num-evals", "3", "--quiet")


def started(folder: Path, *words: str):
    command = [sys.executable, "-m", "vestige", *TINY, "--out", str(folder), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(folder: Path, *words: str):
    with started(folder, *words) as process:
        output, _ = process.communicate(timeout=400)
    assert process.returncode == 0
    return read_study(folder), output


def told(study):
    return [(each.state, each.value, dict(each.options)) for each in study.trials]


@pytest.mark.slow
def test_a_study_that_is_killed_goes_on_to_the_same_end(tmp_path):
    whole, output = finished(tmp_path / "whole", "--jobs", "1")
    assert [each.state for each in whole.trials].count("complete") >= 1 and len(whole.trials) == 4
    assert "default options" in output and str(tmp_path / "whole" / "report.html") in output
    with started(tmp_path / "cut", "--jobs", "1") as process:
        deadline = time.monotonic() + 200
        while not (tmp_path / "cut" / "trial-0001" / "metrics.jsonl").exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    cut, _ = finished(tmp_path / "cut", "--jobs", "1", "--resume")
    assert told(cut) == told(whole)


@pytest.mark.slow
@pytest.mark.parametrize("where", [("--jobs", "2"), ("--on", "dask", "--jobs", "2")])
def test_trials_go_on_at_once(tmp_path, where):
    if "dask" in where:
        pytest.importorskip("distributed", reason="Dask distributed, vestige[dask], is not installed")
    study, output = finished(tmp_path / "a", *where, "--json")
    assert json.loads(output)["best"] == study.best.number
    assert sorted(each.number for each in study.trials) == [0, 1, 2, 3]
    assert all((tmp_path / "a" / each.page / "report.html").exists() for each in study.trials if each.page)
    assert study.default.options == {"optimiser.rate": 0.01}
