"""Files of one's own, from the command line to the page."""

import dataclasses
import json

import numpy as np
import pytest
import yaml

from vestige.cells.specs import LSTMSpec
from vestige.cli import main
from vestige.errors import UsageError
from vestige.experiments import CATALOGUE, Experiment
from vestige.models.longterm import RecurrentSpec
from vestige.plain import from_plain, to_plain
from vestige.rules.longterm_specs import LONG_TERM_RULES
from vestige.runs.execution import constructed
from vestige.tasks.longterm.opening import opened
from vestige.tasks.longterm.stream_spec import StreamSpec

NAMES = {"inputs": "inputs", "outcomes": "outcomes", "unknown": False}


def written(folder, length=60):
    """A token of 6, and which of 5 stood 3 steps before."""
    folder.mkdir()
    tokens = np.random.default_rng(0).integers(0, 5, length + 3).astype(np.uint8)
    np.save(folder / "inputs.npy", tokens[3:])
    np.save(folder / "outcomes.npy", tokens[:-3])
    return str(folder)


def built(*columns, **options):
    return StreamSpec(*columns, **options).build(seed=0)


def test_options_survive_yaml():
    experiment = Experiment(StreamSpec("a", "b", tokens=3, segment=9), RecurrentSpec(LSTMSpec(8)))
    assert from_plain(Experiment, yaml.safe_load(yaml.safe_dump(to_plain(experiment))), where="x") == experiment


def test_without_files_it_is_the_example(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    experiment = CATALOGUE["stream"].preset("small")
    task = constructed(experiment, seed=0).task
    assert (task.tokens, task.classes, task.segment, task.train.unknown_outcomes) == (11, 8, 200, True)
    assert task.train.name.startswith(str(tmp_path))
    assert (experiment.task.metric, experiment.summary()["file"]) == ("accuracy", "example-stream")
    assert experiment.rule.updates_per_batch(task) == 20
    assert experiment.replace("task.segment", 50).task.build(seed=0).segment == 50
    assert experiment.replace("task.example_segment", None).task.build(seed=0).segment is None


@pytest.mark.parametrize("preset", ["small", "cpu", "paper"])
def test_files_that_a_user_names_are_read_from_end_to_end(preset, tmp_path):
    """The segment of a preset is about its example."""
    folder = written(tmp_path / "steps")
    task = CATALOGUE["stream"].preset(preset).task
    own = dataclasses.replace(task, train=folder, held_out=folder, tokens=6, classes=5)
    assert task.piece is not None
    assert own.build(seed=0).segment is None
    assert dataclasses.replace(own, segment=9).build(seed=0).segment == 9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a: StreamSpec(a, table=False), "--task.train is read as it is, so that --task.held-out must name"),
        (lambda a: StreamSpec(held_out=a), "--task.held-out was given alone; give --task.train too, to learn from"),
        (lambda a: StreamSpec(tokens=3), "are about files; give --task.train"),
        (lambda a: StreamSpec(segment=0), "segment must be at least 1, got 0"),
        (
            lambda a: built(a, a, table=False),
            "inputs are integers, so tokens must say how many there are; got None",
        ),
        (lambda a: built(a, a, tokens=6, classes=5, segment=61), "segment must be in 1..60"),
        (lambda a: built(a, a, "x", tokens=6, classes=5), "x.npy: there is no such file"),
        (lambda a: built(a, a, "x"), "there is no column 'x'. Known: inputs, outcomes"),
        (
            lambda a: built("gone", a, tokens=6, classes=5),
            "gone is not there; give a folder that holds inputs.npy and outcomes.npy",
        ),
        (lambda a: built("gone", a), "gone: there is no such file; name a table"),
        (
            lambda a: built(f"{a}/inputs.npy", a, tokens=6, classes=5),
            r"inputs.npy is no folder; give .*\.parquet, \.zarr",
        ),
        (lambda a: built(f"{a}/inputs.npy", a), "a stream predicts one column, and no column is named outcome"),
        (lambda a: built(a, tokens=6), "--task.tokens is of files of integers that are read as they are"),
        (
            lambda a: built("x.array_record", a, "numbers"),
            "numpy type of one step, .* got 'numbers'",
        ),
    ],
)
def test_what_is_missing_is_named(make, message, tmp_path):
    with pytest.raises((ValueError, UsageError), match=message):
        make(written(tmp_path / "steps"))


