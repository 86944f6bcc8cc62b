"""Variants of an experiment under the stopwatch: what is timed and what is left out, never how long it takes."""

import json

import jax
import pytest

from vestige.cells.specs import LSTMSpec
from vestige.errors import UsageError
from vestige.experiments import Experiment
from vestige.models.longterm import RecurrentSpec
from vestige.registries import registry
from vestige.rules.longterm_specs import LONG_TERM_RULES
from vestige.rules.memup_specs import MemUPSpec
from vestige.runs import bench
from vestige.runs.bench import measure_variants
from vestige.tasks.image_options import ImageOptions
from vestige.tasks.longterm.specs import GapRecallSpec, PixelsSpec, RecallSpec
from vestige.tasks.tied.specs import BinaryDigitsSpec

QUICK = {"updates": 1, "blocks": 1, "seconds": None, "seed": 0}
SMALL = Experiment(
    RecallSpec(12),
    RecurrentSpec(LSTMSpec(4), features=3, width=4, detector_width=3),
    MemUPSpec(4),
    batch_size=2,
)


@pytest.fixture
def no_files(monkeypatch):
    def missing(self):
        raise UsageError("not here")

    monkeypatch.setattr(ImageOptions, "pools", missing)
    monkeypatch.setattr("vestige.tasks.tied.images.parts", missing)


@pytest.mark.slow
def test_rules_are_timed_over_whole_batches_and_those_that_do_not_fit_are_named(monkeypatch, capsys, tmp_path):
    from vestige.cli.bench import main

    often = SMALL.replace("rule.frequency", 9)
    variants = {"memup": SMALL, "bptt": SMALL.choose({"rule": "bptt"}), "often": often}
    monkeypatch.setattr("vestige.cli.bench.variants", lambda *arguments: ("rule", variants))
    monkeypatch.setattr("vestige.cli.bench._first_update", lambda *arguments: 1.0)
    found = tmp_path / "found.json"
    assert main(["recall", "--updates", "3", "--blocks", "1", "--seconds", "None", "--json", str(found)]) == 0
    told = json.loads(found.read_text())
    assert {name: cost["cycle"] for name, cost in told["costs"].items()} == {"memup": 4, "bptt": 1}
    assert all(cost["gigaflop"] is None and cost["temporary_bytes"] > 0 for cost in told["costs"].values())
    assert "does not fit into a rollout" in told["left_out"]["often"]
    printed = capsys.readouterr().out
    assert "updates: that work through a batch" in printed and "arithmetic is not counted" in printed
    assert "often was left out: MemUP: a prediction point every frequency=9" in printed


@pytest.mark.slow
def test_arithmetic_is_counted_where_loops_can_be_unrolled(tiny):
    costs, left_out = measure_variants({"none": tiny.choose({"model.memory": "none"})}, **QUICK)
    assert left_out == {} and (costs["none"][1].gigaflop or 0) > 0 and costs["none"][1].cycle == 1


@pytest.mark.slow
def test_what_needs_more_memory_than_there_is_never_runs(monkeypatch):
    monkeypatch.setattr(bench, "available_bytes", lambda: 2**10)
    costs, left_out = measure_variants({"truncated": SMALL.choose({"rule": "truncated"})}, **QUICK)
    assert costs == {} and "MiB are there" in left_out["truncated"]


def test_how_many_updates_work_through_a_batch():
    task = RecallSpec(12).build(seed=0)
    assert task.steps == 14
    rolling = {"memup", "truncated", "random-targets", "oracle-targets"}
    for name in LONG_TERM_RULES:
        rule = SMALL.choose({"rule": name}).rule  # which takes over the rollout of 4 steps
        assert rule.updates_per_batch(task) == (4 if name in rolling else rule.updates_per_batch(task))
    assert {name for name in rolling if SMALL.choose({"rule": name}).rule.updates_per_batch(task) == 4} == rolling
    for name in ("bptt", "checkpointed"):
        assert registry("rule")[name].updates_per_batch(task) == 1


@pytest.mark.usefixtures("no_files")
@pytest.mark.slow
def test_noise_stands_in_for_files():
    key = jax.random.key(0)
    assert PixelsSpec("mnist", 14).dummy_build(key=key).steps == 196
    assert GapRecallSpec(images=ImageOptions("mnist")).dummy_build(key=key).frame_shape == (28, 28)
    assert BinaryDigitsSpec("mnist", labels_per_class=2, train=50).dummy_build(key=key).train.shape == (50, 784)
