"""The page of a run: complete, self-contained, safe, and the same every time."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from vestige.report import write_report
from vestige.storage.fit_file import FIT, write_fit

Reader = Callable[[Path], Any]

SECTIONS = ["frames", "results", "training", "pictures", "data", "sampled", "continued", "memory", "made"]


def rewrite(path: Path, **changes) -> None:
    load, dump = (yaml.safe_load, yaml.safe_dump) if path.suffix == ".yaml" else (json.loads, json.dumps)
    path.write_text(dump({**load(path.read_text()), **changes}))


def without(folder: Path, *names: str) -> None:
    with np.load(folder / "evaluation.npz") as stored:
        kept = {name: stored[name] for name in stored.files if name not in names}
    np.savez(folder / "evaluation.npz", **kept)


def test_page_is_whole(run_folder: Path, read_page: Reader) -> None:
    path = write_report(run_folder)
    page = read_page(path)
    assert path == run_folder / "report.html"
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    assert page.attributes("html")[0]["lang"] == "en"
    assert any(meta.get("name") == "viewport" for meta in page.attributes("meta"))
    assert path.stat().st_size < 1_000_000
    assert len(list(run_folder.iterdir())) == 5  # nothing temporary is left


def test_page_stands_alone(run_folder: Path, read_page: Reader) -> None:
    page = read_page(write_report(run_folder))
    assert page.outside == []
    assert "http://" not in page.source
    assert "https://" not in page.source
    assert page.attributes("script") == []
    assert all((run_folder / link["href"]).is_file() for link in page.attributes("a"))


def test_page_is_accessible(run_folder: Path, read_page: Reader) -> None:
    page = read_page(write_report(run_folder))
    assert all(picture["alt"] for picture in page.attributes("img"))
    assert all(head.get("scope") in ("col", "row") for head in page.attributes("th"))
    assert all(figure["aria-label"] and figure["role"] == "img" for figure in page.attributes("svg"))
    assert len(page.attributes("figcaption")) == len(page.attributes("figure"))
    assert len(page.ids) == len(set(page.ids))


def test_results_are_in_the_table(run_folder: Path, read_page: Reader) -> None:
    text = read_page(write_report(run_folder)).text
    assert "Gemici et al. 2017" in text
    assert "compare the shapes" in text
    assert "121,643" in text
    assert "30,000 updates in 12 min 14 s" in text
    assert "CPU, 2 cores" in text
    assert "model.memory.slots" in text
    for value in ("76.2", "83", "8.1", "Introspective"):
        assert value in text


@pytest.mark.slow
def test_same_files_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / run_folder.name
    shutil.copytree(run_folder, copy)
    first = write_report(run_folder).read_bytes()
    assert write_report(copy).read_bytes() == first
    assert write_report(run_folder).read_bytes() == first


def test_hostile_text_is_escaped(run_folder: Path, read_page: Reader) -> None:
    hostile = "<script>alert('x')</script>"
    rewrite(run_folder / "config.yaml", title=hostile, device=hostile, options={hostile: {"a": hostile}})
    published = {"source": hostile, "note": hostile, "metrics": {hostile: {"kl_last": 1.0}}}
    published["curves"] = {"kl_per_frame": {hostile: {"3": 1.0, hostile: 2.0}}}
    rewrite(
        run_folder / "results.json",
        command=hostile, versions={hostile: hostile}, published=published, metrics={hostile: 1.0},
    )  # fmt: skip
    page = read_page(write_report(run_folder))
    assert page.attributes("script") == []
    assert "<script" not in page.source.lower()
    assert page.text.count(hostile) > 8


def test_running_run_is_marked(running_folder: Path, read_page: Reader) -> None:
    page = read_page(write_report(running_folder))
    assert "still running" in page.text and "7,000 updates are made: the run is still going on" in page.text
    assert "7,000 updates so far" in page.text
    assert "0.61" in page.text  # of the last evaluation
    assert [name for name in page.ids if name in SECTIONS] == ["results", "training", "made"]
    assert "notes" not in page.ids  # a last line that is cut short is no fault


def test_date_commit_and_data_are_on_the_page(run_folder: Path, read_page: Reader) -> None:
    data = [
        {"dataset": "digits", "sha256": {"train": "a" * 64, "test": "b" * 64}},
        {"option": "path", "path": "mine.csv", "sha256": "c" * 64},
        "damaged",
    ]
    rewrite(run_folder / "config.yaml", date="2026-11-30T10:00:00+00:00", commit="0123456789ab+", data=data, schema=2)
    text = read_page(write_report(run_folder)).text
    assert "2026-11-30T10:00:00+00:00" in text and "0123456789ab+" in text
    assert f"digits (SHA-256 test {'b' * 12}, train {'a' * 12}…)" in text and f"mine.csv (SHA-256 {'c' * 12}…)" in text
    assert "vestige run RUN/config.yaml --out NEW" in text


def test_a_run_that_nobody_writes_was_cut_short(running_folder: Path, tmp_path: Path, read_page: Reader) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(running_folder, cut)  # a copy of a lock locks nothing
    page = read_page(write_report(cut))
    assert "cut short" in page.text and "still running" not in page.text and "--resume goes on" in page.text


def test_finished_run_is_not_marked(run_folder: Path, read_page: Reader) -> None:
    assert "still running" not in read_page(write_report(run_folder)).text


def test_run_that_has_only_begun(running_folder: Path, read_page: Reader) -> None:
    (running_folder / "metrics.jsonl").write_text("")
    page = read_page(write_report(running_folder))
    assert "Nothing has been evaluated yet" in page.text
    assert "training" not in page.ids


def test_unreadable_line_in_the_middle_is_told(run_folder: Path, read_page: Reader) -> None:
    path = run_folder / "metrics.jsonl"
    path.write_text('{"kind": "tra\n' + path.read_text())
    assert "1 line could not be read" in read_page(write_report(run_folder)).text


def test_no_arrays(run_folder: Path, read_page: Reader) -> None:
    (run_folder / "evaluation.npz").unlink()
    page = read_page(write_report(run_folder))
    assert [name for name in page.ids if name in SECTIONS] == ["results", "training", "made"]
    assert page.attributes("img") == []


@pytest.mark.parametrize(
    ("missing", "section"),
    [
        (["kl_per_frame", "negative_bound_per_frame"], "frames"),
        (["frames"], "data"),
        (["sampled"], "sampled"),
        (["continued"], "continued"),
        (["frames", "sampled", "continued"], "pictures"),
        (["read_weights", "read_gates"], "memory"),
    ],
)
@pytest.mark.few(2)
def test_missing_arrays_leave_their_section_out(
    run_folder: Path, missing: list[str], section: str, read_page: Reader
) -> None:
    without(run_folder, *missing)
    page = read_page(write_report(run_folder))
    assert section not in page.ids
    assert "made" in page.ids


def test_continued_without_truth_or_repeats(run_folder: Path, read_page: Reader) -> None:
    without(run_folder, "continued_truth", "recall_start", "given")
    page = read_page(write_report(run_folder))
    assert "what really came" not in page.text
    assert "repeat earlier ones" not in page.text


def test_misshapen_array_is_left_out_and_told(run_folder: Path, read_page: Reader) -> None:
    without(run_folder, "sampled")
    with np.load(run_folder / "evaluation.npz") as stored:
        kept = {name: stored[name] for name in stored.files}
    np.savez(run_folder / "evaluation.npz", **kept, sampled=np.zeros((3, 28, 28)))
    page = read_page(write_report(run_folder))
    assert "sampled" not in page.ids
    assert "'sampled' is left out: its shape is (3, 28, 28)" in page.text


def test_broken_arrays_are_told(run_folder: Path, read_page: Reader) -> None:
    path = run_folder / "evaluation.npz"
    path.write_bytes(path.read_bytes()[:2000])
    assert "evaluation.npz could not be read" in read_page(write_report(run_folder)).text


def test_numbers_that_are_not_there(run_folder: Path, read_page: Reader) -> None:
    rewrite(run_folder / "results.json", metrics={"kl_last": None}, published={}, bounds={}, seconds=None)
    page = read_page(write_report(run_folder))
    assert page.text.count("NaN or ∞") == 2  # in the verdict and in the table
    assert "Chance" not in page.text


def test_settings_without_any_kind_of_published_curve(run_folder: Path, read_page: Reader) -> None:
    published = {"metrics": None, "curves": {"kl_per_frame": None, "kl_last": {"A": {"-": 1, "5": None}}}}
    rewrite(run_folder / "results.json", published=published, bounds={"curves": {"kl_per_frame": [1.0]}})
    assert "results" in read_page(write_report(run_folder)).ids


def test_long_sequences_and_odd_values(run_folder: Path, read_page: Reader) -> None:
    frames = np.full((1, 53, 8, 12), np.nan)
    weights = np.zeros((53, 1, 60))
    kl = np.linspace(0, 30, 53)
    np.savez(
        run_folder / "evaluation.npz",
        kl_per_frame=kl, frames=frames, read_weights=weights, read_gates=np.ones((53, 1, 1)),
    )  # fmt: skip
    page = read_page(write_report(run_folder))
    assert len(page.attributes("img")) == 11
    assert "Where the memory is read" in page.text


@pytest.mark.slow
def test_a_page_of_a_long_run_stays_small(run_folder: Path) -> None:
    line = '{{"kind": "train", "step": {0}, "seconds": {0}, "negative_bound": 80.0}}\n'
    (run_folder / "metrics.jsonl").write_text("".join(line.format(step) for step in range(1, 20_000)))
    assert write_report(run_folder).stat().st_size < 400_000


def test_a_fitted_file_has_its_verdict_first(run_folder: Path, read_page: Reader) -> None:
    table = {"title": "12 held-out steps", "headings": ["error"], "rows": [["the <b>model</b>", "0.5"], ["last", "1"]]}
    write_fit(run_folder, {"sentence": "Worth it: by 50%.", "why": ["Taken for <recordings>."], "table": table})
    page = read_page(write_report(run_folder))
    assert page.source.index("Worth it: by 50%.") < page.source.index("12 held-out steps")
    assert page.ids.index("compared") < page.ids.index("results")
    assert "the &lt;b&gt;model" in page.source and "Taken for &lt;recordings&gt;." in page.source
    write_fit(run_folder, {"sentence": "Worth it.", "table": {**table, "headings": ["error", "share"]}})
    page = read_page(write_report(run_folder))
    assert "compared" not in page.ids and "Worth it." in page.source  # of another form: the sentence alone
    (run_folder / FIT).write_text((run_folder / FIT).read_text().replace("Worth", "Not worth"))
    page = read_page(write_report(run_folder))
    assert "Not worth it." not in page.source and "fit.json" in page.source
