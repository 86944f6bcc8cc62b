"""A table with its missing values filled in: what is there stays, and what is filled in is as likely as it says."""

import csv
import functools
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.data import FrameSet, Recorded
from vestige.data.recorded_table import RecordedColumns
from vestige.errors import RunError, UsageError
from vestige.models.filters import FactorFilter
from vestige.models.harmonium import RecurrentHarmonium
from vestige.runs.completing import Completed, write_completed
from vestige.tasks.completions import CompletedRows
from vestige.tasks.filtering import custom_recordings
from vestige.tasks.filtering.step_prediction import RecordingsPredictor

COLUMNS = RecordedColumns(("a", "b"), (), "day", "time")
LONG = 100


@functools.cache
def made():
    """Two channels of which one is nearly the other, and a model that knows."""
    draw = np.random.default_rng(3)
    source = np.cumsum(draw.normal(size=2 * LONG))
    seen = 50 + np.stack([source, 2 * source + 0.1 * draw.normal(size=2 * LONG)], axis=1)
    frames = FrameSet(seen, np.array([LONG, LONG]), ("a", "b"))
    task = custom_recordings(Recorded(frames, np.zeros((2 * LONG, 0))), "numbers", held_out=0.25, columns=COLUMNS)
    model = FactorFilter(2, 1, key=jax.random.key(0))
    leaves = (
        jnp.array([[0.95]]),
        jnp.array([[0.99], [0.99]]),
        jnp.log(jnp.array([0.1])),
        jnp.log(jnp.array([0.01, 0.01])),
    )
    model = jax.tree.unflatten(jax.tree.structure(model), leaves)
    return seen, task, model, task.predictor(model, None)


def table(seen):
    days = np.repeat(["x", "y"], [len(seen) // 2, len(seen) - len(seen) // 2])
    text = lambda column: np.array(["" if np.isnan(v) else f"{v:.3f}0" for v in column], object)
    return {"note": text(seen[:, 0] * 0 + 7), "b": text(seen[:, 1]), "day": days, "a": text(seen[:, 0])}


def gappy():
    seen = made()[0].copy()
    seen[::7, 0] = np.nan
    seen[3::9, 1] = np.nan
    seen[60:64] = np.nan
    return seen


def completed(source, predictor=None, **options):
    return Completed(predictor or made()[3], source, **{"particles": 64, "lag": 4, **options})


@pytest.mark.slow
def test_every_row_once_and_in_order():
    seen = gappy()
    parts = list(completed(table(seen)))
    assert [part.start for part in parts] == np.cumsum([0, *(len(part.seen) for part in parts)])[:-1].tolist()
    found = np.concatenate([part.filled() for part in parts])
    held = np.concatenate([part.seen for part in parts])
    assert found.shape == seen.shape and np.isfinite(found).all()
    np.testing.assert_allclose(held, seen, atol=1e-3)
    np.testing.assert_array_equal(found[~np.isnan(held)], held[~np.isnan(held)])
    # a channel is told by the other, but where both are missing
    alone = np.isnan(seen).sum(axis=1) == 1
    scale = made()[1].scale
    errors = np.abs(found - made()[0])[alone] / scale
    assert errors.max() < 0.5
    both = np.isnan(seen).all(axis=1)
    quantiles = np.concatenate([part.quantiles((0.05, 0.95)) for part in parts], axis=1)
    widths = (quantiles[1] - quantiles[0]) / scale
    assert np.nanmedian(widths[both]) > np.nanmedian(widths[alone])
    assert np.isnan(widths[~np.isnan(seen)]).all()


def test_weighted_means_and_quantiles_by_hand():
    samples = np.array([[[1.0], [5.0], [3.0]], [[2.0], [2.0], [2.0]]])
    rows = CompletedRows(0, np.array([[np.nan], [2.0]]), samples, np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]))
    assert rows.filled().tolist() == [[2.5], [2.0]]
    np.testing.assert_array_equal(rows.quantiles((0.4, 0.6, 0.9))[:, :, 0], [[1, np.nan], [3, np.nan], [5, np.nan]])


def test_what_is_there_is_written_as_it_was(tmp_path):
    run = SimpleNamespace(folder=tmp_path, step=3)
    source = table(gappy())
    summary = write_completed(completed(source), tmp_path / "out.csv", run=run)
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert list(rows[0]) == ["note", "b", "day", "a", "a.low", "a.high", "b.low", "b.high"]
    for name in ("a", "b", "day"):
        for row, was in zip(rows, source[name].tolist(), strict=True):
            assert row[name] == was or was == ""
    assert (
        summary.filled
        == np.isnan(gappy()).sum()
        == sum(row["a.low"] != "" for row in rows) + sum(row["b.low"] != "" for row in rows)
    )
    assert all(float(row["a.low"]) <= float(row["a"]) <= float(row["a.high"]) for row in rows if row["a.low"])
    assert "values in 200 rows are filled in" in summary.sentence()
    with pytest.raises(UsageError, match="pass --force"):
        write_completed(completed(source), tmp_path / "out.csv", run=run)


def test_what_cannot_be_filled_in_is_named():
    source = table(gappy())
    for options, said in (
        ({"particles": 1}, "particles must be in 2"),
        ({"lag": -1}, "lag must be in 0"),
        ({"particles": 10**6}, "choose fewer --particles"),
    ):
        with pytest.raises(UsageError, match=said):
            completed(source, **options)
    _, task, model, _ = made()
    calibration = task.calibration(model)
    harmonium = RecurrentHarmonium(task.family, 2, key=jax.random.key(0))
    with pytest.raises(UsageError, match="RecurrentHarmonium fills in nothing"):
        completed(source, RecordingsPredictor(harmonium, task.scaling, COLUMNS, calibration))
    wild = eqx.tree_at(lambda m: m.log_input_uniqueness, model, jnp.full(2, 60.0))
    with pytest.raises(RunError, match=r"row 1: samples of what is missing diverge"):
        list(completed(source, RecordingsPredictor(wild, task.scaling, COLUMNS, calibration)))
