"""Streams from tables and texts: what the task takes from the file, and what a run keeps of it."""

import gzip
import json

import numpy as np
import pytest

from vestige.errors import RunError, UsageError
from vestige.sequences.places import step_of
from vestige.tasks.longterm import Stream
from vestige.tasks.longterm.stream_spec import StreamSpec
from vestige.tasks.longterm.stream_tables import tried_on


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def written(folder, lengths=(4, 7, 3, 5, 6), name="steps.csv", *, words="abc", more=()):
    """Patients one after the other; the outcome of each is known at its last event."""
    draw = np.random.default_rng(len(lengths))
    lines = ["event,dose,patient,outcome"]
    for patient, length in enumerate(lengths):
        for step in range(length):
            outcome = ("worse", "well")[patient % 2] if step == length - 1 else ""
            word = words[(patient + step) % len(words)]
            lines.append(f"{word},{draw.normal():.3f},p{patient},{outcome}")
    text = "\n".join([*lines, *more]) + "\n"
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


@pytest.mark.parametrize("name", ["steps.csv", "steps.csv.gz"])
def test_everything_comes_from_the_file(name, tmp_path):
    spec = StreamSpec(written(tmp_path, name=name), held_out_share=0.3)
    task = spec.build(seed=0)
    assert (task.tokens, task.features, task.classes) == (None, 4, 2)
    assert task.documents is not None and task.segment is None
    train, held_out = task.documents
    assert train.lengths.tolist() == [4, 7, 3, 5] and held_out.lengths.tolist() == [6]
    assert (task.max_distance, task.train.length, task.held_out.length) == (7, 19, 6)
    inputs, outcomes = task.held_out.read(0, 6)
    assert outcomes.tolist() == [-1] * 5 + [1]  # classes in the order of their names: well, worse
    assert inputs[:, :3].argmax(axis=1).tolist() == [(4 + step) % 3 for step in range(6)]
    assert spec.sources()[0].option == "train" and len(spec.sources()) == 1
    assert StreamSpec(spec.train, max_distance=99).build(seed=0).max_distance == 99


def test_columns_that_are_said(tmp_path):
    path = written(tmp_path)
    task = StreamSpec(path, inputs="event", document="patient").build(seed=0)
    assert (task.tokens, task.features) == (3, None)
    task = StreamSpec(path, ignored="dose,patient").build(seed=0)
    assert task.documents is None and task.max_distance == 20
    assert StreamSpec(path, outcomes="dose", ignored="outcome").build(seed=0).classes is None
    with pytest.raises(UsageError, match="--task.kinds must be COL=KIND"):
        StreamSpec(path, kinds="event").build(seed=0)
    with pytest.raises(UsageError, match="no column 'sise'"):
        StreamSpec(path, kinds="sise=class").build(seed=0)


def test_documents_are_drawn_whole_and_lanes_end_at_their_borders(tmp_path, key):
    task = StreamSpec(written(tmp_path)).build(seed=0)
    sequences = task.batch(size=200, key=key).inputs
    begins = {step_of(*begin): int(n) for begin, n in zip(sequences.begin.tolist(), sequences.length, strict=True)}
    assert begins == {0: 4, 4: 7, 11: 3, 14: 5}


def test_two_files(tmp_path):
    train, held_out = written(tmp_path), written(tmp_path, (3, 4), "held.csv")
    task = StreamSpec(train, held_out).build(seed=0)
    assert (task.train.length, task.held_out.length, task.max_distance) == (25, 7, 7)
    wrong = written(tmp_path, (3, 4), "wrong.csv", words="abd")
    with pytest.raises(
        UsageError, match=r"wrong\.csv: column 'event', row 3 \(line 4\): class 'd' was not in the data"
    ):
        StreamSpec(train, wrong).build(seed=0)


def same(one, other):
    assert (one.tokens, one.features, one.classes, one.max_distance) == (
        other.tokens,
        other.features,
        other.classes,
        other.max_distance,
    )
    np.testing.assert_array_equal(one.held_out.read(0, 6)[0], other.held_out.read(0, 6)[0])


