"""The commands know no kind of experiment: one that neither remembers nor generates goes through all of them."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from vestige.experiments.contract import AbstractOptions, Built, Findings
from vestige.experiments.optimisers import Adam

from vestige.experiments import CATALOGUE, Entry
from vestige.rules import Gradient
from vestige.tasks import AbstractTask
from vestige.tasks.evaluation import evaluate, scalars
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


@dataclasses.dataclass(frozen=True)
class Guess(AbstractOptions):
    """A number to be guessed."""

    start: float = 0.0
    """The first guess."""
    optimiser: Adam = dataclasses.field(default_factory=lambda: Adam(rate=0.1, warmup=0))
    steps: int = 200
    batch: int = 8

    choices: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    subject: ClassVar[str] = "a guess"
    headline: ClassVar[str] = "loss"
    evaluation_size: ClassVar[int] = 32
    evaluations: ClassVar[int] = 30

    def outline(self):
        return {"from": f"{self.start:g}"}

    def build(self, *, seed):
        if self.start < 0:
            raise ValueError(f"start must not be negative, got {self.start}")
        model = Mean(jnp.asarray(self.start))
        return Built(model, Normal(), Gradient(objective), self.optimiser.build(self.steps), jax.random.key(seed))

    def examine(self, built, model, *, key):
        metrics = evaluate(built.task, model, 64, key=key)
        return Findings(scalars(metrics), {}, built.task.bounds(metrics), {"guess": np.asarray(model.at)})


@pytest.fixture(autouse=True)
def _guess(monkeypatch):
    entry = Entry(
        name="guess",
        title="Guess",
        summary="which number is it",
        paper="none",
        presets={"small": Guess(), "near": Guess(start=2.5)},
        durations={"small": "no time", "near": "no time"},
        published=lambda options: {"metrics": {"Oracle": {"loss": 0.01}, "Sphinx": {}}} if options.start else {},
    )
    monkeypatch.setitem(CATALOGUE, entry.name, entry)


def test_it_is_listed(run):
    code, out, _ = run("list")
    assert code == 0
    told = out[out.index("guess: which number is it") :]
    for words in ("from", "published Loss", "2.5", "Oracle 0.01", "none for these options"):
        assert words in told
    assert "Sphinx" not in told
    assert "--memory" not in told


def test_help_speaks_of_no_choices_where_there_are_none(run):
    code, out, _ = run("run", "guess", "--help")
    assert code == 0
    assert "The first guess" in out
    assert "Choices" not in out


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


def test_a_comparison(run, tmp_path):
    code, out, err = run(
        "compare", "guess", "--vary", "start=1,5", "--steps", 10, "--seeds", 2, "--jobs", 1, "--out", "c"
    )
    assert code == 0, err
    assert "over seeds" in out
    assert "nats" not in out
    assert list(json.loads((tmp_path / "c" / "results.json").read_text())["members"]) == ["start-1", "start-5"]
    assert (tmp_path / "c" / "report.html").exists()


def test_sizes_that_do_not_fit_are_the_users(run):
    code, _, err = run("run", "guess", "--start", "-1")
    assert code == 2
    assert "start must not be negative, got -1" in err


def test_what_it_cannot_do_is_refused_with_those_that_can(run, tmp_path):
    assert run("run", "guess", "--steps", 1, "--out", "g")[0] == 0
    for command in (("sample", "g"), ("bench", "guess")):
        code, out, err = run(*command)
        assert code == 2
        assert f"vestige {command[0]} cannot do guess; it can do perfect-recall, " in err and "room-rotation" in err
        assert out == ""
    assert not (tmp_path / "g" / "samples.png").exists()
