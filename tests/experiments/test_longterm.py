"""Experiments with long-term memories, from options to findings."""

import dataclasses
import json

import equinox as eqx
import jax
import numpy as np
import pytest
import yaml

from vestige.cli.compare import variants
from vestige.experiments import find
from vestige.experiments.construct import construct
from vestige.experiments.execute import execute
from vestige.experiments.longterm.architecture import Architecture
from vestige.experiments.longterm.cells import CELLS, LSTM, Tape
from vestige.experiments.longterm.entries import MEMUP
from vestige.experiments.longterm.generative import Gap, Generative
from vestige.experiments.longterm.options import LongTerm
from vestige.experiments.longterm.rules import RULES, MemUP
from vestige.experiments.longterm.storage import storage_by_span, temporary_bytes
from vestige.experiments.longterm.tasks import Add, Copy, Pixels, Recall, Xor
from vestige.experiments.serial import from_plain, to_plain
from vestige.experiments.temporal.architecture import Architecture as Temporal
from vestige.experiments.temporal.memories import DNC

TASKS = (Recall(12), Copy(9, 2), Copy(9, 2, "scattered"), Copy(9, 2, "positional"), Add(12), Xor(9), Pixels())
SMALL = Architecture(features=4, width=8, detector=4)


def tiny(task, **options):
    return LongTerm(task, LSTM(8), SMALL, rollout=4, batch=3, steps=2, evaluation_size=4, **options)


