"""Pages of experiments with a long-term memory."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.report import write_report
from vestige.report.numbers import format_bytes, format_number


def make(folder: Path, *, grows: float = 1.0, **arrays) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"experiment": "recall", "seed": 0}))
    line = {"kind": "evaluate", "step": 100, "seconds": 1.0, "accuracy": 0.9}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    spans = np.array([62.0, 250.0, 1000.0, 4000.0])
    stored = 6e6 * np.array([1.0, grows])
    kept = {
        "spans": spans,
        "metric_by_span": np.array([1.0, 1.0, 0.99, 0.4]),
        "storage_spans": np.array([125.0, 1000.0]),
        "storage_bytes": stored,
        "uncertainty_steps": np.arange(0, 1002, 3),
        "uncertainty": np.where(np.arange(0, 1002, 3) > 998, 2.0, 0.01),
        "chosen_steps": np.array([1001, 12]),
        "query_steps": np.array([1000, 1001]),
    }
    np.savez(folder / "evaluation.npz", **{k: v for k, v in (kept | arrays).items() if v is not None})
    results = {
        "metrics": {"accuracy": 0.993, "backward_bytes": 6e6 * grows, "precision": 0.5},
        "bounds": {"accuracy": {"best": 1.0, "chance": 0.125}},
        "seconds": 4.0,
        "updates": 100,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_a_run_shows_how_far_it_reaches(tmp_path):
    page = write_report(make(tmp_path / "run")).read_text()
    for words in (
        "How far it reaches",
        "Accuracy by distance: 1 at 62, 1 at 250, 0.99 at 1k, 0.4 at 4k.",
        "Storage by distance: 5.72 MiB at 125, 5.72 MiB at 1k.",
        "1 of 2 chosen steps are those that need a memory.",
        "0.993",
        "Precision of the choice",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("arrays", "missing"),
    [
        ({"spans": None}, "Accuracy by distance"),
        ({"spans": np.zeros((2, 2))}, "Accuracy by distance"),
        ({"storage_bytes": np.array(["a", "b"])}, "Storage by distance"),
        ({"chosen_steps": None}, "What the memory is queried about"),
        ({"chosen_steps": np.array([0.5])}, "What the memory is queried about"),
        ({"uncertainty": np.zeros(3)}, "What the memory is queried about"),
    ],
)
def test_what_is_not_there_is_left_out(arrays, missing, tmp_path):
    page = write_report(make(tmp_path / "run", **arrays)).read_text()
    assert "How far it reaches" in page
    assert missing not in page


def test_other_experiments_have_no_such_section(tmp_path):
    folder = make(tmp_path / "run")
    (folder / "evaluation.npz").unlink()
    assert "How far it reaches" not in write_report(folder).read_text()


def test_a_comparison_draws_all_members_over_distance(tmp_path):
    members = {}
    for name, grows in (("memup", 1.0), ("bptt", 8.0)):
        make(tmp_path / name / "seed-0", grows=grows)
        members[name] = {
            "metrics": {"accuracy": {"median": 0.99, "low": 0.99, "high": 0.99}},
            "runs": [f"{name}/seed-0"],
        }
    (tmp_path / "results.json").write_text(json.dumps({"title": "Recall", "vary": "rule", "members": members}))
    page = write_report(tmp_path).read_text()
    for words in ('class="by-distance"', 'class="storage"', "Storage of an update by distance", "45.8 MiB"):
        assert words in page


@pytest.mark.parametrize(
    ("value", "text"), [(12, "12 B"), (2048, "2 KiB"), (6e6, "5.72 MiB"), (3e8, "286 MiB"), (5e9, "4.66 GiB")]
)
def test_bytes_have_a_unit(value, text):
    assert format_bytes(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.984, "0.984"), (0.993, "0.993"), (0.9996, "0.9996"), (1.0, "1")])
def test_a_part_that_is_nearly_the_whole_shows_what_it_lacks(value, text):
    assert format_number(value) == text