def test_a_run_keeps_what_it_needs_of_its_file(tmp_path):
    """Another file is seen in the units, and by the names, of the training."""
    spec = StreamSpec(written(tmp_path), held_out_share=0.3)
    task = spec.build(seed=0)
    kept = json.loads(json.dumps(spec.fitted(task)))
    assert (kept["features"], kept["classes"], kept["max_distance"]) == (4, 2, 7)
    same(spec.build_fitted(kept, seed=0), task)
    path = written(tmp_path, (9, 9, 9), "other.csv")
    other = StreamSpec(path, held_out_share=0.3).build_fitted(kept, seed=0)
    assert other.columns is not None and other.columns.encoder.scales == task.columns.encoder.scales
    assert other.features == 4


def test_a_run_on_two_files_is_evaluated_without_the_first(tmp_path):
    spec = StreamSpec(written(tmp_path), written(tmp_path, (3, 4), "held.csv"))
    task = spec.build(seed=0)
    kept = json.loads(json.dumps(spec.fitted(task)))
    (tmp_path / "steps.csv").unlink()
    again = spec.build_fitted(kept, seed=0)
    same(again, task)
    with pytest.raises(RunError, match="is not read in an evaluation"):
        again.train.read(0, 1)


def test_a_run_predicts_without_any_file(tmp_path):
    spec = StreamSpec(written(tmp_path), held_out_share=0.3)
    kept = json.loads(json.dumps(spec.fitted(spec.build(seed=0))))
    (tmp_path / "steps.csv").unlink()
    unread = spec.without_data()
    assert unread.sources() == ()
    task = unread.build_fitted(kept, seed=0)
    assert isinstance(task, Stream) and (task.features, task.max_distance) == (4, 7)
    with pytest.raises(UsageError, match="was not read, so that there are no held-out errors"):
        task.predictor(None, None)
    for stored in (StreamSpec(), StreamSpec("a", "b", tokens=3, classes=2)):
        with pytest.raises(UsageError, match="was read as it is, without names of columns"):
            stored.without_data().build_fitted({}, seed=0)


def test_what_is_tried_on_is_the_end_of_the_training_part(tmp_path):
    task = StreamSpec(written(tmp_path), held_out_share=0.3).build(seed=0)
    early = tried_on(task, 0.3)
    assert early is not None and early.documents is not None
    assert [each.lengths.tolist() for each in early.documents] == [[4, 7, 3], [5]]
    np.testing.assert_array_equal(early.held_out.read(0, 5)[0], task.train.read(14, 19)[0])
    assert early.held_out.steps_there() == 5 and early.train.length == 14
    alone = StreamSpec(written(tmp_path, (30,), "one.csv"), ignored="patient", outcomes="event").build(seed=0)
    parts = tried_on(alone, 0.25)
    assert parts is not None and (parts.train.length, parts.held_out.length, parts.documents) == (18, 6, None)
    rare = StreamSpec(written(tmp_path, (9, 9, 9), "rare.csv"), document="patient").build(seed=0)
    assert tried_on(rare, 0.5) is not None


def test_a_text_is_read_character_by_character(tmp_path):
    (tmp_path / "a.txt").write_text("abcabcab" * 5)
    task = StreamSpec(str(tmp_path / "a.txt"), text=True).build(seed=0)
    assert (task.tokens, task.classes, task.documents, task.train.length) == (3, 3, None, 32)
    inputs, outcomes = task.train.read(0, 32)
    assert inputs[1:].tolist() == outcomes[:-1].tolist()


def test_a_held_out_part_without_outcomes_is_refused_before_training(tmp_path):
    lines = ["event,outcome", *(f"{'ab'[i % 2]},{'xy'[i % 2] if i < 6 else ''}" for i in range(10))]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError, match="'outcome' is known at none of the 2 held-out steps"):
        StreamSpec(str(tmp_path / "a.csv")).build(seed=0)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_shares_that_cannot_be(share):
    with pytest.raises(ValueError, match="held_out_share must be in"):
        StreamSpec("a", held_out_share=share)
