"""Sequences of frames as pictures: in colour, and marked by what is known of each frame."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from tests.report.temporal import change_arrays, revisits, room, walk
from vestige.report import write_report
from vestige.report.pictures import pieces, side_by_side
from vestige.report.png import png_uri

Reader = Callable[[Path], Any]
TIME = 30


def decoded(address: str) -> np.ndarray:
    return np.round(255 * matplotlib.image.imread(io.BytesIO(base64.b64decode(address.split(",")[1])), format="png"))


@pytest.fixture
def rooms(run_folder: Path) -> Path:
    rng = np.random.default_rng(3)
    frames = np.stack([room(rng, frames=TIME) for _ in range(4)])
    known = np.tile(np.arange(TIME) >= 12, (4, 1))
    known[1, 12] = False
    return change_arrays(
        run_folder, "recall_start", "kl_per_frame", "read_weights", "read_gates",
        frames=frames, sampled=frames, continued=frames, continued_truth=frames, given=np.array(15), predictable=known,
    )  # fmt: skip


def bars(page: Any) -> list[str]:
    return [span["class"].split()[1] for span in page.attributes("span") if span.get("class", "").startswith("bar ")]


def test_pixels_keep_their_colours() -> None:
    frames = np.random.default_rng(0).random((2, 3, 4, 3))
    seen = decoded(png_uri(side_by_side(frames, 2)))
    assert seen.shape == (3, 10, 4)
    np.testing.assert_array_equal(seen[:, :4, :3], np.round(255 * frames[0]))
    np.testing.assert_array_equal(seen[:, 4], 0)  # a clear gap
    grey = decoded(png_uri(side_by_side(frames[..., 0], 2)))
    np.testing.assert_array_equal(grey[:, 5:9, 0], np.round(255 * frames[1, ..., 0]))


def test_colour_and_grey_fill_the_same_pieces() -> None:
    kinds = ["fresh"] * 7
    for shape in ((7, 4, 4), (7, 4, 4, 3)):
        cut = pieces([("a", np.zeros(shape))], kinds)
        assert [len(piece.frames) for piece in cut] == [5, 2]
        assert decoded(cut[1].rows[0][0]).shape[:2] == (4, 25)


@pytest.mark.slow
def test_what_was_predicted_stands_above_what_came(run_folder: Path, read_page: Reader) -> None:
    frames = np.random.default_rng(0).random((1, 7, 4, 4))
    folder = change_arrays(run_folder, "recall_start", frames=frames, predicted=frames)
    page = read_page(write_report(folder))
    assert "What it predicts" in page.text and "predicted sequence" in page.source
    folder = change_arrays(run_folder, frames=frames, predicted=frames[:, :5])  # not of the same film
    assert "What it predicts" not in read_page(write_report(folder)).text


def test_frames_in_colour_are_shown_and_marked(rooms: Path, read_page: Reader) -> None:
    page = read_page(write_report(rooms))
    assert {"data", "sampled", "continued"} <= set(page.ids)
    assert "notes" not in page.ids
    assert "known to a perfect memory" in page.text
    shown = bars(page)[2:]  # after the legend
    assert shown[:TIME] == ["fresh"] * 12 + ["repeat"] * 18
    assert "anew" not in shown


def test_what_is_generated_freely_is_not_marked(rooms: Path, read_page: Reader) -> None:
    page = read_page(write_report(rooms))
    sampled = page.source[page.source.index('id="sampled"') : page.source.index('id="continued"')]
    assert "bar repeat" not in sampled


def test_on_a_walk_the_generated_is_known_or_new(rooms: Path, read_page: Reader) -> None:
    cells = np.stack([walk(np.random.default_rng(n), grid=4, frames=TIME) for n in range(4)])
    page = read_page(write_report(change_arrays(rooms, cells=cells, predictable=revisits(cells))))
    assert "generated, new" in page.text
    assert "a place looks the same" in page.text
    assert {"given", "generated", "anew", "fresh", "repeat"} == set(bars(page))


@pytest.mark.slow
def test_marks_that_do_not_fit_are_ignored(rooms: Path, read_page: Reader) -> None:
    for flags in (np.ones((4, 7), bool), np.ones((2, TIME), bool), np.zeros((4, TIME), bool)):
        page = read_page(write_report(change_arrays(rooms, predictable=flags)))
        assert "perfect memory" not in page.text
        assert "data" in page.ids


def test_a_fifth_axis_must_be_of_colours(rooms: Path, read_page: Reader) -> None:
    page = read_page(write_report(change_arrays(rooms, sampled=np.zeros((2, 3, 4, 4, 2)))))
    assert "sampled" not in page.ids
    assert "not one of 4 or 5 axes, the fifth of 3 colours" in page.text
