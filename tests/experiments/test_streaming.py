"""Files of one's own, from the command line to the page."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

from vestige.cli import main
from vestige.errors import UsageError
from vestige.experiments import find
from vestige.experiments.construct import construct
from vestige.experiments.longterm.cells import LSTM
from vestige.experiments.longterm.files import Files
from vestige.experiments.longterm.opening import opened
from vestige.experiments.longterm.rules import RULES
from vestige.experiments.longterm.streaming import Streaming
from vestige.experiments.serial import from_plain, to_plain

NAMES = {"inputs": "inputs", "outcomes": "outcomes", "unknown": False}


def written(folder, length=60):
    """A token of 6, and which of 5 stood 3 steps before."""
    folder.mkdir()
    tokens = np.random.default_rng(0).integers(0, 5, length + 3).astype(np.uint8)
    np.save(folder / "inputs.npy", tokens[3:])
    np.save(folder / "outcomes.npy", tokens[:-3])
    return str(folder)


def test_options_survive_yaml():
    options = Streaming(Files("a", "b", tokens=3, segment=9), LSTM(8))
    assert from_plain(Streaming, yaml.safe_load(yaml.safe_dump(to_plain(options))), where="x") == options


def test_without_files_it_is_the_example(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = find("stream").preset("small")
    task = construct(options, seed=0).task
    assert (task.tokens, task.classes, task.segment, task.train.unknown_outcomes) == (11, 8, 200, True)
    assert task.train.name.startswith(str(tmp_path))
    assert (options.headline, options.outline()["file"]) == ("accuracy", "example-stream")
    assert options.cycle(construct(options, seed=0)) == 20


@pytest.mark.parametrize("preset", ["small", "cpu", "paper"])
def test_the_segment_of_the_example_is_the_examples(preset, tmp_path):
    """Files of one's own are read from end to end, unless a segment is given."""
    options = find("stream").preset(preset)
    train, held_out = written(tmp_path / "train"), written(tmp_path / "held", 30)
    own = dataclasses.replace(options.task, train=train, held_out=held_out, tokens=6, classes=5)
    assert own.build().segment is None and options.task.steps_at_once == options.task.example_segment
    assert dataclasses.replace(options, task=own).outline()["segment"] == "whole file"
    assert dataclasses.replace(own, segment=7).build().segment == 7
    assert dataclasses.replace(options.task, segment=7).steps_at_once == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a: Files(a), "--task.train was given alone; give --task.held-out too, to judge the memory on"),
        (lambda a: Files(held_out=a), "--task.held-out was given alone; give --task.train too, to learn from"),
        (lambda a: Files(tokens=3), "are about files; give --task.train"),
        (lambda a: Files(segment=0), "segment must be at least 1, got 0"),
        (lambda a: Files(a, a).build(), "inputs are integers, so tokens must say how many there are; got None"),
        (lambda a: Files(a, a, tokens=6, classes=5, segment=61).build(), "segment must be in 1..60"),
        (lambda a: Files(a, a, "x").build(), "x.npy: there is no such file"),
        (lambda a: Files("gone", a).build(), "gone is not there; give a folder that holds inputs.npy and outcomes.npy"),
        (lambda a: Files(f"{a}/inputs.npy", a).build(), r"inputs.npy is no folder; give .*\.parquet, \.zarr"),
        (lambda a: Files("x.array_record", a, "numbers").build(), "numpy type of one step, .* got 'numbers'"),
    ],
)
def test_what_is_missing_is_named(make, message, tmp_path):
    with pytest.raises((ValueError, UsageError), match=message):
        make(written(tmp_path / "steps"))


@pytest.mark.parametrize("rule", RULES)
def test_rules_that_do_not_apply_are_refused_by_name(rule, tmp_path):
    folder = written(tmp_path / "steps")
    options = Streaming(Files(folder, folder, tokens=6, classes=5), LSTM(4), rule=RULES[rule], rollout=4)
    cut = dataclasses.replace(options, task=dataclasses.replace(options.task, segment=20))
    refused = {
        "bptt": "rules bptt and checkpointed .* --task.segment N",
        "checkpointed": "rules bptt and checkpointed .* --task.segment N",
        "oracle-targets": "rule oracle-targets.* use --rule memup",
    }
    if rule in refused:
        with pytest.raises(UsageError, match=refused[rule]):
            construct(options, seed=0)
    if rule == "oracle-targets":
        with pytest.raises(UsageError, match="nobody knows"):
            construct(cut, seed=0)
    else:
        assert construct(cut, seed=0).task.segment == 20


def test_columns_of_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = {"a": [0.5, 1.5], "b": [2.5, 3.5], "outcomes": [1, 0], "inputs": [3, 4]}
    path = str(tmp_path / "x.parquet")
    parquet.write_table(pa.table(table), path)
    kinds = {names: opened(path, inputs=names, outcomes="outcomes", unknown=False) for names in ("inputs", "a", "a,b")}
    assert {names: (reader.inputs.shape, reader.inputs.dtype.kind) for names, reader in kinds.items()} == {
        "inputs": ((), "i"),
        "a": ((1,), "f"),
        "a,b": ((2,), "f"),
    }


def test_arrays_of_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    group = zarr.create_group(tmp_path / "x.zarr")
    for name in ("inputs", "outcomes"):
        group.create_array(name, data=np.arange(4, dtype=np.int32))
    assert opened(str(tmp_path / "x.zarr"), **NAMES).read(1, 3)[0].tolist() == [1, 2]


def test_records(tmp_path):
    module = pytest.importorskip("array_record.python.array_record_module")
    path = str(tmp_path / "x.array_record")
    writer = module.ArrayRecordWriter(path, "group_size:1")
    steps = np.zeros(3, np.dtype([("inputs", "<f4", (2,)), ("outcomes", "<i4")]))
    writer.write(steps.tobytes())
    writer.close()
    reader = opened(path, inputs="(2,)f4", outcomes="i4", unknown=False)
    assert (reader.length, reader.inputs.shape, reader.outcomes.shape) == (3, (2,), ())


def test_from_options_to_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        return exit_.value.code or 0, capsys.readouterr()

    train, held_out = written(tmp_path / "train"), written(tmp_path / "held", 30)
    files = ["--task.train", train, "--task.held-out", held_out, "--task.tokens", 6, "--task.classes", 5]
    small = ["--cell.hidden", 4, "--rollout", 4, "--targets", 1, "--batch", 2, "--steps", 3, "--evaluation-size", 2]
    few = ["--evaluations", 1, "--task.segment", 12, "--rule", "truncated"]
    code, printed = call("run", "stream", *files, *small, *few, "--out", "r")
    assert code == 0, printed.err
    results = json.loads((tmp_path / "r" / "results.json").read_text())
    baselines = {"majority_accuracy", "frequency_cross_entropy"}
    assert results["metrics"].keys() == {"accuracy", "cross_entropy", "backward_bytes"} | baselines
    share = np.bincount(np.load(tmp_path / "held" / "outcomes.npy")).max() / 30
    assert results["bounds"]["accuracy"] == {"best": None, "chance": pytest.approx(share)}
    assert "A stream of one&#39;s own" in (tmp_path / "r" / "report.html").read_text()
    code, printed = call("evaluate", "r", "--json")
    assert code == 0 and json.loads(printed.out)["metrics"] == results["metrics"]
    code, printed = call("run", "stream", "--task.train", train)
    told = " ".join((printed.out + printed.err).replace("│", " ").split())
    assert code == 2 and "--task.train was given alone; give --task.held-out too" in told
