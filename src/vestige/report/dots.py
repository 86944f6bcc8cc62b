"""Values side by side: a row for each, its single results as dots, with the levels that all are read against."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestige.report.numbers import format_alike
from vestige.report.plot import COLOUR, Plot, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 34  # pixels


@dataclass(frozen=True)
class Dots:
    """A row: its name, its single values with their median first, and the name of its colour."""

    name: str
    middle: float
    values: tuple[float, ...] = ()
    colour: str = "s1"


def dot_plot(
    name: str, title: str, unit: str, rows: Sequence[Dots], levels: Sequence[tuple[str, float]], caption: str
) -> Plot:
    """The plot of some rows.

    **Arguments:**

    - `name`: keeps the ids of the figure apart. `title`, `caption`: of the figure. `unit`: of the axis.
    - `rows`: from above to below.
    - `levels`: names and values that are drawn as lines across all rows: chance, the best possible.
    """
    texts = format_alike([*(row.middle for row in rows), *(value for _, value in levels)])
    spoken = "; ".join(f"{row.name} {text}" for row, text in zip(rows, texts, strict=False))
    spoken += "".join(f"; {level} {text}" for (level, _), text in zip(levels, texts[len(rows) :], strict=True))

    def draw(axes: "Axes") -> None:
        width = axes.bbox.width
        found = [value for row in rows for value in (row.middle, *row.values)] + [value for _, value in levels]
        low, high = min(found), max(found)
        room = (high - low or abs(high) or 1.0) * 0.06
        axes.set_xlim(low - room, high + room)
        axes.set_ylim(-0.55, len(rows) - 0.35)
        axes.grid(visible=False)
        axes.set_yticks([])
        for place, (level, value) in enumerate(sorted(levels, key=lambda each: each[1])):
            axes.axvline(value, color=COLOUR["muted"], linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
            right = value > (low + high) / 2 if len(levels) != 2 else place == 1
            axes.annotate(
                level, (value, 1.0), xycoords=("data", "axes fraction"), xytext=(-3 if right else 3, 4),
                textcoords="offset points", ha="right" if right else "left", va="bottom", color=COLOUR["muted"],
            )  # fmt: skip
        for place, (row, text) in enumerate(zip(rows, texts, strict=False)):
            y, colour = len(rows) - 1 - place, COLOUR[row.colour]
            axes.axhline(y - 0.12, color=COLOUR["grid"], linewidth=0.8, zorder=0)
            if len(row.values) > 1:
                axes.plot([min(row.values), max(row.values)], [y - 0.12] * 2, color=colour, linewidth=2.0, alpha=0.45)
                style = {"linestyle": "none", "marker": "o", "markersize": 4.5, "markeredgewidth": 0, "alpha": 0.55}
                axes.plot(row.values, [y - 0.12] * len(row.values), color=colour, **style)
            axes.plot([row.middle], [y - 0.12], color=colour, marker="o", markersize=9, markeredgewidth=0, zorder=3)
            spot = {"transform": axes.get_yaxis_transform(), "color": COLOUR["ink"], "va": "bottom"}
            spot["bbox"] = {"facecolor": COLOUR["paper"], "edgecolor": "none", "pad": 1.0}
            axes.text(-44 / width, y + 0.14, f"{row.name}  {text}", **spot)
        axes.set_xlabel(unit, loc="right", labelpad=3)

    height = 90 + ROW * len(rows)
    narrow, wide = svg(f"{name}:narrow", spoken, draw, (420, height)), svg(f"{name}:wide", spoken, draw, (880, height))
    return Plot(narrow, caption, (), wide, title)
