"""A memory of what was seen in a game, as an experiment; the recordings are invented, but for one test."""

import dataclasses
import importlib.util
import sys

import jax
import jax.numpy as jnp
import pytest
import yaml
from tests.tasks.twocolors.invented import invented
from vestige.experiments.construct import construct
from vestige.experiments.longterm.cells import LSTM
from vestige.experiments.optimisers import Adam, Muon
from vestige.experiments.serial import from_plain, to_plain
from vestige.experiments.twocolors import TwoColors
from vestige.experiments.twocolors.entries import TWO_COLORS
from vestige.experiments.twocolors.rules import RULES, MemUP, Truncated

from vestige import rules
from vestige.errors import UsageError
from vestige.experiments.execution import execute
from vestige.models.longterm import Glimpse
from vestige.tasks.evaluation import evaluate
from vestige.training import fit

TINY = TwoColors(
    episodes=40,
    held_out=16,
    cell=LSTM(16, keep=3.0),
    features=16,
    channels=4,
    width=16,
    rule=MemUP(2, 1),
    rollout=3,
    optimiser=Adam(5e-3, "constant", 0),
    steps=4,
    batch=4,
)


@pytest.fixture
def _invented(monkeypatch):
    """A recording that needs no game; like a true one, a function of the seed."""

    def record(episodes, *, seed, skip, tics):
        return invented(episodes, seed=seed)

    monkeypatch.setattr("vestige.experiments.twocolors.build.record", record)
    monkeypatch.setattr(TwoColors, "evaluations", 2)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("preset", TWO_COLORS.presets)
def test_options_survive_yaml(preset, rule):
    options = dataclasses.replace(TWO_COLORS.preset(preset), rule=rule)
    assert from_plain(TwoColors, yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TwoColors(episodes=0), "episodes must be at least 1, got 0"),
        (lambda: TwoColors(held_out=0), "held_out must be at least 1, got 0"),
        (lambda: TwoColors(steps=-1), "steps must be at least 0, got -1"),
        (lambda: MemUP(targets=0), "targets must be at least 1, got 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_without_the_game_nothing_is_started(monkeypatch):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(UsageError, match=r"pip install 'vestige\[vizdoom\]'"):
        construct(TINY, seed=0)


@pytest.mark.usefixtures("_invented")
def test_a_run_is_judged_on_what_is_held_out_and_on_what_was_seen(tmp_path, how):
    results = execute(TWO_COLORS, TINY, seed=0, folder=tmp_path / "run", **how)
    metrics, seen, bounds = results["metrics"], results["metrics_train"], results["bounds"]
    assert metrics.keys() == seen.keys() == bounds.keys() == {"mse", "mse_forgetful", "mse_local", "right"}
    assert all(metrics[name] != seen[name] for name in metrics)
    assert results["published"] == {}


@pytest.mark.usefixtures("_invented")
def test_a_memory_learns_to_keep_the_colour_and_without_it_nothing_is_known():
    """Chance is an error of 1; a control is the same predictor on a memory that is empty."""
    options = dataclasses.replace(
        TINY,
        episodes=400,
        held_out=64,
        cell=LSTM(32, keep=3.0, admit=-2.0, gates="hard"),
        features=32,
        channels=4,
        width=32,
        rule=MemUP(2, 3),
        optimiser=Muon(1e-2, "cosine", 20),
        steps=300,
        batch=32,
    )
    built = construct(options, seed=0)
    run = {"rule": built.rule, "optimiser": built.optimiser, "steps": options.steps, "batch_size": options.batch}
    model = fit(built.model, built.task, key=built.key, **run).model
    judged = evaluate(built.task, model, 64, key=jax.random.key(1))
    assert float(judged["mse"]) < 0.1 and float(judged["right"]) > 0.97
    assert float(judged["mse_forgetful"]) > 0.8 and float(judged["mse_local"]) > 0.8


@pytest.mark.usefixtures("_invented")
def test_what_is_built():
    built = construct(TINY, seed=0)
    assert isinstance(built.rule, rules.MemUP)
    assert (built.rule.rollout, built.rule.targets, built.rule.frequency) == (3, 2, 1)
    short = construct(dataclasses.replace(TINY, rule=Truncated()), seed=0)
    assert isinstance(short.rule, rules.Truncated) and short.rule.rollout == 3
    frames = [jnp.asarray(part.frames) for part in (built.task.train, built.task.held_out)]
    assert built.task.train.episodes == 40 and built.task.held_out.episodes == 16
    assert not bool(jnp.array_equal(frames[0][: len(frames[1])], frames[1])), "held out is not what is learned"


@pytest.mark.usefixtures("_invented")
def test_a_memory_does_not_see_what_is_about_to_be_done():
    model, task = (construct(TINY, seed=0)[place] for place in (0, 1))
    seen = task.train.frames[0]
    for eye, hidden in (
        (model.encoder, slice(4, 8)),
        (model.question, slice(0, 4)),
        (model.detector.encoder, slice(4)),
    ):
        slopes = jax.jacobian(lambda numbers, eye=eye: eye(Glimpse(seen, numbers)))(jnp.ones(8))
        assert bool(slopes.any()) and not bool(slopes[:, hidden].any())


@pytest.mark.skipif(importlib.util.find_spec("vizdoom") is None, reason="needs vizdoom")
def test_it_is_built_on_the_game():
    """Both recordings, of rooms that are not the same, in which something is picked up."""
    task = construct(dataclasses.replace(TINY, episodes=2, held_out=2, tics=400), seed=0).task
    assert task.train.horizon == task.held_out.horizon == 100
    assert not bool(jnp.array_equal(task.train.frames[0], task.held_out.frames[0]))
    assert bool(jnp.any(task.train.rewards != 0))
