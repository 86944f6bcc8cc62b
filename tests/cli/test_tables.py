"""Metrics stand side by side where the terminal is wide enough, and below each other where it is not."""

import json
import re

import pytest
from tests.report.conftest import make_comparison

from vestige.cli import tables


@pytest.mark.parametrize(("wide", "across"), [(60, False), (300, True)])
def test_all_metrics_are_told(wide, across, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(wide))
    tables.print_comparison(make_comparison(tmp_path / "many"))
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("kl_fresh", "parameters", "time"))
    below = [line for line in shown.splitlines() if line.strip().startswith("kl_")]
    assert bool(below) != across
    ranges = re.findall(r"\(([\d.,]+)-([\d.,]+)\)", shown)
    assert ranges and all(low != high for low, high in ranges)
    assert max(map(len, shown.splitlines())) <= wide


@pytest.mark.parametrize("wide", [60, 300])
def test_baselines_have_a_line_of_their_own(wide, tmp_path, capsys, monkeypatch):
    """What always guessing the majority reaches is not this run's accuracy."""
    monkeypatch.setenv("COLUMNS", str(wide))
    (tmp_path / "config.yaml").write_text("experiment: stream\nseed: 0\n")
    metrics = {"accuracy": 0.91, "majority_accuracy": 0.835, "cross_entropy": None}
    (tmp_path / "results.json").write_text(json.dumps({"metrics": metrics, "published": {}, "bounds": {}}))
    tables.print_results(tmp_path)
    shown = capsys.readouterr().out
    assert "baseline" in shown and "NaN or ∞" in shown and shown.count("0.835") == 2  # in the verdict and in its line
    if wide == 300:
        line = next(line for line in shown.splitlines() if line.split()[:2] == ["this", "run"])
        assert "0.91" in line and "0.83" not in line


@pytest.mark.parametrize("wide", [45, 300])
def test_what_is_not_known_of_any_metric_has_no_line(wide, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(wide))
    (tmp_path / "config.yaml").write_text("experiment: stream\nseed: 0\n")
    results: dict = {"published": {}}
    for name, best, known in (("reward", None, False), ("reward", 1.0, True), ("accuracy", None, True)):
        results |= {"metrics": {name: 0.8}, "bounds": {name: {"best": best, "chance": 0.25}}}
        (tmp_path / "results.json").write_text(json.dumps(results))
        tables.print_results(tmp_path)
        shown = capsys.readouterr().out
        assert ("best possible" in shown) == known
        assert "chance" in shown and "0.25" in shown and "0.8" in shown


@pytest.mark.parametrize("wide", [40, 60, 80])
def test_no_word_and_no_number_is_broken(wide, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(wide))
    (tmp_path / "config.yaml").write_text("experiment: perfect-recall\nseed: 0\n")
    names = ("negative_bound", "kl_last", "kl_fresh", "kl_recall", "negative_iw_bound")
    metrics = {name: 0.00123 * 7**i for i, name in enumerate(names)}
    published = {f"{name} model": {"kl_last": 10.0 * i} for i, name in enumerate(("Introspective", "DNC", "VRNN"))}
    results = {
        "metrics": metrics,
        "published": {"metrics": published},
        "bounds": {"kl_last": {"best": 0.0, "chance": 14.13}},
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    tables.print_results(tmp_path)
    shown = capsys.readouterr().out
    words = set(shown.split())
    assert {"Introspective", "possible", "chance", "14.1", "20", "negative_iw_bound"} <= words
    assert max(map(len, shown.splitlines())) <= wide
