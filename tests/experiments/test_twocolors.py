"""A memory of what was seen in a game, as an experiment; the recordings are invented, but for one test."""

import dataclasses
import importlib.util
import sys

import jax
import jax.numpy as jnp
import pytest
import yaml
from tests.tasks.twocolors.invented import invented

from vestige import rules
from vestige.cells.specs import LSTMSpec
from vestige.cli.parse import RunSettings, parse
from vestige.errors import UsageError
from vestige.experiments import Experiment
from vestige.models.longterm import Glimpse
from vestige.models.longterm.picture_specs import PictureMemorySpec
from vestige.plain import from_plain, to_plain
from vestige.registries import registry
from vestige.rules.longterm_specs import TruncatedSpec
from vestige.rules.memup_specs import MemUPSpec
from vestige.runs.distances import storage_by_distance
from vestige.runs.execution import execute
from vestige.runs.schema1 import NAMES
from vestige.tasks.evaluation import evaluate
from vestige.tasks.twocolors.specs import TwoColorsSpec
from vestige.training import fit
from vestige.training.optimisers import AdamSpec, MuonSpec

TWO_COLORS = registry("experiment")["two-colors"]
TINY = Experiment(
    TwoColorsSpec(40, 16),
    PictureMemorySpec(LSTMSpec(16, forget_bias=3.0), features=16, channels=4, width=16),
    MemUPSpec(3, 2, 1),
    AdamSpec(5e-3, "constant"),
    steps=4,
    batch_size=4,
    num_evals=2,
)


@pytest.fixture
def _invented(monkeypatch):
    """A recording that needs no game; like a true one, a function of the seed."""

    def record(episodes, *, seed, skip, tics):
        return invented(episodes, seed=seed)

    monkeypatch.setattr("vestige.tasks.twocolors.collect.record", record)


