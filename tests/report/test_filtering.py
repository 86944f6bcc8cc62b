"""Pages of experiments with filters."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.report import write_report
from vestige.report.files import read_arrays


def make(folder: Path, **arrays) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"experiment": "ring-tracking", "seed": 0}))
    line = {"kind": "evaluate", "step": 100, "seconds": 1.0, "mse_ratio": 1.9}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    noise = np.random.default_rng(0)
    kept = {
        "filter_seen": noise.poisson(2.0, (50, 15)).astype(float),
        "filter_denoised": noise.random((50, 15)),
        "filter_predicted": noise.random((50, 15)),
        "filter_state": noise.random((50, 40)),
        "filter_generated": noise.random((30, 15)),
        "receptive_fields": noise.normal(size=(12, 15)),
        "delayed_r2": np.linspace(1.0, 0.4, 61),
    }
    np.savez(folder / "evaluation.npz", **{k: v for k, v in (kept | arrays).items() if v is not None})
    results = {
        "metrics": {"mse_ratio": 1.87, "velocity_r2": 0.976},
        "bounds": {"mse_ratio": {"best": 1.0, "chance": 8.3}},
        "seconds": 4.0,
        "updates": 100,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_a_run_shows_what_it_makes_of_what_it_sees(tmp_path):
    page = write_report(make(tmp_path / "run")).read_text()
    for words in (
        "What it makes of what it sees",
        "What it sees: 15 by 50 values",
        "The 24 units of the state that change most",
        "What it generates: 15 by 30 values",
        "Receptive fields: 15 by 12 values",
        "How well the position some steps ago can be read out: best 0 steps back, R² 1.000.",
        "Error to the Kalman filter",
        "1.87",
        "8.3",
    ):
        assert words in page


def test_an_outlier_does_not_bleach_the_rest(tmp_path):
    calm = np.full((200, 15), 0.5)
    calm[0, 0] = 1000.0
    page = write_report(make(tmp_path / "run", filter_seen=calm)).read_text()
    assert "from 0.50 (no colour) to 1.0e+03" not in page


@pytest.mark.parametrize(
    ("arrays", "missing"),
    [
        ({"filter_seen": None}, "What it sees:"),
        ({"filter_seen": np.zeros((3, 3, 3))}, "What it sees:"),
        ({"filter_seen": np.zeros((10, 225))}, "What it sees:"),
        ({"filter_state": None}, "What it holds"),
        ({"delayed_r2": np.ones(1)}, "What it remembers"),
        ({"receptive_fields": np.zeros((4, 225))}, "Receptive fields"),
    ],
)
@pytest.mark.few(2)
def test_what_is_not_there_is_left_out(arrays, missing, tmp_path):
    page = write_report(make(tmp_path / "run", **arrays)).read_text()
    assert "What it makes of what it sees" in page
    assert missing not in page


def test_arrays_of_version_0_1_are_shown_under_their_names_of_today(tmp_path):
    np.savez(tmp_path / "evaluation.npz", filter_foretold=np.ones((3, 2)), filter_imagined=np.zeros((3, 2)))
    arrays, notes = read_arrays(tmp_path)
    assert set(arrays) == {"filter_predicted", "filter_generated"}
    assert not notes
