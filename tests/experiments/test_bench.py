"""The catalogue's models under the stopwatch: what is timed and what is left out, never how long it takes."""

import json

import jax
import pytest
from vestige.experiments.longterm.architecture import Architecture
from vestige.experiments.longterm.cells import LSTM
from vestige.experiments.longterm.generative import Gap
from vestige.experiments.longterm.options import LongTerm
from vestige.experiments.longterm.rules import BPTT, RULES, MemUP, Truncated
from vestige.experiments.longterm.tasks import Pixels, Recall
from vestige.experiments.temporal import Temporal
from vestige.experiments.temporal.images import Images
from vestige.experiments.temporal.memories import MEMORIES
from vestige.experiments.tied import BinaryDigits

from vestige.errors import UsageError
from vestige.experiments import bench, find
from vestige.experiments.bench import measure_rivals

QUICK = {"updates": 1, "blocks": 1, "seconds": None, "seed": 0}
OPTIONS = LongTerm(Recall(12), LSTM(4), Architecture(features=3, width=4, detector=3), rollout=4, batch=2)


@pytest.fixture
def rules(monkeypatch):
    def only(**rules):
        monkeypatch.setattr(LongTerm, "choices", {"rule": rules})

    return only


@pytest.fixture
def no_files(monkeypatch):
    def missing(self):
        raise UsageError("not here")

    monkeypatch.setattr(Images, "pools", missing)
    monkeypatch.setattr("vestige.experiments.tied.images.parts", missing)


def test_rules_are_timed_over_whole_batches_and_those_that_do_not_fit_are_named(rules, monkeypatch, capsys, tmp_path):
    from vestige.cli.bench import main

    rules(memup=MemUP(), bptt=BPTT(), often=MemUP(frequency=9))
    monkeypatch.setitem(find("recall").presets, "small", OPTIONS)  # pyright: ignore[reportArgumentType]
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


def test_arithmetic_is_counted_where_loops_can_be_unrolled(monkeypatch, tiny):
    monkeypatch.setattr(Temporal, "choices", {"memory": {"none": MEMORIES["none"]}})
    costs, left_out = measure_rivals(tiny, **QUICK)
    assert left_out == {} and (costs["none"][1].gigaflop or 0) > 0 and costs["none"][1].cycle == 1


def test_what_needs_more_memory_than_there_is_never_runs(rules, monkeypatch):
    rules(truncated=Truncated())
    monkeypatch.setattr(bench, "available_bytes", lambda: 2**10)
    costs, left_out = measure_rivals(OPTIONS, **QUICK)
    assert costs == {} and "MiB are there" in left_out["truncated"]


def test_how_many_updates_work_through_a_batch():
    assert {name: rule.updates(14, rollout=4) for name, rule in RULES.items()} == {
        "memup": 4,
        "truncated": 4,
        "bptt": 1,
        "checkpointed": 1,
        "random-targets": 4,
        "oracle-targets": 4,
    }


@pytest.mark.usefixtures("no_files")
def test_noise_stands_in_for_files():
    key = jax.random.key(0)
    assert Pixels("mnist", 14).rehearse(key=key).steps == 196
    assert Gap(of=Images("mnist")).rehearse(key=key).frame_shape == (28, 28)
    assert BinaryDigits("mnist", known=2, train=50).rehearse(samples=1, key=key).train.shape == (50, 784)
