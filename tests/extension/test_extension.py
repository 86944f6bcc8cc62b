"""The package of recipes, installed outside Vestige, in commands of their own; `test_recipes.py` has the parts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.extension.test_recipes import RECIPES

HERE = Path(__file__).parent
PACKAGE = HERE / "vestige_extra"
SUITES = ("memory", "cell", "structure", "rule", "estimator", "task", "dataset")
"""Contracts with a conformance suite."""
SMALL = ["--model.latent-size", "4", "--model.controller-size", "16", "--model.width", "16", "--batch-size", "4"]
SMALL += ["--model.no-match-parameters", "--steps", "4", "--num-evals", "1", "--eval-size", "4"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds the package as an installer leaves it, and in which commands are run."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, folder / "vestige_extra")
    info = folder / "vestige_extra-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vestige-extra\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[vestige]\nvestige_extra = vestige_extra\n")
    (info / "top_level.txt").write_text("vestige_extra\n")
    return folder


def vestige(*arguments, folder, at=None, **environment):
    paths = os.pathsep.join(filter(None, [str(at) if at else "", os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "vestige.cli", *map(str, arguments)]
    more = {"PYTHONPATH": paths, "COLUMNS": "200", **environment}
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **more}, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.slow
def test_an_installed_package_is_listed(installed, tmp_path):
    done = vestige("list", "memory", "--json", folder=tmp_path, at=installed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["leaky"]["plugin"] == "vestige_extra.leaky"


@pytest.mark.slow
def test_a_module_that_is_not_installed_is_named(installed, tmp_path):
    done = vestige("list", "memory", "--plugin", "leaky", folder=installed / "vestige_extra")
    assert done.returncode == 0, done.stderr
    assert "leaky" in done.stdout
    assert vestige("list", "memory", folder=tmp_path).stdout.count("leaky") == 0


@pytest.fixture(scope="module")
def ran(installed, tmp_path_factory):
    """A run of the new task with the new memory, prior, rule, optimiser and data set."""
    folder = tmp_path_factory.mktemp("runs")
    options = ["--memory", "leaky", "--model.prior", "learned-scale", "--rule", "signs", "--optimiser", "lion"]
    options += ["--task.images.source", "crosses", *SMALL]
    done = vestige("run", "reversed-recall", *options, "--out", "r", folder=folder, at=installed)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_a_run_records_what_it_needs_evaluates_and_reports(ran, installed):
    config = yaml.safe_load((ran / "r" / "config.yaml").read_text())
    parts = ("leaky", "learned_scale", "signs", "lion", "reversed_recall", "reversed_small")
    assert set(config["plugins"]) == {f"vestige_extra.{part}" for part in parts}
    assert set(config["plugins"].values()) == {"0.1"}
    assert config["options"]["model"]["memory"] == {"name": "leaky"}
    assert config["options"]["task"]["images"] == {"source": "crosses"}
    results = json.loads((ran / "r" / "results.json").read_text())
    done = vestige("evaluate", "r", "--json", folder=ran, at=installed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"] == results["metrics"]
    page = (ran / "r" / "report.html").read_text()
    assert "leaky" in page and "reversed-recall" in page
    assert "KL at the turn" in page and ">Best evaluations</h2>" in page


@pytest.mark.slow
def test_a_missing_plugin_is_one_clear_sentence(ran):
    done = vestige("evaluate", "r", folder=ran)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "config.yaml needs the plugin 'vestige_extra.leaky' (version 0.1)" in done.stderr


MEMUP = ["--score", "least-confident", "--selection", "epsilon-greedy"]
RUNS = {
    "copy": ["--cell", "minimal-gated", "--cell.hidden", "8", "--task.length", "8", *MEMUP],
    "sensor-fusion": ["--model", "autoregression"],
    "bars-and-stripes": ["--tie", "sign-symmetric"],
    "toy-matching": ["--estimator", "score-function", "--model.estimator.baseline", "median-of-others"],
}
"""Experiment -> options that choose the parts which the run above does not use."""


@pytest.mark.slow
@pytest.mark.parametrize("experiment", RUNS)
def test_the_other_parts_learn_and_are_read_back(experiment, installed, tmp_path):
    few = ["--steps", "4", "--num-evals", "1", "--eval-size", "8", "--batch-size", "2"]
    done = vestige("run", experiment, *RUNS[experiment], *few, "--out", "r", folder=tmp_path, at=installed)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "r" / "results.json").read_text())
    done = vestige("evaluate", "r", "--json", folder=tmp_path, at=installed)
    assert json.loads(done.stdout)["metrics"] == results["metrics"] and results["updates"] == 4


@pytest.mark.slow
def test_comparison_in_other_processes_and_bench(installed, tmp_path):
    varied = ["--vary", "memory=leaky,none", "--jobs", 2]
    done = vestige("compare", "perfect-recall", *varied, *SMALL, "--out", "c", folder=tmp_path, at=installed)
    assert done.returncode == 0, done.stderr
    assert "leaky" in json.loads((tmp_path / "c" / "results.json").read_text())["members"]
    quick = ["--updates", 1, "--blocks", 1, "--vary", "memory=leaky"]
    done = vestige("bench", "reversed-recall", *quick, folder=tmp_path, at=installed)
    assert done.returncode == 0 and "leaky" in done.stdout, done.stderr


@pytest.mark.slow
def test_the_laboratory_of_gradients(installed, tmp_path):
    options = ["--samples", 400, "--n", 3, "--out", "g", "--estimators", "self-critical,leave-one-out"]
    done = vestige("gradients", "first-two", *options, folder=tmp_path, at=installed)
    assert done.returncode == 0, done.stderr
    assert "self-critical" in done.stdout


@pytest.mark.slow
def test_the_conformance_suites_know_them(installed, tmp_path):
    names = [RECIPES[contract][0] for contract in SUITES]
    wanted = " or ".join(names)
    every = ["-m", "", "-p", "no:cacheprovider", "tests/conformance", "-k", wanted]
    command = [sys.executable, "-m", "pytest", "-q", *every]
    root = HERE.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stdout[-3000:]
    listed = subprocess.run(
        [*command, "--collect-only"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    for name in names:
        assert f"[{name}" in listed.stdout, name
