import dataclasses

import jax
import pytest
import yaml
from vestige.experiments.construct import construct
from vestige.experiments.serial import from_plain, to_plain

from vestige.cli.compare import variants
from vestige.experiments import find
from vestige.experiments.execution import execute
from vestige.experiments.toy import (
    ESTIMATORS,
    Arborescence,
    BinaryTree,
    LeaveOneOut,
    Matching,
    Relax,
    SpanningTree,
    Toy,
)
from vestige.experiments.toy.problems import mean_height
from vestige.training import fit

PROBLEMS = (Matching(n=4), Matching(n=4, cost="distance"), BinaryTree(n=4), Arborescence(n=4), SpanningTree(n=4))


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
def test_options_survive_yaml(problem, estimator):
    options = Toy(problem, estimator)
    assert from_plain(Toy, yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Matching(n=1), "n must be at least 2, got 1"),
        (lambda: Matching(t=0.0), "t must be positive, got 0"),
        (lambda: LeaveOneOut(draws=1), "draws must be at least 2, got 1"),
        (lambda: Relax(width=0), "width must be at least 1, got 0"),
        (lambda: Toy(batch=0), "batch must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def trained(options, seed=0):
    built = construct(options, seed=seed)
    result = fit(
        built.model,
        built.task,
        rule=built.rule,
        optimiser=built.optimiser,
        steps=options.steps,
        key=built.key,
        batch_size=options.batch,
    )
    return options.examine(built, result.model, key=jax.random.key(1))


def test_the_trace_and_its_neighbours_learn_faster_than_all_times():
    at = {name: trained(Toy(Matching(n=5), ESTIMATORS[name], steps=500)).metrics for name in ("e", "t-plus")}
    assert at["t-plus"]["loss"] < -3.5
    assert at["t-plus"]["loss"] < at["e"]["loss"] - 0.5
    assert at["t-plus"]["gradient_std"] < at["e"]["gradient_std"] / 2


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
def test_every_problem_is_learned(problem):
    found = trained(Toy(problem, steps=400))
    bounds = found.bounds["loss"]
    assert found.metrics["loss"] >= bounds["best"] - 1e-3
    assert found.metrics["loss"] < bounds["chance"] - 0.3 * (bounds["chance"] - bounds["best"])
    assert found.arrays["frequencies"].shape == (4, 4)
    assert 0 <= found.arrays["frequencies"].min() <= found.arrays["frequencies"].max() <= 1


def test_known_levels_of_chance():
    assert mean_height(1) == 1
    assert mean_height(2) == 2
    assert mean_height(3) == pytest.approx(8 / 3)  # four of six orders give a path, two a tree of two levels
    assert mean_height(10) == pytest.approx(5.641, abs=5e-4)
    assert Matching(n=10).build().bounds({}) == {"loss": {"best": -10.0, "chance": -1.0}}
    assert SpanningTree(n=10).build().bounds({}) == {"loss": {"best": 0.0, "chance": pytest.approx(7.2)}}
    assert Arborescence(n=10).build().bounds({})["loss"]["chance"] == pytest.approx(-2.5, abs=0.15)


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
    entry = find(name)
    told = entry.published(dataclasses.replace(entry.preset("paper"), steps=steps))
    assert told["metrics"] == {
        model: {"loss": loss} for model, loss in zip(("E", "T", "E+", "T+", "RELAX"), losses, strict=True)
    }
    assert (
        told["curves"]["loss"]["T+"]["1000"] == {"matching": -8.5, "binary-tree": -8.7, "arborescence": -8.2}[name[4:]]
    )


@pytest.mark.parametrize(
    "options",
    [Toy(), Toy(Matching(n=10), steps=10), Toy(Matching(n=10, cost="distance")), Toy(SpanningTree(n=10))],
)
def test_nothing_was_published_of_other_settings(options):
    assert find("toy-matching").published(options) == {}


def test_estimators_are_compared_by_default():
    entry = find("toy-matching")
    name, members = variants(entry.preset("small"), entry.kind.variation)
    assert name == "estimator"
    assert list(members) == list(ESTIMATORS)


def test_a_run_and_its_folder(tmp_path, how):
    options = Toy(BinaryTree(n=4), Relax(), steps=30)
    results = execute(find("toy-binary-tree"), options, seed=0, folder=tmp_path / "run", **how)
    assert results["metrics"].keys() == {"loss", "gradient_std"}
    assert results["bounds"]["loss"]["best"] == -4.0
