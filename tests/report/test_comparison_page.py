"""The page of a comparison."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vestige.errors import UsageError
from vestige.report import comparison_table, write_report

Reader = Callable[[Path], Any]


def change(folder: Path, **changes) -> None:
    path = folder / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def members(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())["members"]


def test_page_is_whole(comparison_folder: Path, read_page: Reader) -> None:
    page = read_page(write_report(comparison_folder))
    assert [name for name in ("results", "curves", "runs", "made") if name in page.ids] == [
        "results", "curves", "runs", "made",
    ]  # fmt: skip
    assert page.outside == []
    assert "://" not in page.source
    assert "4 members of a comparison that differ in memory alone, each trained from 3 seeds." in page.text
    assert "published 76.2" in page.text  # beside the member of that name
    assert "VRNN published" in page.text  # in a row of its own
    assert len(page.attributes("svg")) == 5
    assert len(page.attributes("b")) == 2  # kl_recall and kl_last; the others read the same for all
    assert len(page.ids) == len(set(page.ids))


def test_links_lead_to_the_runs(comparison_folder: Path, read_page: Reader) -> None:
    for run in comparison_folder.glob("*/seed-*"):
        (run / "report.html").touch()
    links = [link["href"] for link in read_page(write_report(comparison_folder)).attributes("a")]
    assert len([link for link in links if link.endswith("report.html")]) == 12
    assert all((comparison_folder / link).is_file() for link in links)


@pytest.mark.slow
def test_same_files_same_bytes(comparison_folder: Path) -> None:
    first = write_report(comparison_folder).read_bytes()
    assert write_report(comparison_folder).read_bytes() == first


def test_missing_runs_are_told(comparison_folder: Path, read_page: Reader) -> None:
    shutil.rmtree(comparison_folder / "dnc")
    page = read_page(write_report(comparison_folder))
    assert "dnc/seed-0: 'dnc/seed-0' is not a folder" in page.text
    assert str(comparison_folder) not in page.source
    assert "curves" in page.ids


def test_without_any_run_only_the_table_remains(comparison_folder: Path, read_page: Reader) -> None:
    for name in members(comparison_folder):
        shutil.rmtree(comparison_folder / name)
    page = read_page(write_report(comparison_folder))
    assert "results" in page.ids
    assert "curves" not in page.ids


@pytest.mark.slow
def test_hostile_names_and_paths(comparison_folder: Path, read_page: Reader) -> None:
    hostile = "<script>alert(1)</script>"
    paths = ["javascript:alert(1)", "../elsewhere", "/etc", hostile]
    found = members(comparison_folder)
    found[hostile] = {**found["none"], "runs": paths}
    change(comparison_folder, title=hostile, vary=hostile, command=hostile, members=found)
    page = read_page(write_report(comparison_folder))
    assert "<script" not in page.source.lower()
    assert page.outside == []
    assert "'../elsewhere' lies outside this folder" in page.text
    assert not any(".." in link["href"] for link in page.attributes("a"))


def test_table(comparison_folder: Path) -> None:
    table = comparison_table(comparison_folder)
    assert [row.name for row in table] == ["introspection", "dnc", "ntm", "none"]
    assert [row.metrics["kl_recall"].best for row in table] == [True, False, False, False]
    assert table[0].published == {"kl_last": 0.0, "negative_bound": 76.2}
    assert table[3].published == {}
    assert table[0].parameters == 121_643
    assert table[0].seconds.median == 737.2


def test_higher_is_better_where_chance_says_so(comparison_folder: Path) -> None:
    found = members(comparison_folder)
    for value, member in enumerate(found.values()):
        member["metrics"] = {"score": {"median": value, "low": None, "high": None, "values": [value] * 3}}
        member["bounds"] = {"score": {"best": 9.0, "chance": 0.0}}
    change(comparison_folder, members=found)
    assert [row.metrics["score"].best for row in comparison_table(comparison_folder)] == [False] * 3 + [True]


def test_nothing_is_marked_that_the_seeds_do_not_support(comparison_folder: Path) -> None:
    found = members(comparison_folder)
    for value, member in enumerate(found.values()):
        member["metrics"] = {"score": {"median": value, "low": None, "high": None, "values": [value]}}
        member["bounds"] = {"score": {"best": 9.0, "chance": 0.0}}
    change(comparison_folder, members=found)
    assert not any(row.metrics["score"].best for row in comparison_table(comparison_folder))


def test_empty_members(comparison_folder: Path, read_page: Reader) -> None:
    change(comparison_folder, members={"alone": {}}, command=None, versions=None)
    assert "1 member of a comparison" in read_page(write_report(comparison_folder)).text


def test_a_run_is_no_comparison(run_folder: Path) -> None:
    with pytest.raises(UsageError, match="has no members"):
        comparison_table(run_folder)
