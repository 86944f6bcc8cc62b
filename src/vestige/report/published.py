"""Published curves of the same experiment, drawn alike in every figure of a page."""

from itertools import chain
from typing import TYPE_CHECKING

from vestige.report.files import mapping
from vestige.report.numbers import number
from vestige.report.plot import COLOUR, MARKERS, SERIES, Key
from vestige.report.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves = dict[str, dict[float, float]]
"""By model, what was published at which place."""


def published_curves(run: Run, name: str) -> Curves:
    """The published points of the curve `name` of `run`, by model."""
    curves = mapping(mapping(run.published.get("curves")).get(name))
    found = {}
    for model, points in curves.items():
        known = {_place(at): number(value) for at, value in mapping(points).items()}
        found[model] = {at: v for at, v in sorted(known.items()) if v is not None and at >= 0}
    return {model: points for model, points in found.items() if points}


def plot_published(axes: "Axes", run: Run, published: Curves) -> None:
    """Thin lines on `axes` with a marker for each model of `published`, in the styles of `run`."""
    styles = _styles(run)
    for model, points in published.items():
        colour, marker, _ = styles[model]
        axes.plot(
            list(points), list(points.values()), color=COLOUR[colour], linewidth=1.1,
            marker=marker, markersize=4.5, markeredgewidth=0, zorder=2,
        )  # fmt: skip


def published_keys(run: Run, published: Curves) -> tuple[Key, ...]:
    """The entries of a legend for the lines `published` of `run`."""
    styles = _styles(run)
    return tuple(Key(f"{model}, published", styles[model][0], styles[model][2]) for model in published)


def _styles(run: Run) -> dict[str, tuple[str, str, str]]:
    """A colour, a marker and its sign for each published model, the same in all figures of the page."""
    curves = mapping(run.published.get("curves")).values()
    models = dict.fromkeys(chain(mapping(run.published.get("metrics")), *(mapping(curve) for curve in curves)))
    marks = [MARKERS[place % len(MARKERS)] for place in range(len(models))]
    others = SERIES[1:]  # the first is the colour of our own line
    colours = [others[place % len(others)] for place in range(len(models))]
    return {model: (colour, *mark) for model, colour, mark in zip(models, colours, marks, strict=True)}


def _place(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
