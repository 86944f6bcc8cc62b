"""A run from a configuration file, and a configuration file from a command."""

import json
import subprocess
import sys

import pytest
import yaml

from vestige.errors import UsageError
from vestige.registries import registry
from vestige.runs.config_file import read_config_file, write_config_file


def test_what_is_saved_is_what_is_read(tmp_path):
    for name in ("perfect-recall", "stream", "toy-matching"):
        entry = registry("experiment").find(name)
        experiment = entry.preset("cpu").replace("steps", 17)
        write_config_file(tmp_path / f"{name}.yaml", entry, experiment, preset="cpu", seed=4)
        found = read_config_file(tmp_path / f"{name}.yaml")
        assert found[:4] == (entry, experiment, "cpu", 4) and found.notices == []


def test_a_short_file_takes_the_rest_from_the_preset(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("experiment: toy-matching\noptions: {steps: 7}\n")
    found = read_config_file(path)
    assert found.experiment == registry("experiment").find("toy-matching").preset("small").replace("steps", 7)
    path.write_text("experiment: toy-matching\npreset: cpu\n")
    assert read_config_file(path).experiment == registry("experiment").find("toy-matching").preset("cpu")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\n", "names no experiment"),
        ("experiment: toy-macthing\n", "Did you mean 'toy-matching'"),
        ("experiment: toy-matching\nseed: one\n", "seed must be a whole number from 0 on, got one"),
        ("experiment: toy-matching\noptions: 3\n", "options must be names and values, got 3"),
        ("experiment: toy-matching\noptions: {stesp: 3}\n", "Did you mean 'steps'"),
        ("experiment: toy-matching\nschema: 9\noptions: {steps: 3}\n", "schema 9"),
        ("- 1\n", "mine.yaml"),
    ],
)
def test_what_a_file_says_wrong_is_named(tmp_path, text, said):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_config_file(tmp_path / "mine.yaml")


def test_a_run_from_its_own_config_is_the_same_run(run, tmp_path):
    first = ("run", "toy-matching", "--n", "3", "--steps", "3", "--num-evals", "1", "--seed", "5", "--out", "a", "-q")
    assert run(*first)[0] == 0
    assert run("run", "a/config.yaml", "--out", "b", "-q")[0] == 0
    metrics = [json.loads((tmp_path / name / "results.json").read_text())["metrics"] for name in "ab"]
    assert metrics[0] == metrics[1]
    assert run("run", "a/config.yaml", "--steps", "2", "--seed", "6", "--out", "c", "-q")[0] == 0
    config = yaml.safe_load((tmp_path / "c" / "config.yaml").read_text())
    assert (config["options"]["steps"], config["seed"], config["all_options"]["task.n"]) == (2, 6, 3)


def test_saving_trains_nothing(run, tmp_path):
    code, out, _ = run("run", "toy-matching", "--n", "4", "--seed", "2", "--save-config", "mine.yaml")
    assert code == 0 and "vestige run mine.yaml" in out
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
    assert read_config_file(tmp_path / "mine.yaml").experiment.task.n == 4
    code, _, err = run("run", "toy-matching", "--save-config", "mine.yaml")
    assert code == 2 and "exists" in err
    code, _, err = run("run", "toy-matching", "--save-config", "mine.txt")
    assert code == 2 and "must name a .yaml file" in err
    code, _, err = run("run", "mine.yaml", "--preset", "cpu")
    assert code == 2 and "--preset" in err and "leave it out" in err
    code, _, err = run("run", "missing.yaml")
    assert code == 2 and "does not exist" in err


def test_python_m_vestige():
    done = subprocess.run([sys.executable, "-m", "vestige", "--version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("vestige ")


def test_patience_is_an_option_and_results_say_that_it_ended_the_run(run, tmp_path):
    start = ("run", "toy-matching", "--steps", "40", "--num-evals", "8", "--eval-size", "8", "--out", "mine", "-q")
    more = ("--patience", "2", "--min-delta", "50")
    assert run(*start, *more)[0] == 0
    results = json.loads((tmp_path / "mine" / "results.json").read_text())
    assert results["updates"] == 15 and "loss has not improved over 2 evaluations" in results["stopped"]
    assert "update 5" in results["stopped"]
    before = (tmp_path / "mine" / "results.json").stat().st_mtime_ns
    assert run(*start, *more, "--resume")[0] == 0
    assert (tmp_path / "mine" / "results.json").stat().st_mtime_ns == before  # it is finished
    assert run("verify", "mine")[0] == 0
    metrics = json.loads(run("evaluate", "mine", "--json")[1])["metrics"]
    assert metrics == results["metrics"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "toy-matching", "--stesp", "3"), "unknown option '--stesp'. Did you mean '--steps'? See vestige run"),
        (("run", "toy-matching", "--on-nonfinite", "skp"), "got 'skp'. Did you mean 'skip'? See vestige run"),
        (("run", "toy-matching", "--sink", "mlfow"), "got 'mlfow'. Did you mean 'mlflow'?"),
        (("fit", "table.csv", "--sink", "mlfow"), "got 'mlfow'. Did you mean 'mlflow'?"),
        (("run", "toy-matching", "--patience", "2", "--monitor", "los"), "Did you mean 'loss'"),
        (("compare", "gtm"), "Did you mean 'gtmm'"),
        (("evaluate", "x", "--jsno"), "Did you mean '--json'"),
        (("completion", "fihs"), "Did you mean 'fish'"),
        (("completion",), "which shell?"),
    ],
)
def test_misspelt_names_are_answered_with_the_nearest(run, arguments, said, tmp_path):
    code, _, err = run(*arguments)
    assert code == 2 and said in err
    assert not any(tmp_path.iterdir())
