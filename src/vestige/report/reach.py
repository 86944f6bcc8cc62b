"""How far a long-term memory reaches, what its rule stores, and what it is queried about."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vestige.report.numbers import format_bytes, format_number, format_steps, number
from vestige.report.plot import COLOUR, NARROW, SMALL, WIDE, Key, Plot, svg, words
from vestige.report.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEADLINES = {"accuracy": "Accuracy", "mse": "Squared error", "kl_recall": "KL of recalled frames"}


def reach(run: Run) -> list[Plot]:
    """What the arrays of a run with a long-term memory allow."""
    found = [_by_distance(run), _storage(run), _queried(run)]
    return [plot for plot in found if plot is not None]


def headline(run: Run) -> str | None:
    """The metric that is shown by distance."""
    return next((name for name in _HEADLINES if name in run.metrics), None)


def stored(run: Run) -> dict[float, float]:
    """Bytes that an update needs, by distance."""
    return paired(run, "storage_spans", "storage_bytes")


def paired(run: Run, places: str, values: str) -> dict[float, float]:
    """The arrays `places` and `values` of `run`, of one length, as a curve; empty where they are not that."""
    x, y = run.arrays.get(places), run.arrays.get(values)
    if x is None or y is None or x.ndim != 1 or x.shape != y.shape or {x.dtype.kind, y.dtype.kind} - set("iuf"):
        return {}
    return {float(at): float(value) for at, value in zip(x, y, strict=True)}


def distances(axes: "Axes", places: "list[float]") -> None:
    """Make the horizontal axis of `axes` logarithmic and tick it at the distances themselves, `places`."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_steps(value)))


def _by_distance(run: Run) -> Plot | None:
    points = paired(run, "spans", "metric_by_span")
    name = headline(run)
    if len(points) < 2 or name is None:
        return None
    bounds = run.bounds.get(name)
    chance = number(bounds.get("chance")) if isinstance(bounds, Mapping) else None
    trained = max(stored(run), default=None)

    def draw(axes: "Axes") -> None:
        if chance is not None:
            axes.axhline(chance, color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (1, 2.5)))
        if trained is not None:
            axes.axvline(trained, color=COLOUR["grid"], linewidth=1.2)
        axes.plot(
            list(points), list(points.values()), color=COLOUR["accent"], linewidth=2.0, marker="o", markersize=5,
            markeredgewidth=0, clip_on=False, zorder=3,
        )  # fmt: skip
        axes.set_ylim(0, 1.0 if name == "accuracy" else 1.08 * max([*points.values(), chance or 0.0]))
        distances(axes, list(points))
        words(axes, x="distance in steps", y=_HEADLINES[name].lower())

    text = ", ".join(f"{format_number(value)} at {format_steps(at)}" for at, value in points.items())
    caption = "The same memory, queried after other distances than it was trained for (the upright line)."
    caption += f" Dotted: chance, {format_number(chance)}." if chance is not None else ""
    figure = svg("by-distance", f"{_HEADLINES[name]} by distance: {text}.", draw, SMALL)
    return Plot(figure, caption, (), None, f"{_HEADLINES[name]} by distance")


def _storage(run: Run) -> Plot | None:
    points = stored(run)
    if len(points) < 2:
        return None

    def draw(axes: "Axes") -> None:
        axes.plot(
            list(points), list(points.values()), color=COLOUR["accent"], linewidth=2.0, marker="o", markersize=5,
            markeredgewidth=0, clip_on=False,
        )  # fmt: skip
        bytes_axis(axes, list(points.values()))
        distances(axes, list(points))
        words(axes, x="distance in steps", y="bytes an update needs")

    text = ", ".join(f"{format_bytes(value)} at {format_steps(at)}" for at, value in points.items())
    caption = "What one update needs beside its model and its state, by the compiler's account. Both axes logarithmic."
    return Plot(svg("storage", f"Storage by distance: {text}.", draw, SMALL), caption, (), None, "Storage by distance")


def bytes_axis(axes: "Axes", values: "list[float]") -> None:
    """Make the vertical axis of `axes` logarithmic, wide enough that a flat line of `values` looks flat."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_ylim(min(values) / 4, max(values) * 4)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_locator(LogLocator(base=4, numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_bytes(value)))


def _queried(run: Run) -> Plot | None:
    scores = paired(run, "uncertainty_steps", "uncertainty")
    chosen, queries = _steps(run, "chosen_steps"), _steps(run, "query_steps")
    if len(scores) < 2 or chosen is None or queries is None:
        return None
    right = sum(step in queries for step in chosen)
    last = max(*scores, *queries)

    def draw(axes: "Axes") -> None:
        axes.plot(list(scores), list(scores.values()), color=COLOUR["accent"], linewidth=1.2, zorder=2)
        top = max(max(scores.values()), 1e-9)
        for steps, height, colour, marker in ((queries, 1.16, "muted", "v"), (chosen, 1.06, "s2", "^")):
            axes.plot(
                steps, [height * top] * len(steps), color=COLOUR[colour], linestyle="none", marker=marker,
                markersize=6, markeredgewidth=0, clip_on=False, zorder=3,
            )  # fmt: skip
        axes.set_ylim(min(0.0, *scores.values()), 1.25 * top)
        axes.set_xlim(-0.02 * last, 1.02 * last)
        words(axes, x="step", y="score")

    caption = "The score of each step of one test sequence, by which the rule chooses what it queries; "
    caption += f"of a long sequence, the largest of each stretch. {right} of {len(chosen)} chosen steps need a memory."
    legend = (Key("needs a memory", "muted", "▼"), Key("chosen", "s2", "▲"))
    label = f"Score of each step; {right} of {len(chosen)} chosen steps are those that need a memory."
    narrow, wide = svg("queried:narrow", label, draw, NARROW), svg("queried:wide", label, draw, WIDE)
    return Plot(narrow, caption, legend, wide, "What the memory is queried about")


def _steps(run: Run, name: str) -> "list[int] | None":
    steps = run.arrays.get(name)
    if steps is None or steps.ndim != 1 or not steps.size or steps.dtype.kind not in "iu":
        return None
    return [int(step) for step in steps]
