"""Pages of experiments in which objects are tracked."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.report import write_report

TRUE = np.array([[[0, 1, 2], [2, 0, 1], [1, 2, 0]]] * 2)
NAMED = np.array([TRUE[0], [[0, 1, 2], [2, 1, 0], [1, 2, 0]]])


def make(folder: Path, **arrays) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"experiment": "object-tracking", "seed": 0}))
    line = {"kind": "evaluate", "step": 100, "seconds": 1.0, "identity_accuracy": 0.8, "detection_bound": -2.0}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    kept = {
        "detections": np.random.default_rng(0).uniform(0, 1, (2, 3, 3, 2)),
        "true_objects": TRUE,
        "named_objects": NAMED,
    }
    np.savez(folder / "evaluation.npz", **{k: v for k, v in (kept | arrays).items() if v is not None})
    results = {
        "metrics": {
            "identity_accuracy": 0.8,
            "identity_hungarian": 0.7,
            "identity_nearest": 0.5,
            "identity_kalman": 0.9,
            "detection_bound": -2.0,
        },
        "bounds": {"identity_accuracy": {"best": 1.0, "chance": 1 / 3}},
        "seconds": 4.0,
        "updates": 100,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_a_run_shows_true_and_named_identities(tmp_path):
    page = write_report(make(tmp_path / "run")).read_text()
    for words in (
        "The tracks that it follows",
        "Sequence 1, not trained on: true identities.",
        "Sequence 1 as named: 6 of 6 detections after the first frame have the right name.",
        "Sequence 2 as named: 4 of 6 detections after the first frame have the right name.",
        "wrong name",
        "constant velocity and the Hungarian algorithm",
        "a Kalman filter that is given the physics",
    ):
        assert words in page, words
    assert page.count('<svg class="tracks"') == 4


@pytest.mark.parametrize(
    "arrays",
    [
        {"detections": None},
        {"named_objects": np.zeros((2, 3, 4))},
        {"detections": np.zeros((2, 3, 3, 3))},
        {"detections": np.zeros((2, 3, 2))},
    ],
)
def test_what_does_not_fit_is_left_out(arrays, tmp_path):
    page = write_report(make(tmp_path / "run", **arrays)).read_text()
    assert "The tracks that it follows" not in page and "Identities" in page
