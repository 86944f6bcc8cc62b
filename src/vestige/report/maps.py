"""A walk over a map: what the model shows at each cell, visit over visit, beside the map as it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.pictures import to_bytes
from vestige.report.plot import COLOUR, Plot, svg
from vestige.report.png import png_uri
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_SIDE = 230
_VISITS = 3


@dataclass(frozen=True)
class Map:
    """A map as a picture, what it is called, and what it shows."""

    title: str
    picture: str
    caption: str
    words: str


@dataclass(frozen=True)
class Walk:
    """The maps of one walk, and its way."""

    maps: tuple[Map, ...]
    way: Plot


def walk(run: Run) -> Walk | None:
    """The first of the sequences shown, as far as it was a walk over a map."""
    import numpy as np

    cells, grid = array(run, "cells"), run.integer("grid")
    if cells is None or grid is None or grid < 2:
        return None
    places = np.round(cells[0]).astype(int)
    if places.min() < 0 or places.max() >= grid * grid:
        return None
    found = [_map(run, name, title, caption, places, grid) for name, title, caption in _captions(run)]
    maps = tuple(one for one in found if one is not None)
    return Walk(maps, _way(places, grid)) if maps else None


def overlay(frames: "np.ndarray", places: "np.ndarray", grid: int, *, given: int = 0) -> "np.ndarray":
    """`(height, width, 4)`: at each cell its first, second and third visit in red, green and blue.

    Of the visits in the first `given` frames only the first counts, so that what is generated is compared with it. The
    last visit stands for those that are missing: a cell is grey where all agree. A cell without visits is clear, and
    one with nothing to compare is faint.

    **Arguments:**

    - `frames`: one for each visit, in order.
    - `places`: the cell of each, `row * grid + column`.
    - `grid`: cells in each direction.
    - `given`: how many of the frames were given.
    """
    import numpy as np

    grey = to_bytes(frames).mean(axis=-1).round().astype(np.uint8)
    _, height, width = grey.shape
    gap = max(1, width // 14)
    pixels = np.zeros((grid * (height + gap) - gap, grid * (width + gap) - gap, 4), dtype=np.uint8)
    for cell in np.unique(places):
        visits = np.flatnonzero(places == cell)
        visits = np.concatenate([visits[:1], visits[1:][visits[1:] >= given]])[:_VISITS]
        top, left = (cell // grid) * (height + gap), (cell % grid) * (width + gap)
        shown = pixels[top : top + height, left : left + width]
        for channel in range(_VISITS):
            shown[..., channel] = grey[visits[min(channel, len(visits) - 1)]]
        shown[..., 3] = 255 if len(visits) > 1 else 90
    return pixels


def _captions(run: Run) -> list[tuple[str, str, str]]:
    given = run.integer("given") or 0
    return [
        ("frames", "As it is", "What was really there."),
        ("continued", "As it goes on", f"The first {given} frames are given, the rest of the walk is generated."),
        ("sampled", "As it generates it", "Generated along the whole walk, without having seen anything."),
    ]


def _map(run: Run, name: str, title: str, caption: str, places: "np.ndarray", grid: int) -> Map | None:
    frames = array(run, name)
    if frames is None or frames.shape[1] != len(places):
        return None
    given = (run.integer("given") or 0) if name == "continued" else 0
    said = f"{title}: the map of {grid} by {grid} cells, grey where visits to a cell agree."
    return Map(title, png_uri(overlay(frames[0], places, grid, given=given)), caption, said)


def _way(places: "np.ndarray", grid: int) -> Plot:
    import numpy as np

    # each time a little further down and right, so that the way back is not hidden by the way there
    shift = np.linspace(-0.22, 0.22, len(places))
    across, down = places % grid + shift, places // grid + shift

    def draw(axes: "Axes") -> None:
        axes.grid(False)
        for side in ("left", "right", "top", "bottom"):
            axes.spines[side].set_visible(True)
        for line in range(1, grid):
            axes.axhline(line - 0.5, color=COLOUR["grid"], linewidth=1)
            axes.axvline(line - 0.5, color=COLOUR["grid"], linewidth=1)
        axes.plot(across, down, color=COLOUR["accent"], linewidth=2.0)
        axes.plot(across[:1], down[:1], color=COLOUR["accent"], marker="o", markersize=9)
        axes.plot(across[-1:], down[-1:], color=COLOUR["s2"], marker="s", markersize=8)
        axes.set_xlim(-0.5, grid - 0.5)
        axes.set_ylim(grid - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_position((0.003, 0.003, 0.994, 0.994))

    counts = np.bincount(places)
    visited, again = int((counts > 0).sum()), int((counts > 1).sum())
    caption = f"{len(places)} frames from the dot to the square: {visited} cells, {again} of them more than once."
    return Plot(svg("walk", f"The walk. {caption}", draw, (_SIDE, _SIDE)), caption, (), None, "The walk")