@pytest.mark.parametrize("rule", ["memup", "truncated", "random-targets"])
@pytest.mark.parametrize("preset", TWO_COLORS.presets)
def test_options_survive_yaml(preset, rule):
    experiment = TWO_COLORS.preset(preset).choose({"rule": rule})
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TwoColorsSpec(episodes=0), "episodes must be at least 1, got 0"),
        (lambda: TwoColorsSpec(held_out=0), "held_out must be at least 1, got 0"),
        (lambda: TwoColorsSpec(tics=0), "tics must be at least 1, got 0"),
        (lambda: PictureMemorySpec(channels=0), "channels must be at least 1, got 0"),
        (lambda: TINY.choose({"rule": "pretrained"}), "rule pretrained needs a model that provides agent"),
        (lambda: TINY.choose({"optimiser": "by-part"}), "by-part needs a rule that trains a memory and a policy"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_without_the_game_nothing_is_started(monkeypatch):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(UsageError, match=r"pip install 'vestige\[vizdoom\]'"):
        TINY.build(seed=0)


@pytest.mark.slow
@pytest.mark.usefixtures("_invented")
def test_a_run_is_evaluated_on_what_is_held_out_and_on_what_was_seen(tmp_path, how):
    results = execute(TWO_COLORS, TINY, seed=0, folder=tmp_path / "run", **how)
    metrics, seen, bounds = results["metrics"], results["metrics_train"], results["bounds"]
    assert seen.keys() == bounds.keys() == {"mse", "mse_forgetful", "mse_local", "right"}
    assert metrics.keys() == {*seen, "backward_bytes"}
    assert all(metrics[name] != seen[name] for name in seen)
    assert results["published"] == {}


@pytest.mark.slow
@pytest.mark.usefixtures("_invented")
def test_a_memory_learns_to_keep_the_colour_and_without_it_nothing_is_known():
    """Chance is an error of 1; a control is the same predictor on a memory that is empty."""
    experiment = Experiment(
        TwoColorsSpec(400, 64),
        PictureMemorySpec(
            LSTMSpec(32, forget_bias=3.0, input_bias=-2.0, gates="hard"), features=32, channels=4, width=32
        ),
        MemUPSpec(3, 2, 3),
        MuonSpec(1e-2, "cosine", 20),
        steps=300,
        batch_size=32,
    )
    built = experiment.build(seed=0)
    run = {"rule": built.rule, "optimiser": built.optimiser, "steps": 300, "batch_size": 32}
    model = fit(built.model, built.task, key=built.key, **run).model
    found = evaluate(built.task, model, 64, key=jax.random.key(1))
    assert float(found["mse"]) < 0.1 and float(found["right"]) > 0.97
    assert float(found["mse_forgetful"]) > 0.8 and float(found["mse_local"]) > 0.8


@pytest.mark.usefixtures("_invented")
def test_what_is_built():
    built = TINY.build(seed=0)
    assert isinstance(built.rule, rules.MemUP)
    assert (built.rule.rollout, built.rule.targets, built.rule.frequency) == (3, 2, 1)
    short = TINY.choose({"rule": "truncated"}).build(seed=0)
    assert isinstance(short.rule, rules.Truncated) and short.rule.rollout == 3
    frames = [jnp.asarray(part.frames) for part in (built.task.train, built.task.held_out)]
    assert built.task.train.episodes == 40 and built.task.held_out.episodes == 16
    assert not bool(jnp.array_equal(frames[0][: len(frames[1])], frames[1])), "held out is not what is learned"


def test_a_rule_by_name_has_the_sizes_of_the_experiment():
    small = TWO_COLORS.preset("small")
    assert small.choose({"rule": "memup"}) == small
    assert small.choose({"rule": "truncated"}).rule == TruncatedSpec(rollout=20)
    blind = small.choose({"rule": "random-targets"}).rule
    assert (blind.rollout, blind.targets, blind.frequency, blind.scan_chunk) == (20, 4, 10, 105)
    assert small.replace("rule.rollout", 30).choose({"rule": "truncated"}).rule == TruncatedSpec(rollout=30)


@pytest.mark.parametrize("cell", ["lstm", "gru", "dnc", "attention", "tape"])
@pytest.mark.usefixtures("_invented")
@pytest.mark.few(2)
def test_any_cell_may_be_the_memory(cell):
    experiment = TINY.choose({"model.cell": cell}).replace("model.cell.hidden", 8)
    built = experiment.build(seed=0)
    batch = built.task.batch(size=2, key=jax.random.key(0))
    carry = jax.eval_shape(lambda: built.rule.init(built.model, batch, key=jax.random.key(1)))
    assert jax.tree.leaves(carry)


@pytest.mark.slow
def test_storage_is_measured_without_the_game(monkeypatch):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    experiment = TINY.replace("task.tics", 80)
    components = experiment.build(seed=0, dummy=True)
    assert storage_by_distance(experiment, components).metrics["backward_bytes"] > 0
    dummy = components.task
    assert dummy.train.horizon == dummy.steps == 20 and dummy.train.choices == 4
    assert dummy.train.frames.shape[1:] == (24, 32, 3)


@pytest.mark.usefixtures("_invented")
def test_a_memory_does_not_see_what_is_about_to_be_done():
    model, task = (TINY.build(seed=0)[place] for place in (0, 1))
    seen = task.train.frames[0]
    for eye, hidden in (
        (model.encoder, slice(4, 8)),
        (model.question, slice(0, 4)),
        (model.detector.encoder, slice(4)),
    ):
        slopes = jax.jacobian(lambda numbers, eye=eye: eye(Glimpse(seen, numbers)))(jnp.ones(8))
        assert bool(slopes.any()) and not bool(slopes[:, hidden].any())


OLD = {
    "episodes": 256,
    "held_out": 64,
    "skip": 4,
    "tics": 2100,
    "cell": {"kind": "LSTM", "hidden": 64, "layers": 1, "keep": 3.0, "admit": -2.0, "gates": "hard"},
    "features": 64,
    "channels": 16,
    "width": 64,
    "rule": {"kind": "MemUP", "targets": 4, "frequency": 10},
    "rollout": 20,
    "optimiser": {"kind": "Muon", "rate": 0.003, "decay": "cosine", "warmup": 100},
    "steps": 3000,
    "batch": 16,
}
"""The options of the preset small in a `config.yaml` of version 0.1."""


def converted(**changes):
    return from_plain(Experiment, NAMES["two-colors"].convert("two-colors", {**OLD, **changes}), where="x")


def test_a_configuration_of_version_0_1_means_what_it_meant():
    assert converted() == dataclasses.replace(TWO_COLORS.preset("small"), eval_size=64)
    assert converted(rule={"kind": "Truncated"}, rollout=5).rule == TruncatedSpec(rollout=5)
    cell = {"kind": "Remembering", "hidden": 8, "layers": 1, "keep": 3.0, "admit": None}
    behind = converted(cell={**cell, "slots": 5, "width": 6, "heads": 3}).model.cell
    assert (behind.memory.slots, behind.memory.word_size, behind.memory.heads, behind.write_size) == (5, 6, 3, 6)


def test_options_of_version_0_1_are_understood(capsys):
    found = parse("run", ["two-colors", "--cell.keep", "2", "--rollout", "7", "--batch", "3"], RunSettings).experiment
    assert (found.model.cell.forget_bias, found.rule.rollout, found.batch_size) == (2.0, 7, 3)
    told = capsys.readouterr().err
    assert "--cell.keep is now --model.cell.forget-bias" in told and "--batch is now --batch-size" in told


@pytest.mark.skipif(importlib.util.find_spec("vizdoom") is None, reason="needs vizdoom")
@pytest.mark.slow
def test_it_is_built_on_the_game():
    """Both recordings, of rooms that are not the same, in which something is picked up."""
    task = dataclasses.replace(TINY, task=TwoColorsSpec(2, 2, tics=400)).build(seed=0).task
    assert task.train.horizon == task.held_out.horizon == 100
    assert not bool(jnp.array_equal(task.train.frames[0], task.held_out.frames[0]))
    assert bool(jnp.any(task.train.rewards != 0))
