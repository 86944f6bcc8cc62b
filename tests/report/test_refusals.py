"""What is refused, in which words, and what importing costs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vestige.errors import RunError, UsageError
from vestige.report import results_table, write_report


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'.*nowhere' is not a folder"):
        write_report(tmp_path / "nowhere")


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a run folder: it has no config\.yaml"):
        write_report(tmp_path)


def test_folder_without_metrics(running_folder: Path) -> None:
    (running_folder / "metrics.jsonl").unlink()
    with pytest.raises(UsageError, match=r"both metrics\.jsonl and results\.json are missing"):
        results_table(running_folder)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.yaml", "a: [", r"config\.yaml cannot be read as YAML"),
        ("config.yaml", "- 1", r"config\.yaml cannot be read as YAML: it must hold names and values"),
        ("results.json", "{", r"results\.json cannot be read as JSON"),
        ("results.json", "[]", r"results\.json cannot be read as JSON: it must hold an object"),
        ("results.json", '{"members": []}', "members is \\[\\]"),
    ],
)
def test_broken_files_are_named(run_folder: Path, name: str, text: str, message: str) -> None:
    (run_folder / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        write_report(run_folder)


@pytest.mark.parametrize("target", ["nowhere", "results.json"])
def test_results_that_are_a_link_to_nothing_are_no_run_that_goes_on(run_folder: Path, target: str) -> None:
    (run_folder / "results.json").unlink()
    (run_folder / "results.json").symlink_to(target)
    with pytest.raises(UsageError, match=r"results\.json (is a symbolic link|cannot be read|does not exist)"):
        write_report(run_folder)


def test_a_folder_in_the_place_of_the_page_is_set_aside(run_folder: Path) -> None:
    (run_folder / "report.html").mkdir()
    assert write_report(run_folder).is_file()
    assert (run_folder / "report.html.damaged-1").is_dir()


@pytest.mark.slow
def test_an_older_page_survives_a_failure(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = write_report(run_folder)
    before = page.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RunError, match="disk full"):
        write_report(run_folder)
    assert page.read_bytes() == before
    assert not list(run_folder.glob(".*.partial"))


def test_importing_is_cheap() -> None:
    heavy = ("jax", "numpy", "matplotlib", "jinja2", "yaml")
    code = f"import sys, vestige.report; print([name for name in {heavy} if name in sys.modules])"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": paths}
    )
    assert done.stdout.strip() == "[]"


def test_drawing_leaves_matplotlib_as_it_was(run_folder: Path) -> None:
    import matplotlib

    before = matplotlib.rcParams.copy()
    write_report(run_folder)
    assert matplotlib.rcParams.copy() == before
