"""The picture of which frame explained which, with the frames themselves at its edges."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.frame_heat import rungs
from vestige.report.heat import heat_image
from vestige.report.numbers import format_number
from vestige.report.pictures import to_bytes
from vestige.report.plot import COLOUR, Plot, svg, words
from vestige.report.provenance import provenance
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_WIDE, _NARROW = (640, 668), (420, 448)
_SHARPEST, _GAP = 32, 3  # pixels of a thumbnail and between two
_MOST = 40  # frames of which thumbnails can be made out


def explained(run: Run) -> Plot | None:
    """Row t: how much of what was read at frame t stems from each earlier frame."""
    import numpy as np

    shares = provenance(run)
    if shares is None or len(shares) < 2 or not shares.max() > 0:
        return None
    count, strongest = len(shares), float(shares.max())
    image, edge = heat_image(shares, strongest), _thumbnails(run, count)

    def draw(axes: "Axes") -> None:
        axes.grid(False)
        axes.spines["bottom"].set_visible(False)
        across, down = np.repeat(np.arange(count + 1), 2)[1:-1] - 0.5, np.repeat(np.arange(count), 2) + 0.5
        axes.fill_between(across, down, -0.5, color=COLOUR["shade"], linewidth=0)
        axes.imshow(image, aspect="auto", interpolation="none", extent=(-0.5, count - 0.5, count - 0.5, -0.5))
        room = 0.5
        if edge is not None:
            room = 0.6 + max(1.0, count / 24)
            _edges(axes, edge, -room, -0.6)
        axes.set_xticks(rungs(count, 0))
        axes.set_yticks(rungs(count, 0))
        axes.set_xlim(-room, count - 0.5)
        axes.set_ylim(count - 0.5, -room)
        words(axes, x="explained by frame", y="what is read at frame")

    reading, source = (int(at) for at in np.unravel_index(int(shares.argmax()), shares.shape))
    label = f"Share of what is read that stems from each earlier frame: highest, {format_number(strongest)}, "
    label += f"of frame {source} at frame {reading}."
    caption = "Each row is a frame; its blue squares are the earlier frames from which it got what it read, all heads "
    caption += f"together. Full colour is {format_number(strongest)}. Shaded: not yet seen."
    narrow, wide = svg("explained:narrow", label, draw, _NARROW), svg("explained:wide", label, draw, _WIDE)
    return Plot(narrow, caption, (), wide, "Which frame explained which")


def _thumbnails(run: Run, count: int) -> "np.ndarray | None":
    """The frames of the example, small and opaque, if there are as many and not too many."""
    import numpy as np

    frames = array(run, "frames")
    if frames is None or frames.shape[1] != count or count > _MOST:
        return None
    longest = max(frames.shape[2:4])
    fewer, more = max(1, -(-longest // _SHARPEST)), max(1, _SHARPEST // longest)
    seen = to_bytes(frames[0, :, ::fewer, ::fewer]).repeat(more, axis=1).repeat(more, axis=2)
    _, height, width, _ = seen.shape
    pixels = np.zeros((count, height + _GAP, width + _GAP, 4), dtype=np.uint8)  # clear between neighbours
    pixels[:, :height, :width, :3], pixels[:, :height, :width, 3] = seen, 255
    return pixels


def _edges(axes: "Axes", frames: "np.ndarray", outer: float, inner: float) -> None:
    import numpy as np

    count = len(frames)
    row, column = np.concatenate(list(frames), axis=1), np.concatenate(list(frames), axis=0)
    axes.imshow(row, aspect="auto", interpolation="none", extent=(-0.5, count - 0.5, inner, outer))
    axes.imshow(column, aspect="auto", interpolation="none", extent=(outer, inner, count - 0.5, -0.5))
