"""Predictions as files, and how good they were."""

import csv
import datetime

import numpy as np
import pytest
from tests.running import TINY

from vestige.data.tables import Cells, open_table
from vestige.data.tables.writing import check_target, table_writer
from vestige.errors import UsageError
from vestige.runs.predicting import check_out, check_predicts
from vestige.tasks.step_predictions import columns_of
from vestige.tasks.step_tally import Tally
from vestige.tasks.stepwise import PredictedSteps

NO = np.zeros(3, bool)
STEPS = PredictedSteps(
    start=0,
    passed={"when": Cells(np.array(["mon", "tue", ""], object), np.array([False, False, True]))},
    mean=np.array([[0.0], [2.0], [3.0]]),
    low=np.array([[-1.0], [1.0], [2.0]]),
    high=np.array([[1.0], [3.0], [4.0]]),
    surprise=np.array([1.0, 4.0, np.nan]),
    seen=np.array([[0.5], [4.0], [np.nan]]),
    last=np.array([[0.0], [0.5], [4.0]]),
    linear=np.array([[0.0], [4.0], [4.0]]),
    begun=np.array([False, True, True]),
)


def test_the_summary_of_three_steps_by_hand():
    tally = Tally(("x",), np.array([2.0]), 0.9)
    tally.add(STEPS)
    found = tally.summary()
    assert (found.steps, found.missing, found.mean_surprise, found.coverage) == (3, 1, 2.5, 0.5)
    # only the second step stands after another: errors 2, 3.5 and 0, in units of 2
    assert (found.error, found.last_error, found.linear_error) == (1.0, 3.0625, 0.0)
    assert found.channels["x"] == {"rmse": 2.0, "last_rmse": 3.5, "linear_rmse": 0.0, "coverage": 0.5}
    assert found.sentence() == (
        "The model beats the last value by 67% on this table, and does not beat linear regression: squared errors 1, "
        "3.062, 0."
    )
    assert "No step could be compared" in Tally(("x",), np.ones(1), 0.9).summary().sentence()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_a_file_of_predictions_reads_back(suffix, tmp_path):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"out{suffix}"
    with table_writer(path) as writer:
        for _ in range(2):
            writer.write(columns_of(STEPS, ("x",)))
    back = open_table(path)
    assert back.names == ("when", "x.mean", "x.low", "x.high", "surprise")
    cells = back.read()
    assert cells["when"].missing.tolist() == [False, False, True] * 2
    assert np.asarray(cells["x.low"].values, float).tolist() == [-1.0, 1.0, 2.0] * 2
    assert cells["surprise"].missing.tolist() == [False, False, True] * 2


def test_nothing_is_left_half_written(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def stopped():
        with table_writer(path) as writer:
            writer.write(columns_of(STEPS, ("x",)))
            raise UsageError("stop")

    with pytest.raises(UsageError, match="stop"):
        stopped()
    assert path.read_text() == "old" and [each.name for each in tmp_path.iterdir()] == ["out.csv"]


def test_cells_as_the_file_has_them(tmp_path):
    dates = np.array([datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 2, 3)], "datetime64[us]")
    with table_writer(tmp_path / "d.csv") as writer:
        columns = {"t": dates, "n": np.array([1, 2]), "text": np.array(["a,b", 'c"d'], object)}
        writer.write({name: Cells(values, np.zeros(2, bool)) for name, values in columns.items()})
    rows = list(csv.reader((tmp_path / "d.csv").read_text().splitlines()))
    assert rows == [["t", "n", "text"], ["2020-01-01 00:00:00", "1", "a,b"], ["2020-01-02 03:00:00", "2", 'c"d']]


def test_what_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "there.csv").write_text("a\n1\n")
    for name, said in (
        ("out.xlsx", "must end in .csv, .tsv, .parquet"),
        ("no/out.csv", "make it first"),
        ("there.csv", "pass --force to replace it"),
    ):
        with pytest.raises(UsageError, match=said):
            check_target(tmp_path / name, force=False)
    check_target(tmp_path / "there.csv", force=True)
    with pytest.raises(UsageError, match="is the table that is predicted"):
        check_out(tmp_path / "there.csv", str(tmp_path / "there.csv"), force=True)
    with pytest.raises(UsageError, match=r"two columns of the predictions would be named 'surprise'"):
        columns_of(STEPS.__class__(**{**STEPS.__dict__, "passed": {"surprise": STEPS.passed["when"]}}), ("x",))


def test_a_run_that_cannot_predict_names_those_that_can(tmp_path):
    with pytest.raises(
        UsageError, match="predicts no tables of yours; runs of these experiments do: stream, recordings"
    ):
        check_predicts(tmp_path, TINY)
