"""`vestige runs` and `vestige runs prune`."""

import json

import pytest
from tests.runs.test_overview import left, make

from vestige.storage.results import write_results


@pytest.fixture
def two(tmp_path):
    make(tmp_path / "runs" / "first", when=100, **{"task.n": 3})
    make(tmp_path / "runs" / "second", when=200, finished=False, planned=90, **{"task.n": 4})
    return tmp_path / "runs"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_list_tells_what_how_far_how_good_and_at_what_cost(run, two, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run("runs")
    assert code == 0 and max(map(len, out.splitlines())) <= width
    words = " ".join(out.split())
    assert words.startswith("runs/second cut toy-matching, small, seed 0; 30 of 90 updates; 0:03;")
    assert "runs/first finished" in words and "steps=30, task.n=3" in words and "chance" in words
    assert "2 runs in runs: 1 cut;" in words


def test_quiet_json_and_a_page(run, two, tmp_path):
    assert run("runs", "-q")[1].splitlines() == ["cut       runs/second", "finished  runs/first"]
    code, out, err = run("runs", two, "--json", "--html", "index.html")
    told = json.loads(out)["runs"]
    assert code == 0 and [each["state"] for each in told] == ["cut", "finished"]
    assert told[1]["differing"] == {"steps": 30, "task.n": 3} and "chance" in told[1]["verdict"]["sentence"]
    assert "index.html" in err
    page = (tmp_path / "index.html").read_text()
    assert "first" in page and "task.n=4" in page and "<script" not in page
    (two / "first" / "report.html").write_text("page")
    assert run("runs", "--html", "index.html")[0] == 0
    assert 'href="runs/first/report.html"' in (tmp_path / "index.html").read_text()


def test_members_of_a_comparison_are_listed_on_request(run, tmp_path):
    for n in (3, 4):
        make(tmp_path / "many" / f"n-{n}" / "seed-0", checkpoints=False, **{"task.n": n})
    assert "seed-0" not in run("runs", ".")[1] and "1 comparison" in run("runs", ".")[1]
    assert run("runs", ".", "--all")[1].count("seed-0") == 2


def test_a_study_is_one_line_and_its_trials_are_within(run, tmp_path):
    for n in (0, 1):
        make(tmp_path / "tuned" / f"trial-000{n}", checkpoints=False, **{"task.n": 3 + n})
    (tmp_path / "tuned" / "study.journal").write_text("{}\n")
    code, out, _ = run("runs", ".")
    assert code == 0 and "trial-0001" not in out and "tuned  cut" in out and "1 study" in out
    write_results(
        tmp_path / "tuned" / "study.json", {"kind": "study", "metric": "loss", "space": {"task.n": "3:4"}, "trials": []}
    )
    out = run("runs", ".", "--all")[1]
    assert "tuned  finished" in out and "study of toy-matching" in out and "space=task.n" in out and "trial-0001" in out
    (tmp_path / "tuned" / "study.json").write_text("{")
    assert "tuned  damaged" in run("runs", ".")[1]


def test_a_folder_without_runs(run, tmp_path):
    code, out, _ = run("runs")
    assert code == 0 and out == "No runs in '.'.\n"
    code, _, err = run("runs", "prun")
    assert code == 2 and "Did you mean 'prune'" in err


def test_pruning_shows_asks_and_removes(run, two, monkeypatch):
    first, second = two / "first", two / "second"
    code, out, _ = run("runs", "prune", "--dry-run")
    assert code == 0 and "runs/first/checkpoints/20" in out and "would be removed" in out
    assert "kept: runs/second: the run is cut" in out
    code, _, err = run("runs", "prune")
    assert code == 2 and "pass --yes" in err and len(left(first)) == 3
    code, out, _ = run("runs", "prune", "--yes", "--json")
    told = json.loads(out)
    assert code == 0 and told["removed"] and [each["path"][-2:] for each in told["checkpoints"]] == ["20", "10"]
    assert left(first) == [30] and left(second) == [30, 20, 10]
    assert "Nothing to remove" in run("runs", "prune", "--yes")[1]


def test_compiled_programs_go_on_request(run, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    for name in ("a-cache", "a-atime", "mine.txt"):
        (cache / name).write_text("x" * 10)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(cache))
    assert "Nothing to remove" in run("runs", "prune", ".", "--yes")[1]
    assert "2 files, 20 bytes" in run("runs", "prune", ".", "--yes", "--programs")[1]
    assert [path.name for path in cache.iterdir()] == ["mine.txt"]
