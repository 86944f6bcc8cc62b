"""Experiments with long-term memories, from options to findings."""

import dataclasses
import json

import equinox as eqx
import jax
import numpy as np
import pytest
import yaml

from vestige.cells.specs import CELLS, CellSpec, LSTMSpec, TapeSpec
from vestige.cli.compare import variants
from vestige.experiments import CATALOGUE, Experiment
from vestige.experiments.catalogue.memup import MEMUP
from vestige.memory.specs import DNCSpec
from vestige.models.longterm import GenerativeMemorySpec, RecurrentSpec
from vestige.plain import from_plain, to_plain
from vestige.rules.longterm_specs import LONG_TERM_RULES
from vestige.rules.memup_specs import GumbelTopKSpec, MemUPSpec
from vestige.runs.distances import storage_by_distance, temporary_bytes
from vestige.runs.execution import constructed, execute
from vestige.tasks.longterm.specs import AddSpec, CopySpec, GapRecallSpec, PixelsSpec, RecallSpec, XorSpec

TASKS = (
    RecallSpec(12),
    CopySpec(9, 2),
    CopySpec(9, 2, layout="scattered"),
    CopySpec(9, 2, layout="positional"),
    AddSpec(12),
    XorSpec(9),
    PixelsSpec(),
)
SMALL = RecurrentSpec(LSTMSpec(8), features=4, width=8, detector_width=4)


def tiny(task, rule=MemUPSpec(4), model=SMALL, **options):
    return Experiment(task, model, rule, batch_size=3, steps=2, eval_size=4, **options)


def proposed(experiment):
    """What one update does to the recurrence."""
    built = constructed(experiment, seed=0)
    batch = built.task.batch(size=3, key=jax.random.key(1))
    carry = built.rule.init(built.model, batch, key=jax.random.key(2))
    return eqx.filter_jit(built.rule.step)(built.model, carry, batch, key=jax.random.key(3)).grads


@pytest.mark.parametrize("experiment", [tiny(task) for task in TASKS], ids=lambda e: type(e.task).__name__)
def test_options_survive_yaml(experiment):
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


@pytest.mark.slow
@pytest.mark.parametrize("rule", LONG_TERM_RULES.values(), ids=LONG_TERM_RULES)
def test_every_rule_proposes_an_update(rule):
    grads = jax.tree.leaves(eqx.filter(proposed(tiny(RecallSpec(12), rule)).cell, eqx.is_array))
    assert all(np.isfinite(g).all() for g in grads)
    assert any(np.abs(g).max() > 0 for g in grads)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.few(3)
def test_every_cell_is_built_in_layers(cell):
    spec: CellSpec = dataclasses.replace(CELLS[cell], hidden=8, layers=2)
    model = constructed(tiny(CopySpec(9, 2), model=dataclasses.replace(SMALL, cell=spec)), seed=0).model
    _, memories = model.encode(model.init(), jax.numpy.zeros(5, int))
    assert memories.shape == (5, model.cell.output_size)
    assert np.isfinite(memories).all()


