"""Folders and command lines of version 0.1 with long-term memories."""

import dataclasses

import pytest

from vestige.cells.specs import CELLS, LSTMSpec, RememberingSpec, TapeSpec
from vestige.cli.parse import RunSettings, parse
from vestige.experiments import CATALOGUE, Experiment
from vestige.memory import DNCSpec
from vestige.plain import from_plain
from vestige.rules import (
    BPTTSpec,
    CheckpointedSpec,
    GumbelTopKSpec,
    MemUPSpec,
    RandomScoreSpec,
    ReducibleSpec,
    TruncatedSpec,
)
from vestige.runs.migrate import migrated
from vestige.tasks.longterm import GapRecallSpec

MEMUP = {
    "kind": "MemUP",
    "clip": 1.0,
    "score": "surprise",
    "selection": "most",
    "temperature": 0.25,
    "frequency": None,
    "current": True,
    "average": None,
}
MUON = {"kind": "Muon", "rate": 0.003, "decay": "cosine", "warmup": 100}
SIZES = {"rollout": 10, "targets": 1, "optimiser": MUON, "steps": 200, "batch": 64, "evaluations": 12}
LSTM = {"kind": "LSTM", "hidden": 64, "layers": 1, "keep": 5.0, "admit": None, "gates": "sigmoid"}
RECALL = {
    "rule": MEMUP,
    **SIZES,
    "evaluation_size": 128,
    "task": {"kind": "Recall", "distance": 1000, "shortest": None, "symbols": 8, "distractors": False, "noise": 0},
    "cell": LSTM,
    "model": {"features": 32, "nearby": 1, "width": 64, "context": 1, "detector": 64},
}


def read(experiment, options):
    return from_plain(Experiment, migrated({"experiment": experiment, "options": options}, where="x"), where="x")


def test_a_folder_is_read_as_what_it_was():
    assert read("recall", RECALL) == dataclasses.replace(CATALOGUE["recall"].preset("small"), steps=200)


@pytest.mark.parametrize(
    ("rule", "today"),
    [
        ({"kind": "Truncated", "clip": 2.0}, TruncatedSpec(10, clip=2.0)),
        ({"kind": "BPTT", "clip": 1.0}, BPTTSpec()),
        ({"kind": "Checkpointed", "clip": 1.0, "segment": 9}, CheckpointedSpec(segment=9)),
        ({**MEMUP, "score": "chance"}, MemUPSpec(score=RandomScoreSpec())),
        ({**MEMUP, "score": "reducible", "average": 0.5}, MemUPSpec(score=ReducibleSpec(), average=0.5)),
        ({**MEMUP, "selection": "gumbel", "temperature": 0.5}, MemUPSpec(selection=GumbelTopKSpec(0.5))),
    ],
)
def test_every_rule(rule, today):
    assert read("recall", {**RECALL, "rule": rule}).rule == today


@pytest.mark.parametrize(
    ("cell", "today"),
    [
        ({**LSTM, "keep": 3.0, "admit": -2.0, "gates": "hard"}, CELLS["hard-lstm"]),
        ({**LSTM, "keep": None}, LSTMSpec(forget_bias=None)),
        ({"kind": "SRNN", "hidden": 9, "layers": 2}, type(CELLS["srnn"])(9, 2)),
        ({"kind": "Tape", "hidden": 32, "layers": 1, "slots": 4, "width": 8}, TapeSpec(slots=4, word_size=8)),
        (
            {
                "kind": "Remembering",
                "hidden": 64,
                "layers": 1,
                "keep": 3.0,
                "admit": None,
                "slots": 4,
                "width": 8,
                "heads": 1,
            },
            RememberingSpec(memory=DNCSpec(heads=1, slots=4, word_size=8), write_size=8),
        ),
    ],
)
def test_every_cell(cell, today):
    assert read("recall", {**RECALL, "cell": cell}).model.cell == today


FILES = {
    "train": None,
    "held_out": None,
    "inputs": "inputs",
    "outcomes": "outcomes",
    "unknown": False,
    "tokens": None,
    "classes": None,
    "segment": 200,
}


@pytest.mark.parametrize("segment", [200, None])
def test_the_example_of_a_stream(segment):
    options = {**RECALL, "task": {**FILES, "segment": segment}, "reach": 500, "evaluation_size": 4}
    task = read("stream", options).task
    assert (task.piece, task.segment, task.max_distance) == (segment, None, 500)


def test_files_of_a_user():
    options = {**RECALL, "task": {**FILES, "train": "a", "held_out": "b", "tokens": 3}, "reach": 500}
    task = read("stream", options).task
    assert (task.piece, task.segment, task.train, task.tokens) == (200, 200, "a", 3)


def test_a_generative_memory():
    memory = {"kind": "DNC", "heads": 2, "slots": 16, "word": None}
    model = {
        "latent": 12,
        "controller": 96,
        "width": 96,
        "frames": "mlp",
        "prior": "gaussian",
        "posterior": None,
        "match_parameters": False,
        "rematerialise": False,
    }
    task = {"images": 1, "gap": 100, "shortest": 1, "of": {"source": "digits", "binarise": "threshold"}}
    adam = {"kind": "Adam", "rate": 0.002, "decay": "cosine", "warmup": 0}
    options = {**RECALL, "rollout": 20, "optimiser": adam, "steps": 3000, "batch": 32, "evaluations": 5}
    del options["cell"]
    found = read("gap-recall", {**options, "memory": memory, "model": model, "task": task})
    assert found == CATALOGUE["gap-recall"].preset("small")
    assert found.task == GapRecallSpec(1, 100, min_distance=1)


@pytest.mark.parametrize(
    ("words", "path", "value", "noted"),
    [
        (["--rollout", "20"], "rule.rollout", 20, False),
        (["--cell", "gru"], "model.cell", CELLS["gru"], False),
        (["--cell.hidden", "9"], "model.cell.hidden", 9, False),
        (["--cell.keep", "4"], "model.cell.forget_bias", 4.0, True),
        (["--model.nearby", "3"], "model.context_window", 3, True),
        (["--task.shortest", "3"], "task.min_distance", 3, True),
        (["--rule.score", "chance"], "rule.score", RandomScoreSpec(), True),
        (["--rule.selection", "gumbel", "--rule.temperature", "2"], "rule.selection.temperature", 2.0, True),
        (["--cell", "dnc", "--cell.slots", "5"], "model.cell.memory.slots", 5, False),
        (["--cell", "dnc", "--cell.width", "5"], "model.cell.memory.word_size", 5, True),
        (["--cell", "tape", "--cell.width", "5"], "model.cell.word_size", 5, True),
    ],
)
def test_command_lines_are_understood(words, path, value, noted, capsys):
    at = parse("run", ["recall", *words], RunSettings).experiment
    for step in path.split("."):
        at = getattr(at, step)
    assert at == value
    assert ("the old name goes with the next release" in capsys.readouterr().err) == noted


def test_a_count_of_images_and_the_images_are_told_apart(capsys):
    words = ["--task.images", "3", "--task.images.binarise", "stochastic"]
    task = parse("run", ["gap-recall", *words], RunSettings).experiment.task
    assert (task.num_images, task.images.binarise) == (3, "stochastic")
    assert capsys.readouterr().err.count("\n") == 1
