"""A walk drawn as a map."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.temporal import change_arrays, revisits, walk
from vestige.report import write_report
from vestige.report.maps import overlay

Reader = Callable[[Path], Any]
GRID, STEPS = 3, 12


@pytest.fixture
def walked(run_folder: Path) -> Path:
    rng = np.random.default_rng(5)
    cells = np.stack([walk(rng, grid=GRID, frames=STEPS) for _ in range(2)])
    frames = rng.random((2, GRID * GRID, 8, 8))[np.arange(2)[:, None], cells]
    return change_arrays(
        run_folder, "recall_start", frames=frames, sampled=frames, continued=frames, continued_truth=frames,
        given=np.array(6), cells=cells, grid=np.array(GRID), predictable=revisits(cells),
    )  # fmt: skip


def test_the_map_is_on_the_page(walked: Path, read_page: Reader) -> None:
    page = read_page(write_report(walked))
    assert "map" in page.ids
    for title in ("As it generates it", "As it goes on", "As it is", "The walk"):
        assert title in page.text
    assert len([picture for picture in page.attributes("img") if "the map of 3 by 3" in picture["alt"]]) == 3


@pytest.mark.parametrize(
    "arrays",
    [
        {"cells": np.full((2, STEPS), GRID * GRID)},
        {"cells": np.full((2, STEPS), -1)},
        {"cells": np.zeros((2, 5), int)},
        {"cells": np.zeros(STEPS, int)},
        {"grid": np.array(1)},
        {"grid": np.zeros(2, int)},
    ],
)
@pytest.mark.few(1)
def test_what_is_no_walk_is_ignored(walked: Path, arrays: dict, read_page: Reader) -> None:
    page = read_page(write_report(change_arrays(walked, **arrays)))
    assert "map" not in page.ids
    assert "data" in page.ids


def test_overlay_is_grey_where_visits_agree_and_coloured_elsewhere() -> None:
    places = np.array([0, 0, 0, 1, 1, 3])
    frames = np.ones((6, 4, 4)) * np.array([1, 1, 1, 1, 0, 1])[:, None, None]
    pixels = overlay(frames, places, 2)
    assert pixels.shape == (9, 9, 4)
    assert pixels[0, 0].tolist() == [255, 255, 255, 255]
    assert pixels[0, 5].tolist() == [255, 0, 0, 255]  # the second visit stands for the third
    assert pixels[5, 0, 3] == 0  # never visited
    assert 0 < pixels[5, 5, 3] < 255  # visited once


def test_what_is_given_counts_once() -> None:
    places, shades = np.array([0, 0, 0, 0, 0]), np.array([1, 1, 1, 0, 1])
    frames = np.ones((5, 4, 4)) * shades[:, None, None]
    assert overlay(frames, places, 2)[0, 0, :3].tolist() == [255, 255, 255]
    assert overlay(frames, places, 2, given=3)[0, 0, :3].tolist() == [255, 0, 255]
