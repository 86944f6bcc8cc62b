"""The commands know no kind of experiment: one that neither remembers nor generates goes through all of them."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.experiments import Entry, Experiment
from vestige.models.spec import ModelSpec
from vestige.registries import registry
from vestige.tasks import AbstractTask, Evaluation
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.spec import TaskSpec
from vestige.typing import Batch

TARGET = 3.0


class Mean(eqx.Module):
    at: jax.Array


def objective(model, example, *, key):
    loss = jnp.square(model.at - example.inputs)
    return -loss, {"loss": loss}


class Normal(AbstractTask):
    """Numbers around the target: the best guess is the target, and its loss their variance."""

    def batch(self, *, size, key):
        return Batch(TARGET + 0.1 * jax.random.normal(key, (size,)))

    def evaluate(self, model, *, size, key):
        return {"loss": jnp.mean(jnp.square(model.at - self.batch(size=size, key=key).inputs))}

    def bounds(self, metrics):
        return {"loss": {"best": 0.01, "chance": TARGET**2}}

    def diagnostics(self, model, *, size, key):
        metrics = evaluate(self, model, 64, key=key)
        return Evaluation(scalars(metrics), {}, self.bounds(metrics), {"guess": np.asarray(model.at)})


@dataclasses.dataclass(frozen=True)
class NormalSpec(TaskSpec):
    """Numbers around a target."""

    provides = frozenset({"labels"})
    metric = "loss"

    def summary(self):
        return {"around": f"{TARGET:g}"}

    def build(self, *, seed):
        return Normal()


@dataclasses.dataclass(frozen=True)
class GuessSpec(ModelSpec):
    """A number to be guessed."""

    start: float = 0.0
    """The first guess."""

    needs = "labels"
    provides = frozenset({"objective"})
    subject = "a guess"
    default_rule = {"name": "gradient"}
    default_optimiser = {"name": "adam", "rate": 0.1}

    def objective(self, task):
        return objective

    def summary(self):
        return {"from": f"{self.start:g}"}

    def build(self, task, *, key):
        if self.start < 0:
            raise ValueError(f"start must not be negative, got {self.start}")
        return Mean(jnp.asarray(self.start))


def published(experiment):
    return {"metrics": {"Oracle": {"loss": 0.01}, "Sphinx": {}}} if experiment.model.start else {}


@pytest.fixture(autouse=True)
def _guess(monkeypatch):
    for contract, name, spec in (("task", "normal", NormalSpec()), ("model", "guess", GuessSpec())):
        monkeypatch.setitem(registry(contract)._parts, name, spec)
    sizes = {"steps": 200, "batch_size": 8, "eval_size": 32}
    entry = Entry(
        name="guess",
        title="Guess",
        summary="which number is it",
        system="other",
        paper="none",
        presets={
            "small": Experiment(NormalSpec(), GuessSpec(), **sizes),
            "near": Experiment(NormalSpec(), GuessSpec(start=2.5), **sizes),
        },
        durations={"small": "no time", "near": "no time"},
        published=published,
    )
    monkeypatch.setitem(registry("experiment")._parts, entry.name, entry)


def test_it_is_listed(run):
    assert "other\n  guess " in run("list", "--system", "other")[1]
    code, out, _ = run("list", "guess")
    assert code == 0
    for words in (
        "from",
        "published Loss",
        "2.5",
        "Oracle 0.01",
        "none for these options",
        "--model classifier | guess",
    ):
        assert words in out
    assert "Sphinx" not in out and "--model.memory" not in out


def test_its_options_are_in_the_help(run):
    code, out, _ = run("run", "guess", "--help")
    assert code == 0 and "The first guess" in out and "--model.start" in out


def test_a_run_from_start_to_report(run, tmp_path):
    code, out, err = run("run", "guess", "--out", "g")
    assert code == 0, err
    assert "nats" not in out
    results = json.loads((tmp_path / "g" / "results.json").read_text())
    assert results["metrics"]["loss"] < 0.05
    assert results["parameters"] == 1
    page = (tmp_path / "g" / "report.html").read_text()
    assert "One training run of a guess on guess" in page
    assert "generative" not in page
    code, out, _ = run("evaluate", "g")
    assert code == 0
    assert "value" in out
    assert "training" not in out
    code, out, _ = run("evaluate", "g", "--json")
    assert json.loads(out)["metrics"] == results["metrics"]
    (tmp_path / "g" / "results.json").unlink()
    assert run("report", "g")[0] == 0
    assert run("run", "guess", "--out", "g", "--resume")[0] == 0
    assert json.loads((tmp_path / "g" / "results.json").read_text())["metrics"] == results["metrics"]


@pytest.mark.slow
def test_a_comparison(run, tmp_path):
    code, out, err = run(
        "compare", "guess", "--vary", "start=1,5", "--steps", 10, "--seeds", 2, "--jobs", 1, "--out", "c"
    )
    assert code == 0, err
    assert "over seeds" in out
    assert "nats" not in out
    assert list(json.loads((tmp_path / "c" / "results.json").read_text())["members"]) == ["start-1", "start-5"]
    assert (tmp_path / "c" / "report.html").exists()


def test_a_failed_run_exits_with_one_and_names_the_leaf(run, tmp_path):
    wild = ("run", "guess", "--steps", 5, "--start", "3e38", "--out")
    code, _, err = run(*wild, "bad")
    assert code == 1
    assert "is not finite" in err and "gradient at" in err
    run(*wild, "skipped", "--on-nonfinite", "skip")
    assert json.loads((tmp_path / "skipped" / "results.json").read_text())["skipped"] > 0


def test_sizes_that_do_not_fit_are_the_users(run):
    code, _, err = run("run", "guess", "--start", "-1")
    assert code == 2
    assert "start must not be negative, got -1" in err


def test_what_it_cannot_do_is_refused(run, tmp_path):
    assert run("run", "guess", "--steps", 1, "--out", "g")[0] == 0
    code, out, err = run("sample", "g")
    assert code == 2 and out == ""
    assert "tied nets, parentheses, graph-layout; guess has none" in err
    assert not (tmp_path / "g" / "samples.png").exists()


@pytest.mark.parametrize("rule", ["memup", "local", "wake-sleep"])
def test_a_rule_that_does_not_fit_is_refused_with_those_that_do(run, rule):
    code, out, err = run("run", "guess", "--rule", rule)
    assert code == 2 and out == ""
    assert f"rule {rule} needs a model that provides" in err and "model guess provides objective" in err
    assert "Rules for this model: gradient" in err and err.count("\n") == 1


def test_a_model_that_does_not_fit_is_refused_with_those_that_do(run):
    code, _, err = run("run", "guess", "--model", "gtmm")
    assert code == 2
    assert "model gtmm needs a task that provides frames" in err and "Models for it: classifier, guess" in err