def test_gates_begin_as_the_options_say(key):
    """Input and forget gate, and what makes them; with one bias given the other is its opposite."""
    shut = CELLS["hard-lstm"].build(3, distance=1000, key=key)
    np.testing.assert_array_equal(shut.bias[:128], [-2.0] * 64 + [3.0] * 64)
    assert shut.gate is jax.nn.hard_sigmoid
    plain = LSTMSpec(hidden=2, forget_bias=5.0).build(3, distance=1000, key=key)
    np.testing.assert_array_equal(plain.bias[:4], [-5.0, -5.0, 5.0, 5.0])
    assert plain.gate is jax.nn.sigmoid


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RecallSpec(0), "distance must be at least 1, got 0"),
        (lambda: CopySpec(symbols=0), "symbols must be at least 1, got 0"),
        (lambda: PixelsSpec(size=99), "size makes images smaller: at most 8 for digits, got 99"),
        (lambda: PixelsSpec("music"), "source: data set 'music' is not a set of images"),
        (lambda: LSTMSpec(hidden=0), "hidden must be at least 1, got 0"),
        (lambda: LSTMSpec(forget_bias=None, input_bias=-2.0), "input_bias=-2.0 needs a forget_bias"),
        (lambda: TapeSpec(slots=1), "slots must be at least 2, got 1"),
        (lambda: TapeSpec(word_size=0), "word_size must be at least 1, got 0"),
        (lambda: GumbelTopKSpec(temperature=0.0), "temperature must be positive, got 0"),
        (lambda: MemUPSpec(targets=0), "targets must be at least 1, got 0"),
        (lambda: MemUPSpec(average=1.0), r"average must be in \[0, 1\), got 1"),
        (lambda: constructed(tiny(RecallSpec(5), MemUPSpec(4, frequency=9)), seed=0), "does not fit into a rollout of"),
        (lambda: constructed(tiny(RecallSpec(5, noise=9)), seed=0), "so 0 <= noise <= 5; got noise=9"),
        (lambda: tiny(GapRecallSpec()), "model recurrent needs a task that provides outcomes"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(Exception, match=message):
        make()


def test_published_numbers_stand_beside_the_settings_they_belong_to():
    told = {
        entry.name: {
            name: {model: list(metrics.values()) for model, metrics in entry.published(preset)["metrics"].items()}
            for name, preset in entry.presets.items()
            if entry.published(preset)
        }
        for entry in MEMUP
    }
    far = {"MemUP": [0.993], "SRNN": [0.708]}
    assert told["copy"] == {"small": {"MemUP": [1.0], "SRNN": [1.0]}, "cpu": far, "paper": far}
    scattered = {"MemUP": [0.999], "SRNN": [0.303]}
    assert told["scattered-copy"] == {"cpu": scattered, "paper": scattered}
    assert told["add"]["cpu"] == told["add"]["paper"] == {"MemUP": [0.0053], "SRNN": [0.0121]}
    assert told["pixel-mnist"] == {"paper": {"MemUP": [0.954], "SRNN": [0.9643]}}
    assert told["recall"] == told["xor"] == told["gap-recall"] == told["stream"] == {}


def test_rules_are_compared_by_default_at_the_same_sizes():
    entry = CATALOGUE["copy"]
    name, members = variants(entry.preset("small"), entry.vary, entry.name)
    assert name == "rule"
    assert list(members) == list(LONG_TERM_RULES)
    sizes = {member: to_plain(experiment.rule) for member, experiment in members.items()}
    assert sizes.pop("bptt").keys() == sizes.pop("checkpointed").keys() == {"name"}
    assert {plain["rollout"] for plain in sizes.values()} == {20}
    several = ("memup", "random-targets", "oracle-targets", "chunk-parallel")
    assert {member: plain["targets"] for member, plain in sizes.items() if "targets" in plain} == dict.fromkeys(
        several, 10
    )
    assert members["memup"] == entry.preset("small")


@pytest.mark.slow
def test_storage_is_flat_for_memup_and_not_for_bptt():
    wide = dataclasses.replace(tiny(RecallSpec(1600)), batch_size=8)
    wide = wide.replace("rule.scan_chunk", 20)  # windows of 19 and of 20 steps; of at most 100 they would be 67 and 95
    found = storage_by_distance(wide, wide.build(seed=0))
    near, far = found.arrays["storage_bytes"]
    assert found.arrays["storage_spans"].tolist() == [200, 1600]
    assert far < 1.05 * near
    assert found.metrics == {"backward_bytes": far}
    assert temporary_bytes(dataclasses.replace(wide, rule=LONG_TERM_RULES["bptt"])) > 4 * far


@pytest.mark.slow
def test_a_run_and_its_folder(tmp_path, how):
    experiment = tiny(CopySpec(9, 2), model=dataclasses.replace(SMALL, context_window=3), num_evals=2)
    results = execute(CATALOGUE["copy"], experiment, seed=0, folder=tmp_path / "run", **how)
    metrics = results["metrics"]
    assert metrics.keys() == {"accuracy", "cross_entropy", "information", "backward_bytes", "precision"}
    assert 0 <= metrics["precision"] <= 1
    assert metrics["backward_bytes"] > 0
    assert results["peak_rss_bytes"] > 1e8
    arrays = np.load(tmp_path / "run" / "evaluation.npz")
    np.testing.assert_array_equal(arrays["query_steps"], [11, 12])
    np.testing.assert_array_equal(arrays["uncertainty_steps"], np.arange(13))
    assert arrays["spans"].tolist() == [1, 2, 9, 36]
    assert arrays["storage_spans"].tolist() == [8, 9]
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "distant", "current", "local"} <= next(line for line in lines if line["kind"] == "train").keys()


@pytest.mark.slow
def test_a_generative_model_is_trained_by_the_same_rules():
    small = GenerativeMemorySpec(DNCSpec(heads=1, slots=4, word_size=4), latent_size=3, controller_size=8, width=8)
    experiment = tiny(GapRecallSpec(2, 6), MemUPSpec(4, 2), small)
    grads = jax.tree.leaves(eqx.filter(proposed(experiment).model.memory, eqx.is_array))
    assert all(np.isfinite(g).all() for g in grads)
    assert any(np.abs(g).max() > 0 for g in grads)
    there = GapRecallSpec(2, 6, min_distance=1).at_distance(3)
    assert (experiment.task.metric, there.gap, there.min_distance) == ("kl_recall", 3, None)


def test_of_two_keys_one_makes_the_model():
    """Every experiment splits its key once: the run's own is the second half."""
    built = constructed(tiny(RecallSpec(5)), seed=3)
    halves = jax.random.split(jax.random.key(3))
    assert built.key == halves[1]
    made = SMALL.build(built.task, key=halves[0])
    assert eqx.tree_equal(made, built.model, rtol=1e-5, atol=1e-5)  # one program rounds in another order
