"""Recordings from a table: columns by name, recordings by document."""

import dataclasses

import numpy as np
import pytest

from vestige.data.recorded_table import RecordedColumns, read_recorded_table, recorded_columns
from vestige.errors import UsageError
from vestige.tasks.filtering.specs import RecordingsSpec


@pytest.fixture
def table(tmp_path):
    rows = ["session,speed,heart rate,kind,place"]
    rows += [f"{'ab'[step > 5]},{step**0.5:.17g},{60 + step % 3},{'uvw'[step % 3]},{step * 0.25}" for step in range(12)]
    rows[3] = rows[3].replace(",61,", ",,").replace(",60,", ",,").replace(",62,", ",,")
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_columns_are_found_and_kept_by_name(table):
    columns, values = recorded_columns(table, inputs="speed,heart rate", outcomes="place")
    assert (columns, values) == (RecordedColumns(("speed", "heart rate"), ("place",), "session"), "numbers")
    assert RecordedColumns.from_plain(columns.as_plain()) == columns
    found = read_recorded_table(table, columns)
    assert found.frames.channels == ("speed", "heart rate") and found.named == ("place",)
    assert found.frames.lengths.tolist() == [6, 6]
    np.testing.assert_array_equal(found.frames.frames[:, 0], np.arange(12) ** 0.5)
    assert np.flatnonzero(np.isnan(found.frames.frames[:, 1])).tolist() == [2]
    early, late = found.parted(0.5)
    assert early.named == ("place",) and late.outcomes[:, 0].tolist() == [0.75, 1.0, 1.25, 2.25, 2.5, 2.75]


def test_another_order_of_columns_is_the_same(table, tmp_path):
    columns, _ = recorded_columns(table, inputs="speed,heart rate", outcomes="place")
    cells = [line.split(",") for line in table.read_text().splitlines()]
    (tmp_path / "other.csv").write_text("\n".join(",".join(row[i] for i in (4, 2, 0, 3, 1)) for row in cells) + "\n")
    ours, theirs = read_recorded_table(table, columns), read_recorded_table(tmp_path / "other.csv", columns)
    np.testing.assert_array_equal(ours.frames.frames, theirs.frames.frames)
    np.testing.assert_array_equal(ours.outcomes, theirs.outcomes)
    with pytest.raises(UsageError, match="lacks columns of the training data: pulse"):
        read_recorded_table(table, RecordedColumns(("pulse",)))


@pytest.mark.parametrize(
    ("values", "kind"), [([0, 1, 1, 0], "bits"), ([0, 4, 1, 2], "counts"), ([0.5, 4, 1, 2], "numbers")]
)
def test_values_are_of_the_kind_of_all_columns(tmp_path, values, kind):
    np.savetxt(tmp_path / "t.csv", np.c_[values, values[::-1]], delimiter=",", header="a,b", comments="")
    assert recorded_columns(tmp_path / "t.csv")[1] == kind


def test_what_is_no_recording_is_named(table, tmp_path):
    with pytest.raises(UsageError, match="hold classes, texts or times: kind; name the columns"):
        recorded_columns(table)
    with pytest.raises(UsageError, match="no column 'spede'"):
        recorded_columns(table, inputs="spede")
    (tmp_path / "still.csv").write_text("a,b\n1,2\n1,2\n")
    with pytest.raises(UsageError, match="no column could be observed; vestige data describe"):
        recorded_columns(tmp_path / "still.csv")
    table.write_text(table.read_text() + "b,fast,60,u,3\n")
    with pytest.raises(UsageError, match=r"column 'speed', row 13 \(line 14\): a number is expected, got 'fast'"):
        read_recorded_table(table, RecordedColumns(("speed",)))
    with pytest.raises(UsageError, match="stored names of columns are damaged"):
        RecordedColumns.from_plain({"inputs": 3})


def test_a_row_that_is_missing_in_part_can_be_missing(table):
    spec = RecordingsSpec(str(table), inputs="speed,heart rate", held_out=0.5)
    frames = np.asarray(spec.build(seed=0).train.frames)
    assert np.argwhere(np.isnan(frames)).tolist() == [[2, 1]]
    frames = np.asarray(dataclasses.replace(spec, incomplete=True).build(seed=0).train.frames)
    assert np.flatnonzero(np.isnan(frames).all(axis=1)).tolist() == [2]
    assert np.isnan(frames).sum() == 2


def test_how_a_table_is_read_can_be_said(table, tmp_path):
    (tmp_path / "t.txt").write_text("speed;place\n" + "".join(f"{n},5;{n % 4}\n-9;-9\n" for n in range(6)))
    said = {"delimiter": ";", "decimal": ",", "missing": "-9", "incomplete": True, "held_out": 0.5}
    task = RecordingsSpec(str(tmp_path / "t.txt"), **said).build(seed=0)
    assert task.columns is not None and task.columns.inputs == ("speed", "place")
    assert np.isnan(np.asarray(task.train.frames))[:, 0].tolist() == [False, True] * 3
    np.savez(tmp_path / "t.npz", x=np.random.default_rng(0).normal(size=(9, 2)), names=np.arange(3))
    picked = RecordingsSpec(str(tmp_path / "t.npz"), arrays="x", held_out=0.5).build(seed=0)
    assert picked.columns is not None and picked.columns.inputs == ("x.0", "x.1")
    with pytest.raises(UsageError, match="decimal must be auto, . or , got ';'"):
        RecordingsSpec(decimal=";")
