import dataclasses

import jax
import pytest
import yaml

from vestige.cli.compare import variants
from vestige.cli.parse import RunSettings, parse
from vestige.estimators.specs import ESTIMATORS, RelaxSpec, ScoreFunctionSpec
from vestige.experiments import CATALOGUE, Experiment
from vestige.models.structured.specs import LogRatesSpec
from vestige.plain import from_plain, to_plain
from vestige.rules.specs import GradientSpec
from vestige.runs import execute
from vestige.runs.migrate import migrated
from vestige.structures import Matching
from vestige.tasks.toy_specs import (
    TOYS,
    ToyArborescenceSpec,
    ToyBinaryTreeSpec,
    ToyMatchingSpec,
    ToySpanningTreeSpec,
    mean_height,
)
from vestige.training import fit

TASKS = {
    "matching": ToyMatchingSpec(4),
    "distance": ToyMatchingSpec(4, "distance"),
    "binary-tree": ToyBinaryTreeSpec(4),
    "arborescence": ToyArborescenceSpec(4),
    "spanning-tree": ToySpanningTreeSpec(4),
}
HERE = [name for name in ESTIMATORS if not ESTIMATORS[name].needs]


def toy(task, estimator="leave-one-out", steps=1500):
    return Experiment(task, LogRatesSpec(ESTIMATORS.find(estimator)), steps=steps, batch_size=1, eval_size=1024)


