"""The rows that the page and the terminal share."""

import json
from pathlib import Path

from vestige.report import results_table, write_report
from vestige.report.metrics import lower_is_better, metric, shared_unit


def test_rows_of_a_finished_run(run_folder: Path) -> None:
    rows = {row.name: row for row in results_table(run_folder)}
    assert list(rows)[:4] == ["kl_recall", "kl_fresh", "kl_last", "negative_bound"]
    ours = json.loads((run_folder / "results.json").read_text())["metrics"]
    assert {name: row.ours for name, row in rows.items()} == ours
    assert rows["kl_last"].published == {
        "Introspective": 0.0,
        "DNC": 0.5,
        "NTM": 0.5,
        "LRU": 5.5,
        "VRNN": 8.2,
    }
    assert rows["kl_recall"].published["VRNN"] is None
    assert (rows["kl_recall"].best, rows["kl_recall"].chance) == (0.0, 8.1)
    assert (rows["kl_fresh"].best, rows["kl_fresh"].chance) == (8.1, None)
    assert all(row.label and row.explanation for row in rows.values())


def test_rows_of_a_running_run_are_those_of_its_last_evaluation(running_folder: Path) -> None:
    rows = results_table(running_folder)
    lines = (running_folder / "metrics.jsonl").read_text().splitlines()[:-1]
    last = [line for line in map(json.loads, lines) if line["kind"] == "evaluate"][-1]
    assert {row.name: row.ours for row in rows} == {
        k: v for k, v in last.items() if k not in ("kind", "step", "seconds")
    }
    assert all(row.published == {} for row in rows)


def test_unknown_metrics_follow_the_known_ones(run_folder: Path) -> None:
    path = run_folder / "results.json"
    results = json.loads(path.read_text())
    path.write_text(json.dumps({**results, "metrics": {"parity_accuracy": 0.9, "kl_last": None}}))
    rows = results_table(run_folder)
    assert [row.name for row in rows] == [
        "kl_recall", "kl_fresh", "kl_last", "negative_bound", "parity_accuracy",
    ]  # fmt: skip
    assert [row.ours for row in rows] == [None, None, None, None, 0.9]
    assert rows[4].label == "Parity accuracy"


def test_a_baseline_is_never_a_result_and_nan_is_called_so(run_folder: Path) -> None:
    path = run_folder / "results.json"
    results = json.loads(path.read_text())
    metrics = {"kl_last": None, "sensory_mse": 0.5, "mse_ratio": 1.9}
    path.write_text(json.dumps({**results, "metrics": metrics}))
    rows = {row.name: row for row in results_table(run_folder)}
    assert (rows["sensory_mse"].ours, rows["sensory_mse"].baselines) == (None, {"each step alone": 0.5})
    assert (rows["mse_ratio"].ours, rows["mse_ratio"].baseline) == (1.9, None)
    assert rows["kl_last"].undefined and not rows["kl_recall"].undefined and not rows["sensory_mse"].undefined
    page = write_report(run_folder).read_text()
    assert "Baselines" in page and "NaN or ∞" in page


def test_baselines_and_constants_stand_in_the_row_of_their_metric(run_folder: Path) -> None:
    path = run_folder / "results.json"
    metrics = {"frame_error": 0.2, "repeat_error": 0.4, "linear_error": 0.3, "mse_readout": 1.0, "kalman_mse": 0.5}
    metrics |= {"log_likelihood": -1.0, "constant_log_likelihood": -3.0, "independent_log_likelihood": -2.0}
    path.write_text(json.dumps({**json.loads(path.read_text()), "metrics": metrics, "published": {}, "bounds": {}}))
    rows = {row.name: row for row in results_table(run_folder)}
    assert list(rows) == ["mse_readout", "frame_error", "log_likelihood"]
    assert rows["frame_error"].baselines == {"the last frame again": 0.4, "linear regression": 0.3}
    assert (rows["frame_error"].baseline, rows["log_likelihood"].baseline) == (0.3, -2.0)  # the strongest
    assert (rows["mse_readout"].best, rows["mse_readout"].baselines) == (0.5, {})
    assert rows["frame_error"].texts["linear regression"] == "0.3"


def test_a_unit_is_told_only_where_all_share_it() -> None:
    assert shared_unit(["kl_last", "negative_iw_bound"]) == "nats"
    assert shared_unit(["kl_last", "parity_accuracy"]) == ""
    assert shared_unit(["parity_accuracy"]) == ""
    assert shared_unit([]) == ""


def test_metrics_of_the_temporal_tasks_are_explained() -> None:
    names = ["kl_revisit", "kl_cue", "parity_accuracy", "revisit_coherence", "elsewhere_coherence", "negative_iw_bound"]
    assert all(metric(name).explanation for name in names)
    assert [lower_is_better(name) for name in names] == [True, True, False, False, None, True]
