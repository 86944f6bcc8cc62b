"""Inside the memory: addresses, the example sequence, and which frame explained which."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.conftest import FRESH, TIME
from tests.report.temporal import addresses, change_arrays
from vestige.report import write_report
from vestige.report.provenance import from_positions, from_writes, provenance
from vestige.report.run import read_run

Reader = Callable[[Path], Any]
SLOTS = 12
TITLES = {
    "example_write_weights": "Where each frame is written",
    "example_usage": "How much each slot is in use",
    "example_links": "Which slot follows which",
    "example_read_modes": "How it finds what it reads, head 2",
    "example_write_gate": "How much of each frame is written",
}


@pytest.fixture
def addressed(run_folder: Path) -> Path:
    told = addresses(np.random.default_rng(1), time=TIME, start=FRESH, slots=SLOTS)
    return change_arrays(run_folder, "read_gates", **told)


def shares(folder: Path) -> np.ndarray:
    found = provenance(read_run(folder))
    assert found is not None
    return found


@pytest.mark.slow
def test_everything_is_shown(addressed: Path, read_page: Reader) -> None:
    page = read_page(write_report(addressed))
    assert "Which slots each head reads" in page.text
    assert "steps back" not in page.text
    assert "Which frame explained which" in page.text
    assert "What is read by head 2" in page.text
    for title in TITLES.values():
        assert title in page.text
    assert "notes" not in page.ids
    assert len(page.ids) == len(set(page.ids))
    assert all(figure["aria-label"] for figure in page.attributes("svg"))
    assert len(page.attributes("figcaption")) == len(page.attributes("figure"))


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.slow
def test_each_part_may_be_missing_or_misshapen(addressed: Path, name: str, read_page: Reader) -> None:
    gone = [name, "example_allocation_gate"] if name == "example_write_gate" else [name]
    page = read_page(write_report(change_arrays(addressed, *gone)))
    assert TITLES[name] not in page.text
    assert "example" in page.ids
    page = read_page(write_report(change_arrays(addressed, **{name: np.zeros((1, 1, 1, 1))})))
    assert TITLES[name] not in page.text
    assert f"'{name}' is left out" in page.text


def test_parts_that_do_not_fit_each_other_are_ignored(addressed: Path, read_page: Reader) -> None:
    changed = {
        "example_write_weights": np.zeros((TIME, 3)),
        "example_links": np.zeros((3, 4)),
        "example_read_modes": np.zeros((TIME, 2, 5)),
        "example_write_gate": np.zeros(1),
        "frames": np.zeros((1, 3, 4, 4)),
    }
    page = read_page(write_report(change_arrays(addressed, **changed)))
    assert "Which frame explained which" not in page.text
    assert "Which slot follows which" not in page.text
    assert "How it finds" not in page.text
    assert "What is read by head 1" in page.text


def test_without_an_example_only_the_means_remain(run_folder: Path, read_page: Reader) -> None:
    page = read_page(write_report(run_folder))
    assert "memory" in page.ids
    assert "example" not in page.ids
    assert "How far back each head reads" in page.text  # what older runs meant


@pytest.mark.slow
def test_an_example_alone_is_shown(addressed: Path, read_page: Reader) -> None:
    page = read_page(write_report(change_arrays(addressed, "read_weights")))
    assert {"memory", "example"} <= set(page.ids)


@pytest.mark.parametrize("shape", [(TIME, 2, 3), (TIME, 70, 40, 3)])
@pytest.mark.slow
def test_frames_of_any_size_stand_at_the_edges(addressed: Path, shape: tuple[int, ...], read_page: Reader) -> None:
    alone = read_page(write_report(change_arrays(addressed, "frames"))).source.count("<image")
    page = read_page(write_report(change_arrays(addressed, frames=np.ones((1, *shape)))))
    assert page.source.count("<image") == alone + 4  # a row and a column, for wide and for narrow


@pytest.mark.slow
def test_infinities_and_nothing_at_all(addressed: Path, read_page: Reader) -> None:
    reads = np.full((TIME, 2, SLOTS), np.nan)
    reads[0, 0, 0] = np.inf
    strange = change_arrays(addressed, example_read_weights=reads, example_usage=np.zeros((TIME, SLOTS)))
    assert "nan" not in read_page(write_report(strange)).source.replace("nano", "")


def test_provenance_by_position() -> None:
    reads = np.array([[0.0, 0.0], [0.6, 0.4], [0.1, 0.9], [1.0, 0.0]])
    np.testing.assert_allclose(from_positions(reads), [[0, 0, 0, 0], [0.6, 0, 0, 0], [0.9, 0.1, 0, 0], [0, 0, 1.0, 0]])


def test_provenance_is_that_of_a_memory_that_is_followed_literally() -> None:
    rng = np.random.default_rng(2)
    frames, slots = 7, 4
    reads, writes = rng.random((frames, slots)), rng.dirichlet(np.ones(slots + 1), size=frames - 1)[:, :slots]
    expected = np.zeros((frames, frames))
    for frame in range(frames):
        for source in range(frame):
            kept = np.prod([1 - writes[u] for u in range(source + 1, frame)], axis=0)
            expected[frame, source] = np.sum(reads[frame] * writes[source] * kept)
    np.testing.assert_allclose(from_writes(reads, writes), expected)


def test_a_memory_tells_a_frame_later_where_it_wrote(addressed: Path) -> None:
    reads, writes = np.zeros((3, 1, 2)), np.zeros((3, 2))
    writes[1, 0] = writes[2, 1] = 1.0  # frame 0 into slot 0, frame 1 into slot 1
    reads[1, 0, 0] = reads[2, 0, 1] = 1.0
    change_arrays(addressed, example_read_weights=reads, example_write_weights=writes)
    np.testing.assert_array_equal(shares(addressed), [[0, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_several_write_heads_count_together(addressed: Path) -> None:
    told = addresses(np.random.default_rng(1), time=TIME, start=FRESH, slots=SLOTS)
    before = shares(addressed)
    halves = np.repeat(told["example_write_weights"][:, None] / 2, 2, axis=1)
    after = shares(change_arrays(addressed, example_write_weights=halves))
    np.testing.assert_allclose(after, before)
    assert before[FRESH].argmax() == 0
