"""Pages of experiments that are told by a loss and by the spread of its gradient."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.report import comparison_table, results_table, write_report
from vestige.report.curves import above_zero
from vestige.report.metrics import metric, ordered

PUBLISHED = {
    "source": "somebody",
    "note": "read off",
    "metrics": {"E": {"loss": -8.3}, "E+": {"loss": -9.6}, "T+": {"loss": -9.8}, "RELAX": {"loss": -9.7}},
    "curves": {"loss": {"E": {"500": -1.7, "4000": -8.3}, "T+": {"500": -5.1, "4000": -9.8}}},
}


def make(folder: Path, *, floor: float = 0.01) -> Path:
    folder.mkdir(parents=True)
    lines = []
    for step in range(100, 4001, 100):
        values = {"loss": -10 + 9 * np.exp(-step / 900), "gradient_std": floor + np.exp(-step / 600)}
        lines.append({"kind": "train", "step": step, "seconds": step / 1e3, "loss": values["loss"] + 0.1})
        lines.append({"kind": "evaluate", "step": step, "seconds": step / 1e3, **values})
    (folder / "config.yaml").write_text(yaml.safe_dump({"experiment": "toy-matching", "seed": 0}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    np.savez(folder / "evaluation.npz", frequencies=np.eye(10) * 0.9)
    results = {
        "metrics": {"gradient_std": floor, "loss": -9.9},
        "published": PUBLISHED,
        "bounds": {"loss": {"best": -10.0, "chance": -1.0}},
        "seconds": 4.0,
        "updates": 4000,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def make_comparison(folder: Path) -> Path:
    members = {}
    for name in ("e", "e-plus", "t-plus", "relax", "relax-e"):
        make(folder / name / "seed-0")
        members[name] = {
            "metrics": {"loss": {"median": -9.9, "low": -9.9, "high": -9.9}},
            "published": PUBLISHED,
            "bounds": {"loss": {"best": -10.0, "chance": -1.0}},
            "runs": [f"{name}/seed-0"],
        }
    (folder / "results.json").write_text(json.dumps({"title": "Toy", "vary": "estimator", "members": members}))
    return folder


def test_a_run_shows_both_curves_and_its_draws(tmp_path):
    page = write_report(make(tmp_path / "run")).read_text()
    for words in ("While it learned", 'class="loss"', 'class="gradient-std"', "T+, published", "Logarithmic axis"):
        assert words in page
    assert "Loss over training, at the end −9.89." in page
    assert "Dotted: chance, −1." in page
    assert 'class="frequencies"' in page
    assert "the highest, 0.9" in page
    assert "nats" not in page


def test_draws_that_are_no_matrix_are_left_out_and_named(tmp_path):
    folder = make(tmp_path / "run")
    np.savez(folder / "evaluation.npz", frequencies=np.ones(3))
    page = write_report(folder).read_text()
    assert 'class="frequencies"' not in page
    assert "&#39;frequencies&#39; is left out" in page


@pytest.mark.filterwarnings("error")
def test_a_spread_of_nothing_draws_no_logarithm(tmp_path):
    folder = make(tmp_path / "run")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    changed = [{**line, "gradient_std": 0.0} if line["kind"] == "evaluate" else line for line in lines]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
    page = write_report(folder).read_text()
    assert 'class="loss"' in page
    assert 'class="gradient-std"' not in page
    assert above_zero({1.0: 0.0, 2.0: 3.0}) == {2.0: 3.0}


def test_a_comparison_shows_both_over_members(tmp_path):
    page = write_report(make_comparison(tmp_path / "both")).read_text()
    for words in ("Loss over training", "Gradient std over training", "Marks: published", "Logarithmic axis"):
        assert words in page


def test_published_models_are_told_apart(tmp_path):
    rows = {row.name: row.published for row in comparison_table(make_comparison(tmp_path / "both"))}
    assert rows == {
        "e": {"loss": -8.3},
        "e-plus": {"loss": -9.6},
        "t-plus": {"loss": -9.8},
        "relax": {"loss": -9.7},
        "relax-e": {},
    }


def test_the_loss_comes_first(tmp_path):
    assert [row.name for row in results_table(make(tmp_path / "run"))] == ["loss", "gradient_std"]
    assert ordered(["gradient_std", "other", "loss"]) == ["loss", "gradient_std", "other"]
    assert metric("loss").lower_is_better
    assert metric("gradient_std").lower_is_better
