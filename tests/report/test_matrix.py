"""Several experiments by several memories: the page and the table on the terminal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.report.temporal import matrix_results
from vestige.errors import UsageError
from vestige.report import matrix_table, write_matrix, write_report
from vestige.report.matrix import matrix_rows, speeds

Reader = Callable[[Path], Any]


def printed(results: dict, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(matrix_table(results))
    return captured.get()


def test_page_is_whole(tmp_path: Path, read_page: Reader) -> None:
    results = matrix_results()
    path = write_matrix(results, tmp_path)
    page = read_page(path)
    assert path == tmp_path / "report.html"
    assert page.outside == []
    assert page.attributes("script") == []
    assert "4 tasks by 5 memories; 7 of 20 not run yet." in page.text
    assert next(link["href"] for link in page.attributes("a")) == "./perfect-recall/report.html"
    assert "published 8.2" in page.text
    assert "6.74 to 7.46" in page.text
    assert len(page.attributes("b")) == 3  # the row of a single memory has no best
    assert page.text.count("–") >= 7
    assert "7.63 ×" in page.text and "124,715" in page.text
    assert len([cell for cell in page.attributes("td") if "--good" in cell.get("style", "")]) == 12
    assert all(head.get("scope") in ("col", "row") for head in page.attributes("th"))


def test_the_page_can_be_made_again_from_its_folder(tmp_path: Path) -> None:
    results = matrix_results()
    (tmp_path / "results.json").write_text(json.dumps(results))
    first = write_matrix(results, tmp_path).read_bytes()
    assert write_report(tmp_path).read_bytes() == first


def test_rows_tell_how_good_and_which_is_best() -> None:
    rows = {row.name: row for row in matrix_rows(matrix_results())}
    assert [cell is not None and cell.best for cell in rows["parity"].cells] == [False, True, False, False, False]
    assert [cell is not None and cell.best for cell in rows["map"].cells] == [False, False, False, True, False]
    assert [round(cell.good, 2) if cell and cell.good is not None else None for cell in rows["parity"].cells] == [
        0.04, 0.91, 0.43, 0.66, None,
    ]  # fmt: skip
    assert rows["rooms"].cells[0] is not None and rows["rooms"].cells[0].good is None
    assert rows["rooms"].cells[1:] == (None,) * 4
    assert rows["map"].link == "map/report.html"


def test_better_than_ideal_and_worse_than_chance_are_the_ends() -> None:
    results = matrix_results()
    results["cells"]["perfect-recall"]["none"]["median"] = 70.0
    results["cells"]["perfect-recall"]["ntm"]["median"] = -0.1
    cells = matrix_rows(results)[0].cells
    assert [cell.good for cell in cells if cell][::2] == [0.0, 1.0]


@pytest.mark.parametrize(
    "broken",
    [
        {"cells": None},
        {"cells": {"parity": {"none": {"median": None}, "ntm": 3.0, "dnc": None}}},
        {"speed": None, "command": None, "versions": None, "title": None},
        {"metric": None},
        {"rows": [], "columns": []},
        {"speed": {"ntm": {"ratio": "fast"}, "dnc": {"milliseconds": 2.0}}},
    ],
)
def test_whatever_is_missing_is_left_out(tmp_path: Path, broken: dict, read_page: Reader) -> None:
    results = {**matrix_results(), **broken}
    assert "results" in read_page(write_matrix(results, tmp_path)).ids
    assert printed(results)


def test_nothing_at_all(tmp_path: Path, read_page: Reader) -> None:
    assert "results" in read_page(write_matrix({}, tmp_path)).ids
    assert speeds({}) == []


def test_hostile_names_and_links(tmp_path: Path, read_page: Reader) -> None:
    hostile = "<script>[red]</script>"
    results = matrix_results()
    results.update(title=hostile, columns=[hostile], rows=[hostile, "b"], metric={hostile: hostile})
    cell = {"median": 1.0, "low": 1.0, "high": 1.0}
    results["cells"] = {
        hostile: {hostile: {**cell, "link": "javascript:alert(1)"}}, "b": {hostile: {**cell, "link": "../x"}},
    }  # fmt: skip
    page = read_page(write_matrix(results, tmp_path))
    assert "<script" not in page.source.lower()
    assert page.outside == []
    assert not any(".." in link["href"] for link in page.attributes("a"))
    assert "[red]" in printed(results)


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        write_matrix(matrix_results(), tmp_path / "nowhere")


def test_table_on_the_terminal() -> None:
    text = printed(matrix_results())
    for word in ("Which memory remembers what", "perfect-recall", "kl_last", "p 8.2", "0.93", "7.63 ×", "–"):
        assert word in text
    assert "6.74-7.46" in text
