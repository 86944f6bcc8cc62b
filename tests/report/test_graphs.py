"""Pages of experiments in which a graph is inferred."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.report import write_report

PATH = np.eye(4, k=1) + np.eye(4, k=-1)
STAR = np.zeros((4, 4))
STAR[0, 1:] = STAR[1:, 0] = 1


def make(folder: Path, **arrays) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"experiment": "graph-layout", "seed": 0}))
    line = {"kind": "evaluate", "step": 100, "seconds": 1.0, "edge_precision": 0.5, "elbo": -1500.0}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    kept = {
        "ways": np.random.default_rng(0).uniform(-1, 1, (2, 5, 4, 2)),
        "true_edges": np.stack([PATH, PATH]),
        "drawn_edges": np.stack([PATH, STAR]),
        "edge_frequencies": np.stack([PATH * 0.75, STAR * 0.5]),
    }
    np.savez(folder / "evaluation.npz", **{k: v for k, v in (kept | arrays).items() if v is not None})
    results = {
        "metrics": {"edge_precision": 0.5, "edge_recall": 0.5, "elbo": -1490.0, "prediction_nll": 1470.0},
        "bounds": {"edge_precision": {"best": 1.0, "chance": 0.5}},
        "seconds": 4.0,
        "updates": 100,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_a_run_shows_the_graphs_that_it_draws(tmp_path):
    page = write_report(make(tmp_path / "run")).read_text()
    for words in (
        "The graphs behind it",
        "Graph of 4 nodes: 3 of 3 true edges are drawn, among 3 that are drawn in all.",
        "Graph of 4 nodes: 1 of 3 true edges are drawn, among 3 that are drawn in all.",
        "Over many draws a true edge is drawn with frequency 0.75",
        "there, not drawn",
        "Edge precision",
        "Evidence bound",
    ):
        assert words in page, words
    assert page.count('<svg class="graph"') == 2


def test_an_arc_is_an_edge(tmp_path):
    page = write_report(make(tmp_path / "run", drawn_edges=np.stack([np.triu(PATH)] * 2))).read_text()
    assert page.count("3 of 3 true edges are drawn, among 3 that are drawn in all.") == 4  # said and written


@pytest.mark.parametrize(
    "arrays",
    [
        {"ways": None},
        {"true_edges": None},
        {"drawn_edges": np.zeros((2, 3, 3))},
        {"ways": np.zeros((2, 5, 4, 3))},
        {"ways": np.zeros((3, 5, 4, 2))},
        {"ways": np.zeros((2, 5, 4))},
    ],
)
def test_what_does_not_fit_is_left_out(arrays, tmp_path):
    page = write_report(make(tmp_path / "run", **arrays)).read_text()
    assert "The graphs behind it" not in page and "Edge precision" in page


def test_without_frequencies_they_are_not_told(tmp_path):
    page = write_report(make(tmp_path / "run", edge_frequencies=np.zeros((2, 3, 3)))).read_text()
    assert "The graphs behind it" in page and "Over many draws" not in page
