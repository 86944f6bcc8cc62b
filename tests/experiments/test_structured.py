"""Structures as latents of networks: what is never shown is found."""

import dataclasses

import numpy as np
import pytest

from vestige.experiments import CATALOGUE
from vestige.report import write_report
from vestige.runs import execute
from vestige.tasks.text.specs import ParenthesesSpec

pytestmark = pytest.mark.slow


@pytest.mark.exhaustive
def test_the_tree_behind_a_layout_is_found(tmp_path, how):
    """Far above chance after some updates, although no update sees an edge."""
    entry = CATALOGUE["graph-layout"]
    small = dataclasses.replace(entry.preset("small"), steps=500, num_evals=1, eval_size=128)
    results = execute(entry, small, seed=0, folder=tmp_path / "run", **how)
    metrics, bounds = results["metrics"], results["bounds"]
    assert metrics["edge_precision"] == metrics["edge_recall"] > 0.8 > bounds["edge_precision"]["chance"]
    assert metrics["elbo"] > bounds["elbo"]["chance"] + 1000
    assert metrics["iw_elbo"] > metrics["elbo"]
    arrays = np.load(tmp_path / "run" / "evaluation.npz")
    assert arrays["ways"].shape == (3, 10, 5, 2) and arrays["drawn_edges"].shape == (3, 5, 5)
    assert np.all(arrays["drawn_edges"].sum(axis=(1, 2)) == 8)
    assert "The graphs behind it" in write_report(tmp_path / "run").read_text()


@pytest.mark.exhaustive
def test_objects_are_followed_better_than_by_constant_velocity(tmp_path, how):
    """After a third of the preset's updates, although no update sees who is who after the first frame."""
    entry = CATALOGUE["object-tracking"]
    small = dataclasses.replace(entry.preset("small"), steps=700, num_evals=1)
    results = execute(entry, small, seed=0, folder=tmp_path / "run", **how)
    metrics, bounds = results["metrics"], results["bounds"]
    assert metrics["identity_accuracy"] > metrics["identity_hungarian"] + 0.02
    assert metrics["identity_hungarian"] > metrics["identity_nearest"] > bounds["identity_accuracy"]["chance"]
    assert -2.5 > metrics["detection_bound"] == pytest.approx(metrics["detection_bound_matched"], abs=1e-5)
    assert "The tracks that it follows" in write_report(tmp_path / "run").read_text()


@pytest.mark.exhaustive
def test_brackets_are_learned_along_a_tree(tmp_path, how):
    """Of three pairs: below what is reached without looking at other tokens, above what is possible."""
    entry = CATALOGUE["parentheses"]
    small = entry.preset("small").replace("task", ParenthesesSpec(3))
    small = dataclasses.replace(small, steps=400, num_evals=1, eval_size=64)
    results = execute(entry, small, seed=0, folder=tmp_path / "run", **how)
    metrics, best = results["metrics"], results["bounds"]["perplexity"]["best"]
    assert best == pytest.approx(5 ** (1 / 6)) == metrics["perplexity_best"]
    assert best < metrics["perplexity_exact"] < 1.05 * best
    assert metrics["perplexity_exact"] < metrics["perplexity_elbo"] < 1.1 * best
    assert metrics["balanced"] > 0.8 > results["bounds"]["balanced"]["chance"]
    arrays = np.load(tmp_path / "run" / "evaluation.npz")
    assert arrays["order_words"].shape == arrays["order_parents"].shape == (4, 6)
    assert "The order of generation" in write_report(tmp_path / "run").read_text()
