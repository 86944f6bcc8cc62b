"""Many runs in one list, and what can be removed of them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from vestige.errors import UsageError
from vestige.runs.overview import differing, overview, size_of
from vestige.runs.pruning import carry_out, plan, pruned
from vestige.runs.verifying import verify
from vestige.storage.config import write_config
from vestige.storage.digests import digest_of_file
from vestige.storage.locking import FolderLock
from vestige.storage.results import write_results
from vestige.training.checkpoints import Checkpoints


def make(folder: Path, *, finished=True, steps=(10, 20, 30), planned=30, when=1000, checkpoints=True, **options):
    """The folder of a run, small and whole."""
    folder.mkdir(parents=True)
    all_options = {"steps": planned, "task.n": 5, **options}
    write_config(
        folder,
        {
            "experiment": "toy-matching",
            "preset": "small",
            "seed": 0,
            "options": {},
            "all_options": all_options,
            "init_from": options.get("init_from"),
        },
    )
    lines = [{"kind": "train", "step": step, "seconds": step / 10, "loss": 1.0} for step in steps]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if checkpoints:
        store = Checkpoints(folder / "checkpoints", fingerprint="f", keep=9)
        for step in steps:
            store.save({"at": np.full(3, step)}, step)
    if finished:
        files = {name: digest_of_file(folder / name) for name in ("config.yaml", "metrics.jsonl")}
        write_results(
            folder / "results.json",
            {
                "metrics": {"loss": -1.0},
                "metrics_train": {},
                "published": {},
                "bounds": {"loss": {"best": -5.0, "chance": -1.0}},
                "seconds": 3.5,
                "milliseconds": 1.0,
                "peak_rss_bytes": 1,
                "updates": steps[-1],
                "parameters": 25,
                "files": files,
            },
        )
    for name in ("config.yaml", "metrics.jsonl", "results.json"):
        if (folder / name).exists():
            os.utime(folder / name, (when, when))
    return folder


def left(run: Path) -> list[int]:
    return Checkpoints(run / "checkpoints", fingerprint="").steps()


def test_states_counts_and_cost(tmp_path):
    make(tmp_path / "old", when=100)
    make(tmp_path / "deep" / "er" / "cut", finished=False, planned=90, when=300)
    broken = make(tmp_path / "broken", when=200, checkpoints=False)
    (broken / "results.json").write_text("{")
    os.utime(broken / "results.json", (200, 200))
    going = make(tmp_path / "going", finished=False, when=400, checkpoints=False)
    with FolderLock(going):
        found = overview(tmp_path)
    assert [(each.path.name, each.state, each.updates, each.planned) for each in found] == [
        ("going", "running", 30, 30),
        ("cut", "cut", 30, 90),
        ("broken", "damaged", 30, 30),
        ("old", "finished", 30, 30),
    ]
    assert [each.seconds for each in found] == [3.0, 3.0, 3.0, 3.5]
    assert "results.json" in found[2].fault
    assert found[3].bytes == sum(path.stat().st_size for path in (tmp_path / "old").rglob("*") if path.is_file())
    assert size_of(tmp_path / "old" / "config.yaml") == (tmp_path / "old" / "config.yaml").stat().st_size


def test_a_comparison_comes_before_its_runs_whether_it_has_results_or_not(tmp_path):
    for whole in (True, False):
        folder = tmp_path / f"whole-{whole}"
        for n in (3, 4):
            make(folder / f"n-{n}" / "seed-0", when=100 + whole, checkpoints=False, **{"task.n": n})
        if whole:
            write_results(folder / "results.json", {"members": {}, "vary": "n", "experiment": "toy-matching"})
    os.utime(tmp_path / "whole-True" / "results.json", (500, 500))
    found = overview(tmp_path)
    kinds = [(each.path.relative_to(tmp_path).parts[0], each.kind, each.state) for each in found]
    assert kinds == [
        ("whole-True", "comparison", "finished"),
        ("whole-True", "run", "finished"),
        ("whole-True", "run", "finished"),
        ("whole-False", "comparison", "cut"),
        ("whole-False", "run", "finished"),
        ("whole-False", "run", "finished"),
    ]
    assert found[0].updates == 60 and found[0].seconds == 7.0 and found[0].options == {"vary": "n"}
    assert found[1].inside == found[0].path and found[0].inside is None


def test_a_matrix_holds_comparisons(tmp_path):
    make(tmp_path / "m" / "toy-matching" / "none" / "seed-0", checkpoints=False)
    write_results(
        tmp_path / "m" / "results.json", {"rows": [], "columns": [], "cells": {}, "metric": {}, "title": "a table"}
    )
    assert [each.kind for each in overview(tmp_path)] == ["matrix", "comparison", "run"]


def test_what_differs_is_told_of_runs_of_one_experiment(tmp_path):
    a = make(tmp_path / "a", checkpoints=False, **{"task.n": 3, "rate": 0.1})
    b = make(tmp_path / "b", checkpoints=False, **{"task.n": 4, "rate": 0.1, "new": 1})
    assert differing(overview(tmp_path)) == {a: {"task.n": 3}, b: {"task.n": 4}}


def test_a_link_is_not_followed(tmp_path):
    make(tmp_path / "there" / "a", checkpoints=False)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there")
    assert overview(tmp_path / "here") == []
    with pytest.raises(UsageError, match="is not a folder"):
        overview(tmp_path / "nothing")


def test_the_newest_checkpoint_stays_and_the_folder_verifies(tmp_path):
    run = make(tmp_path / "a")
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    found = plan(tmp_path)
    assert [(each.step, each.bytes) for each in found.removals] == [
        (step, size_of(run / "checkpoints" / str(step))) for step in (20, 10)
    ]
    assert left(run) == [30, 20, 10]  # a plan removes nothing
    assert carry_out(found) == [] and left(run) == [30]
    after = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert {name: after[name] for name in before} == before
    assert sorted(pruned(run)) == [10, 20] and set(after) - set(before) == {"pruned.json"}
    told = [found for found in verify(run) if found.path.name != "config.yaml"]
    assert all(each.sound for each in told)
    assert any(each.text == "checkpoints that were pruned: 10, 20" for each in told)
    assert plan(tmp_path).removals == []


def test_all_checkpoints_go_only_on_request_and_that_is_told(tmp_path):
    run = make(tmp_path / "a")
    found = plan(tmp_path, all_checkpoints=True)
    assert carry_out(found) == [] and left(run) == []
    told = next(each for each in verify(run) if "whose results these are" in each.text)
    assert told.sound and "was pruned on" in told.text


def test_runs_that_may_go_on_keep_all(tmp_path):
    cut = make(tmp_path / "cut", finished=False)
    going = make(tmp_path / "going")
    inner = make(tmp_path / "many" / "n-3" / "seed-0")
    with FolderLock(going), FolderLock(tmp_path / "many"):
        found = plan(tmp_path, all_checkpoints=True)
    assert found.removals == [] and len(found.kept) == 3
    assert {left(run)[-1] for run in (cut, going, inner)} == {10}
    assert any("is locked: process" in each for each in found.kept) and any(
        "the run is cut" in each for each in found.kept
    )


def test_one_that_is_locked_meanwhile_keeps_all(tmp_path):
    run = make(tmp_path / "a")
    found = plan(tmp_path)
    with FolderLock(run):
        assert len(carry_out(found)) == 1
    assert left(run) == [30, 20, 10] and pruned(run) == {}


def test_a_damaged_one_is_no_newest_one_and_is_left_to_verify(tmp_path):
    run = make(tmp_path / "a")
    (run / "checkpoints" / "30" / "manifest.json").write_text("{}")
    found = plan(tmp_path)
    assert [each.step for each in found.removals] == [10]
    assert any("checkpoint 30" in each and "--repair" in each for each in found.kept)


def test_one_with_which_another_run_begins_stays(tmp_path):
    run = make(tmp_path / "a")
    origin = {"folder": str(run), "step": 20, "digest": "d"}
    make(tmp_path / "b", finished=False, checkpoints=False, init_from=origin)
    assert [each.step for each in plan(tmp_path).removals] == [10]