@pytest.mark.parametrize("options", [*map(tiny, TASKS), Generative()], ids=lambda o: type(o.task).__name__)
def test_options_survive_yaml(options):
    assert from_plain(type(options), yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_proposes_an_update(rule):
    options = tiny(Recall(12), rule=rule)
    built = construct(options, seed=0)
    batch = built.task.batch(size=3, key=jax.random.key(1))
    carry = built.rule.init(built.model, batch, key=jax.random.key(2))
    step = eqx.filter_jit(built.rule.step)(built.model, carry, batch, key=jax.random.key(3))
    grads = jax.tree.leaves(eqx.filter(step.grads.cell, eqx.is_array))
    assert all(np.isfinite(g).all() for g in grads) and any(np.abs(g).max() > 0 for g in grads)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_every_cell_is_built_in_layers(cell):
    options = dataclasses.replace(tiny(Copy(9, 2)), cell=dataclasses.replace(cell, hidden=8, layers=2))
    model = construct(options, seed=0).model
    _, memories = model.encode(model.init(), jax.numpy.zeros(5, int))
    assert memories.shape == (5, model.cell.output_size) and np.isfinite(memories).all()


def test_gates_begin_as_the_options_say(key):
    """Input and forget gate, and what makes them; with one bias given the other is its opposite."""
    shut = CELLS["hard-lstm"].build(3, span=1000, key=key)
    np.testing.assert_array_equal(shut.bias[:128], [-2.0] * 64 + [3.0] * 64)
    assert shut.gate is jax.nn.hard_sigmoid
    plain = LSTM(hidden=2, keep=5.0).build(3, span=1000, key=key)
    np.testing.assert_array_equal(plain.bias[:4], [-5.0, -5.0, 5.0, 5.0])
    assert plain.gate is jax.nn.sigmoid


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recall(0), "distance must be at least 1, got 0"),
        (lambda: Copy(symbols=0), "symbols must be at least 1, got 0"),
        (lambda: Pixels(size=99), "size makes images smaller: at most 8 for digits, got 99"),
        (lambda: LSTM(hidden=0), "hidden must be at least 1, got 0"),
        (lambda: LSTM(keep=None, admit=-2.0), "admit=-2.0 needs a keep"),
        (lambda: Tape(slots=1), "slots must be at least 2, got 1"),
        (lambda: Tape(width=0), "width must be at least 1, got 0"),
        (lambda: MemUP(temperature=0.0), "temperature must be positive, got 0"),
        (lambda: tiny(Recall(5), targets=0), "targets must be at least 1, got 0"),
        (lambda: construct(tiny(Recall(5), rule=MemUP(frequency=9)), seed=0), "does not fit into a rollout of"),
        (lambda: construct(tiny(Recall(5, noise=9)), seed=0), "so 0 <= noise <= 5; got noise=9"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(Exception, match=message):
        make()


def test_published_numbers_stand_beside_the_settings_they_belong_to():
    told = {
        entry.name: {
            name: {model: list(metrics.values()) for model, metrics in entry.published(options)["metrics"].items()}
            for name, options in entry.presets.items()
            if entry.published(options)
        }
        for entry in MEMUP
    }
    far = {"MemUP": [0.993], "SRNN": [0.708]}
    assert told["copy"] == {"small": {"MemUP": [1.0], "SRNN": [1.0]}, "cpu": far, "paper": far}
    scattered = {"MemUP": [0.999], "SRNN": [0.303]}
    assert told["scattered-copy"] == {"cpu": scattered, "paper": scattered}
    assert told["add"]["cpu"] == told["add"]["paper"] == {"MemUP": [0.0053], "SRNN": [0.0121]}
    assert told["pixel-mnist"] == {"paper": {"MemUP": [0.954], "SRNN": [0.9643]}}
    assert told["recall"] == told["xor"] == told["gap-recall"] == {}


def test_rules_are_compared_by_default():
    entry = find("recall")
    name, members = variants(entry.preset("small"), entry.kind.variation)
    assert name == "rule"
    assert list(members) == ["memup", "truncated", "bptt", "checkpointed", "random-targets", "oracle-targets"]
    assert {options.rollout for options in members.values()} == {10}


def test_storage_is_flat_for_memup_and_not_for_bptt():
    wide = dataclasses.replace(tiny(Recall(1600)), batch=8)
    memup = storage_by_span(wide)
    assert list(memup) == [200, 1600]
    assert memup[1600] < 1.05 * memup[200]
    assert temporary_bytes(dataclasses.replace(wide, rule=RULES["bptt"])) > 4 * memup[1600]


def test_a_run_and_its_folder(tmp_path, how):
    options = dataclasses.replace(tiny(Copy(9, 2)), model=dataclasses.replace(SMALL, nearby=3))
    results = execute(find("copy"), options, seed=0, folder=tmp_path / "run", **how)
    metrics = results["metrics"]
    assert metrics.keys() == {"accuracy", "cross_entropy", "information", "backward_bytes", "precision"}
    assert 0 <= metrics["precision"] <= 1 and metrics["backward_bytes"] > 0
    assert results["peak_rss_bytes"] > 1e8
    arrays = np.load(tmp_path / "run" / "evaluation.npz")
    np.testing.assert_array_equal(arrays["query_steps"], [11, 12])
    np.testing.assert_array_equal(arrays["uncertainty_steps"], np.arange(13))
    assert arrays["spans"].tolist() == [1, 2, 9, 36] and arrays["storage_spans"].tolist() == [8, 9]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "distant", "current", "local"} <= next(line for line in lines if line["kind"] == "train").keys()


def test_a_generative_model_is_trained_by_the_same_rules():
    small = Temporal(latent=3, controller=8, width=8, match_parameters=False)
    shared = {"rollout": 4, "targets": 2, "batch": 3, "steps": 2, "evaluation_size": 4}
    options = Generative(Gap(2, 6), DNC(slots=4, word=4, heads=1), small, **shared)
    built = construct(options, seed=0)
    batch = built.task.batch(size=3, key=jax.random.key(1))
    carry = built.rule.init(built.model, batch, key=jax.random.key(2))
    step = eqx.filter_jit(built.rule.step)(built.model, carry, batch, key=jax.random.key(3))
    grads = jax.tree.leaves(eqx.filter(step.grads.model.memory, eqx.is_array))
    assert all(np.isfinite(g).all() for g in grads) and any(np.abs(g).max() > 0 for g in grads)
    assert (options.headline, options.at(3).task.gap, options.at(3).task.shortest) == ("kl_recall", 3, None)