def test_a_context_window_is_refused(tmp_path):
    folder = written(tmp_path / "steps")
    task = StreamSpec(folder, folder, tokens=6, classes=5)
    with pytest.raises(UsageError, match=r"context_window must be 1 on a task whose steps show .* \(Stream\), got 3"):
        constructed(Experiment(task, RecurrentSpec(LSTMSpec(4), context_window=3)), seed=0)


@pytest.mark.parametrize("rule", LONG_TERM_RULES)
def test_rules_that_do_not_apply_are_refused_by_name(rule, tmp_path):
    folder = written(tmp_path / "steps")
    task = StreamSpec(folder, folder, tokens=6, classes=5)
    whole = Experiment(task, RecurrentSpec(LSTMSpec(4)), LONG_TERM_RULES[rule])
    cut = dataclasses.replace(whole, task=dataclasses.replace(task, segment=20))
    sentence = r"takes whole sequences, .* --task.segment N, or use --rule memup or truncated"
    refused = {
        "bptt": f"rule bptt {sentence}",
        "checkpointed": f"rule checkpointed {sentence}",
        "chunk-parallel": f"rule chunk-parallel {sentence}",
        "randomly-truncated": f"rule randomly-truncated without --rule.longest {sentence}",
        "oracle-targets": "rule oracle-targets.* use --rule memup",
    }
    if rule in refused:
        with pytest.raises(UsageError, match=refused[rule]):
            constructed(whole, seed=0)
    else:
        assert constructed(whole, seed=0).task.segment is None
    if rule == "oracle-targets":
        with pytest.raises(ValueError, match="StreamSpec does not know these"):
            cut.check()
        with pytest.raises(UsageError, match="does not know these"):
            constructed(cut, seed=0)
    else:
        assert constructed(cut, seed=0).task.segment == 20


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


@pytest.mark.slow
def test_from_options_to_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        return exit_.value.code or 0, capsys.readouterr()

    train, held_out = written(tmp_path / "train"), written(tmp_path / "held", 30)
    files = ["--task.train", train, "--task.held-out", held_out, "--task.tokens", 6, "--task.classes", 5]
    small = ["--cell.hidden", 4, "--rollout", 4, "--batch-size", 2, "--steps", 3, "--eval-size", 2]
    few = ["--num-evals", 1, "--task.segment", 12, "--rule", "truncated"]
    code, printed = call("run", "stream", *files, *small, *few, "--out", "r")
    assert code == 0, printed.err
    results = json.loads((tmp_path / "r" / "results.json").read_text())
    baselines = {"majority_accuracy", "frequency_cross_entropy"}
    assert results["metrics"].keys() == {"accuracy", "cross_entropy", "backward_bytes"} | baselines
    share = np.bincount(np.load(tmp_path / "held" / "outcomes.npy")).max() / 30
    assert results["bounds"]["accuracy"] == {"best": None, "chance": pytest.approx(share)}
    assert "A stream of your own" in (tmp_path / "r" / "report.html").read_text()
    code, printed = call("evaluate", "r", "--json")
    assert code == 0 and json.loads(printed.out)["metrics"] == results["metrics"]
    code, printed = call("run", "stream", "--task.train", train, "--task.table", "False")
    told = " ".join((printed.out + printed.err).replace("│", " ").split())
    assert code == 2 and "--task.held-out must name what is evaluated on" in told