@pytest.mark.parametrize("estimator", HERE)
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_options_survive_yaml(task, estimator):
    experiment = toy(task, estimator)
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ToyMatchingSpec(1), "n must be at least 2, got 1"),
        (lambda: ToyMatchingSpec(t=0.0), "t must be positive, got 0"),
        (lambda: dataclasses.replace(toy(ToyMatchingSpec()), batch_size=0), "batch_size must be at least 1, got 0"),
        (
            lambda: toy(ToyMatchingSpec(), "without-replacement").check(),
            "estimator without-replacement needs a structure with distinct traces .*, and matching has none. "
            "Estimators for it: score-function, ",
        ),
        (
            lambda: toy(ToyBinaryTreeSpec(), "biased-relaxation").build(seed=0),
            "needs a structure with relaxation .*, and binary-tree has none",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_reach_the_task():
    task = ToyMatchingSpec(4, "distance", 0.25).build(seed=0)
    assert task.objective.structure is Matching and task.objective.cost.t == 0.25 and task.shape == (4, 4)
    assert [spec.build(seed=0).shape for spec in TOYS.values()] == [(5, 5), (5, 5), (5, 5), (5,)]


def test_a_rule_chosen_by_name_does_not_clip():
    assert toy(ToyMatchingSpec()).rule == GradientSpec(clip=None)
    assert LogRatesSpec().suited(GradientSpec()) == GradientSpec(clip=None)


def trained(experiment, seed=0):
    built = experiment.build(seed=seed)
    result = fit(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        steps=experiment.steps,
        key=built.key,
        batch_size=experiment.batch_size,
    )
    return built.task.diagnostics(result.model, size=experiment.eval_size, key=jax.random.key(1))


@pytest.mark.slow
def test_the_trace_and_its_neighbours_learn_faster_than_all_times():
    at = {name: trained(toy(ToyMatchingSpec(), name, 500)).metrics for name in ("e", "t-plus")}
    assert at["t-plus"]["loss"] < -3.5
    assert at["t-plus"]["loss"] < at["e"]["loss"] - 0.5
    assert at["t-plus"]["gradient_std"] < at["e"]["gradient_std"] / 2


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_problem_is_learned(task):
    found = trained(toy(task, steps=400))
    bounds = found.bounds["loss"]
    assert found.metrics["loss"] >= bounds["best"] - 1e-3
    assert found.metrics["loss"] < bounds["chance"] - 0.3 * (bounds["chance"] - bounds["best"])
    assert found.arrays["frequencies"].shape == (4, 4)
    assert 0 <= found.arrays["frequencies"].min() <= found.arrays["frequencies"].max() <= 1


@pytest.mark.slow
def test_known_levels_of_chance():
    assert mean_height(1) == 1
    assert mean_height(2) == 2
    assert mean_height(3) == pytest.approx(8 / 3)  # four of six orders give a path, two a tree of two levels
    assert mean_height(10) == pytest.approx(5.641, abs=5e-4)

    def bounds(spec):
        return spec.build(seed=0).bounds({})["loss"]

    assert bounds(ToyMatchingSpec(10)) == {"best": -10.0, "chance": -1.0}
    assert bounds(ToySpanningTreeSpec(10)) == {"best": 0.0, "chance": pytest.approx(7.2)}
    assert bounds(ToyBinaryTreeSpec(10)) == {"best": -10.0, "chance": pytest.approx(-5.641, abs=5e-4)}
    assert bounds(ToyArborescenceSpec(10))["chance"] == pytest.approx(-2.5, abs=0.15)
    right, wrong = 0.45**2, 0.55**2  # by row of two: matched right, a sum of squares of 0.45; else of 0.55
    assert bounds(ToyMatchingSpec(2, "distance")) == {
        "best": pytest.approx(4 * right),
        "chance": pytest.approx(2 * right + 2 * wrong),
    }


@pytest.mark.parametrize(
    ("name", "steps", "losses"),
    [
        ("toy-matching", 15_000, (-9.8, -9.8, -9.95, -10.0, -10.0)),
        ("toy-matching", 4000, (-8.3, -9.2, -9.6, -9.8, -9.6)),
        ("toy-binary-tree", 15_000, (-8.9, -9.5, -10.0, -10.0, -9.9)),
        ("toy-arborescence", 15_000, (-7.5, -9.0, -9.0, -9.0, -9.0)),
    ],
)
def test_published_numbers_are_those_after_as_many_updates(name, steps, losses):
    entry = CATALOGUE[name]
    told = entry.published(dataclasses.replace(entry.preset("paper"), steps=steps))
    assert told["metrics"] == {
        model: {"loss": loss} for model, loss in zip(("E", "T", "E+", "T+", "RELAX"), losses, strict=True)
    }
    assert (
        told["curves"]["loss"]["T+"]["1000"] == {"matching": -8.5, "binary-tree": -8.7, "arborescence": -8.2}[name[4:]]
    )


@pytest.mark.parametrize(
    "experiment",
    [
        toy(ToyMatchingSpec()),
        toy(ToyMatchingSpec(10), steps=10),
        toy(ToyMatchingSpec(10, "distance")),
        toy(ToySpanningTreeSpec(10)),
    ],
)
def test_nothing_was_published_of_other_settings(experiment):
    assert CATALOGUE["toy-matching"].published(experiment) == {}


def test_estimators_are_compared_by_default():
    entry = CATALOGUE["toy-matching"]
    name, members = variants(entry.preset("small"), entry.vary, entry.name)
    assert name == "estimator"
    provided = ToyMatchingSpec().structure.provides
    assert list(members) == [
        name for name in ESTIMATORS if not ESTIMATORS[name].needs or ESTIMATORS[name].needs in provided
    ]
    _, members = variants(entry.preset("small"), "estimator=e,t-plus", entry.name)
    assert [member.model.estimator for member in members.values()] == [
        ESTIMATORS["score-function-times"],
        ESTIMATORS["leave-one-out"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "estimator",
    [ESTIMATORS["leave-one-out"], RelaxSpec(3)],
    ids=["plain", "learned"],
)
def test_a_run_and_its_folder(estimator, tmp_path, how):
    experiment = Experiment(ToyBinaryTreeSpec(4), LogRatesSpec(estimator), steps=30, batch_size=1)
    results = execute(CATALOGUE["toy-binary-tree"], experiment, seed=0, folder=tmp_path / "run", **how)
    assert results["metrics"].keys() == {"loss", "gradient_std"}
    assert results["bounds"]["loss"]["best"] == -4.0


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ({"kind": "LeaveOneOut", "of": "times", "draws": 3}, ESTIMATORS["leave-one-out-times"]),
        ({"kind": "ScoreFunction", "of": "trace", "draws": 4}, ScoreFunctionSpec(4)),
        ({"kind": "Relax", "of": "times", "draws": 3, "width": 8}, RelaxSpec(3, "times", width=8)),
    ],
)
def test_configurations_of_version_one(kind, spec):
    options = {
        "problem": {"kind": "Matching", "n": 10, "cost": "diagonal", "t": 0.05},
        "estimator": kind,
        "optimiser": {"rate": 0.01, "decay": "constant", "warmup": 0},
        "steps": 4000,
        "batch": 1,
    }
    read = from_plain(Experiment, migrated({"experiment": "toy-matching", "options": options}, where="x"), where="x")
    assert read == CATALOGUE["toy-matching"].preset("cpu").replace("model.estimator", spec)


def test_command_lines_of_version_one(capsys):
    words = ["toy-matching", "--estimator", "e-plus", "--problem.n", "4", "--estimator.draws", "5"]
    experiment = parse("run", words, RunSettings).experiment
    assert experiment.task == ToyMatchingSpec(4)
    assert experiment.model.estimator == dataclasses.replace(ESTIMATORS["leave-one-out-times"], draws=5)
    assert "--problem.n is now --task.n" in capsys.readouterr().err
