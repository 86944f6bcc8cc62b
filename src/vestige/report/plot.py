"""Drawing with matplotlib into SVG that takes its colours and its letters from the page around it."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Stand-ins: matplotlib draws with these, the page sees the CSS variable of the same name.
SERIES = ("s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8")
_NAMES = ("ink", "muted", "grid", "accent", "shade", *SERIES, "paper")
COLOUR = {name: f"#0101{place:02x}" for place, name in enumerate(_NAMES, start=16)}
MARKERS = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"))

WIDE = (880, 300)
LOW = (880, 200)
NARROW = (420, 270)
SMALL = (420, 280)
SQUARE = (420, 330)

_STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": COLOUR["grid"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": COLOUR["muted"],
    "axes.linewidth": 1.0,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": COLOUR["muted"],
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "grid.color": COLOUR["grid"],
    "grid.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "text.color": COLOUR["muted"],
    "text.parse_math": False,
    "text.usetex": False,
    "path.sketch": None,
    "svg.fonttype": "none",
    "xtick.color": COLOUR["muted"],
    "xtick.labelsize": 12,
    "xtick.major.pad": 7,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": COLOUR["muted"],
    "ytick.labelsize": 12,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}


@dataclass(frozen=True)
class Key:
    """An entry of a legend: its text, the colour's name and the sign drawn in it."""

    text: str
    colour: str
    sign: str = "●"


@dataclass(frozen=True)
class Plot:
    """A figure: SVG (for a wide and for a narrow place), what it shows in words, caption and legend."""

    narrow: str
    caption: str
    legend: tuple[Key, ...] = ()
    wide: str | None = None
    title: str = ""


Draw = Callable[["Axes"], None]


def svg(name: str, label: str, draw: Draw, size: tuple[int, int]) -> str:
    """Draw into one set of axes.

    **Arguments:**

    - `name`: keeps the ids of the figure apart from those of others.
    - `label`: what it shows, for readers that see no pictures.
    - `draw`: draws into the axes.
    - `size`: width and height in pixels.

    **Returns:** the drawing, as it stands in a page.
    """
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": f"vestige-{name}-{size}"}
    with matplotlib.rc_context(style):
        width, height = size
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        axes = figure.add_axes((44 / width, 44 / height, 1 - 50 / width, 1 - 78 / height))
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(buffer.getvalue(), name, label, size)


def words(axes: "Axes", *, x: str, y: str) -> None:
    """Say what `axes` are: `y` level above its axis, `x` at the right below its own."""
    axes.set_title(y, loc="left", x=-44 / axes.bbox.width, pad=12)
    axes.set_xlabel(x, loc="right", labelpad=3)


def whole_numbers(axes: "Axes", count: int) -> None:
    """Tick the x axis of `axes` at whole frames, of `count`, few enough to read at this width."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if count / s * 26 <= axes.bbox.width)
    axes.set_xticks(range(0, count, step))
    axes.set_xlim(-0.5, count - 0.5)


def steps_axis(axes: "Axes", *, logarithmic: bool) -> None:
    """Tick the x axis of `axes` with numbers of updates; `logarithmic` says how they are spaced."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    from vestige.report.numbers import format_steps

    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_steps(value)))


def thinned(x: Sequence[float], y: Sequence[float], most: int = 300) -> tuple[list[float], list[float]]:
    """At most `most` points of the curve `x`, `y`, each the mean of its neighbours, so that a long run gives no large
    page.
    """
    import numpy as np

    if len(x) <= most:
        return list(x), list(y)
    groups = zip(np.array_split(np.asarray(x), most), np.array_split(np.asarray(y), most), strict=True)
    means = [(float(a.mean()), float(b.mean())) for a, b in groups]
    return [a for a, _ in means], [b for _, b in means]


def _for_page(text: str, name: str, label: str, size: tuple[int, int]) -> str:
    body = text[text.index("<svg") :]
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>", "", body)
    used = set(re.findall(r"#([\w.-]+)[\")]", body))
    body = re.sub(r'\s+id="([^"]*)"', lambda m: m.group(0) if m.group(1) in used else "", body)
    names = {value: key for key, value in COLOUR.items()}
    body = re.sub(r"#0101[0-9a-f]{2}", lambda m: f"var(--{names[m.group(0)]})", body)
    body = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", body)
    body = re.sub(r"font-family: [^;\"]*;\s*", "", body)
    body = re.sub(r"base64,\s+", "base64,", body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    spoken = escape(label, quote=True)
    return (
        f'<svg class="{name.split(":")[0]}" viewBox="0 0 {size[0]} {size[1]}" role="img" '
        f'aria-label="{spoken}">{body}</svg>'
    )
