"""Graphs that a model has inferred from movement, over the places of their nodes, beside the true ones."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, SQUARE, Key, Plot, svg
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_LEGEND = (
    Key("drawn, and there", "accent", "━"),
    Key("drawn, not there", "s2", "━"),
    Key("there, not drawn", "muted", "╌"),
)
_DASHED = (0, (4, 3))


def graphs(run: Run) -> list[Plot]:
    """One figure a layout: the ways of its nodes with the edges of one draw, and how often each edge is drawn."""
    ways, true, drawn = (array(run, name) for name in ("ways", "true_edges", "drawn_edges"))
    if ways is None or true is None or drawn is None or true.shape != drawn.shape:
        return []
    if ways.shape[-1] != 2 or ways.shape[:1] + ways.shape[2:3] * 2 != true.shape:
        return []
    often = array(run, "edge_frequencies")
    if often is None or often.shape != true.shape:
        often = None
    return [
        _graph(place, ways[place], true[place] > 0.5, drawn[place] > 0.5, None if often is None else often[place])
        for place in range(len(ways))
    ]


def _graph(place: int, ways: "np.ndarray", true: "np.ndarray", drawn: "np.ndarray", often: "np.ndarray | None") -> Plot:
    import numpy as np

    there, found = true | true.T, drawn | drawn.T
    pairs = [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(there | found, 1)), strict=True)]
    end = ways[-1]

    def draw(axes: "Axes") -> None:
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines["bottom"].set_visible(False)
        for node in range(ways.shape[1]):
            axes.plot(ways[:, node, 0], ways[:, node, 1], color=COLOUR["grid"], linewidth=1.0)
        for i, j in pairs:
            colour = COLOUR["accent" if there[i, j] else "s2"] if found[i, j] else COLOUR["muted"]
            style = "-" if found[i, j] else _DASHED
            axes.plot(end[[i, j], 0], end[[i, j], 1], color=colour, linewidth=2.0, linestyle=style)
        axes.plot(end[:, 0], end[:, 1], color=COLOUR["ink"], marker="o", markersize=6, linestyle="", clip_on=False)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_position((0.02, 0.02, 0.96, 0.96))

    right, count, edges = (int(np.triu(x, 1).sum()) for x in (there & found, found, there))
    said = f"{right} of {edges} true edges are drawn, among {count} that are drawn in all."
    caption = f"Layout {place + 1}, not trained on. {said} Grey: the ways of the nodes to their last places."
    if often is not None and there.any() and not there.all():
        others = ~there & ~np.eye(len(there), dtype=bool)
        caption += f" Over many draws a true edge is drawn with frequency {format_number(float(often[there].mean()))}"
        caption += f", another pair with {format_number(float(often[others].mean()) if others.any() else 0.0)}."
    figure = svg(f"graph:{place}", f"Graph of {len(end)} nodes: {said}", draw, SQUARE)
    return Plot(figure, caption, _LEGEND if place == 0 else (), None, "Edges that it infers" if place == 0 else "")
