"""Detections of moving objects, coloured by the object that a model names, over the true ways."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.plot import COLOUR, SERIES, SQUARE, Key, Plot, svg
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


def tracks(run: Run) -> list[Plot]:
    """Two figures a sequence: every detection in the colour of its true object, and in that of the named one."""
    places, true, named = (array(run, name) for name in ("detections", "true_objects", "named_objects"))
    if places is None or true is None or named is None or true.shape != named.shape:
        return []
    if places.ndim != 4 or places.shape != (*true.shape, 2):
        return []
    found: list[Plot] = []
    for row in range(len(places)):
        for names, kind in ((true[row], "true"), (named[row], "named")):
            found.append(_figure(row, places[row], true[row], names, kind))
    return found


def _figure(row: int, places: "np.ndarray", true: "np.ndarray", names: "np.ndarray", kind: str) -> Plot:
    import numpy as np

    colours = [COLOUR[SERIES[i % len(SERIES)]] for i in range(true.shape[1])]
    ways = np.stack([frame[np.argsort(order)] for frame, order in zip(places, true, strict=True)])
    wrong = names != true
    right, count = int((~wrong[1:]).sum()), wrong[1:].size

    def draw(axes: "Axes") -> None:
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)
        for way in np.swapaxes(ways, 0, 1):
            axes.plot(way[:, 0], way[:, 1], color=COLOUR["grid"], linewidth=1.0)
        for i, colour in enumerate(colours):
            mine = names == i
            axes.plot(places[mine][:, 0], places[mine][:, 1], color=colour, marker="o", markersize=5, linestyle="")
        for ringed, marker in ((places[wrong], "o"), (places[0], "s")):
            x, y = ringed.T
            axes.plot(x, y, color=COLOUR["ink"], marker=marker, markersize=9, linestyle="", fillstyle="none")
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_position((0.02, 0.02, 0.96, 0.96))

    if kind == "true":
        label = f"Sequence {row + 1}: {true.shape[1]} objects in {len(true)} frames, true identities."
        caption = f"Sequence {row + 1}, not trained on: true identities. Grey: true ways."
    else:
        said = f"{right} of {count} detections after the first frame have the right name"
        label = caption = f"Sequence {row + 1} as named: {said}."
    legend = (Key("first frame, names given", "ink", "□"), Key("wrong name", "ink", "○")) if kind == "named" else ()
    title = "Who is who, frame by frame" if row == 0 and kind == "true" else ""
    figure = svg(f"tracks:{row}:{kind}", label, draw, SQUARE)
    return Plot(figure, caption, legend if row == 0 else (), None, title)
