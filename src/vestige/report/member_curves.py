"""The curves of a comparison: every member's median over seeds with a band from lowest to highest."""

from typing import TYPE_CHECKING

from vestige.report.comparison import Comparison, Member
from vestige.report.comparison_table import own_model
from vestige.report.curves import CURVES, Curve, above_zero, logarithmic_height
from vestige.report.marks import ORACLE, REPEATS, oracle, shade
from vestige.report.metrics import metric
from vestige.report.numbers import format_bytes, format_number
from vestige.report.plot import (
    COLOUR,
    MARKERS,
    NARROW,
    SERIES,
    WIDE,
    Key,
    Plot,
    steps_axis,
    svg,
    thinned,
    whole_numbers,
    words,
)
from vestige.report.published import published_curves
from vestige.report.reach import bytes_axis, distances, headline, paired, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

Band = tuple[list[float], list[float], list[float], list[float]]
"""Places, and there the median, the lowest and the highest over seeds."""


def member_curves(comparison: Comparison) -> list[Plot]:
    """KL per frame, the last frame's KL and the curves of any other kind over training, of all members that have
    them."""
    plots = [_per_frame(comparison), _last_over_training(comparison)]
    plots += [_curve(comparison, curve) for curve in CURVES]
    plots += [_by_distance(comparison), _storage(comparison)]
    return [plot for plot in plots if plot is not None]


def _per_frame(comparison: Comparison) -> Plot | None:
    bands = _bands(comparison, _frames)
    if not bands:
        return None
    count = max(int(band[0][-1]) + 1 for band in bands.values())
    runs = [run for member in comparison.members for run in member.runs]
    start = next((s for run in runs if (s := run.integer("recall_start")) is not None), None)
    bounds = [member.summary.get("bounds") for member in comparison.members] + [run.bounds for run in runs]
    ideal = next((found for bound in bounds if (found := oracle(bound, count))), [])

    def draw(axes: "Axes") -> None:
        shade(axes, start, count)
        if ideal:
            axes.plot(range(count), ideal, color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (4, 3)))
        _plot(axes, comparison, bands, dots=max(3.0, min(6.0, 240 / count)))
        axes.set_ylim(0, 1.08 * max(max(band[3]) for band in bands.values()) or 1.0)
        whole_numbers(axes, count)
        words(axes, x="frame", y="nats")

    label = "KL per frame in nats; at the last frame: " + _ends(bands)
    caption = "KL at each frame of a test sequence. Line: median over seeds; band: lowest to highest."
    keys = [*_keys(comparison, bands), *([ORACLE] if ideal else [])]
    keys += [REPEATS] if start is not None and 0 < start < count else []
    narrow, wide = (
        svg("kl-per-frame:narrow", label, draw, NARROW),
        svg("kl-per-frame:wide", label, draw, WIDE),
    )
    return Plot(narrow, caption, tuple(keys), wide, "KL per frame")


def _last_over_training(comparison: Comparison) -> Plot | None:
    bands = _bands(comparison, lambda member: _updates(member, "kl_last"))
    if not bands:
        return None

    def draw(axes: "Axes") -> None:
        _plot(axes, comparison, bands, dots=0.0)
        axes.set_ylim(0, 1.08 * max(max(band[3]) for band in bands.values()) or 1.0)
        steps_axis(axes, logarithmic=False)
        words(axes, x="updates", y="nats")

    label = "KL of the last frame over training; at the end: " + _ends(bands)
    caption = "KL at the last frame during training. Line: median over seeds; "
    caption += "band: lowest to highest."
    narrow, wide = svg("kl-last:narrow", label, draw, NARROW), svg("kl-last:wide", label, draw, WIDE)
    return Plot(narrow, caption, _keys(comparison, bands), wide, "KL of the last frame over training")


def _curve(comparison: Comparison, curve: Curve) -> Plot | None:
    bands = _bands(comparison, lambda member: _shown(member, curve))
    if not bands:
        return None
    latest = max(band[0][-1] for band in bands.values())
    published = {name: _published(comparison, name, curve, latest) for name in bands}

    def draw(axes: "Axes") -> None:
        _plot(axes, comparison, bands, dots=0.0)
        for name, points in published.items():
            colour, marker, _ = _style(comparison, name)
            axes.plot(
                list(points), list(points.values()), color=COLOUR[colour], linestyle="none", marker=marker,
                markersize=6, markeredgewidth=0, zorder=3,
            )  # fmt: skip
        if curve.logarithmic:
            logarithmic_height(axes)
        steps_axis(axes, logarithmic=False)
        words(axes, x="updates", y=curve.label.lower())

    label = f"{curve.label} over training; at the end: " + _ends(bands)
    caption = f"{curve.caption} while the members learn. Line: median over seeds; band: lowest to highest."
    caption += " Marks: published." if any(published.values()) else ""
    name = curve.metric.replace("_", "-")
    narrow, wide = svg(f"{name}:narrow", label, draw, NARROW), svg(f"{name}:wide", label, draw, WIDE)
    return Plot(narrow, caption + curve.note, _keys(comparison, bands), wide, f"{curve.label} over training")


def _by_distance(comparison: Comparison) -> Plot | None:
    bands = _bands(comparison, lambda member: [paired(run, "spans", "metric_by_span") for run in member.runs])
    names = [name for member in comparison.members for run in member.runs if (name := headline(run)) is not None]
    label = metric(names[0]).label if names else "Result"
    return _over_distance(comparison, bands, "by-distance", f"{label} by distance", label.lower(), False)


def _storage(comparison: Comparison) -> Plot | None:
    bands = _bands(comparison, lambda member: [stored(run) for run in member.runs])
    return _over_distance(comparison, bands, "storage", "Storage of an update by distance", "bytes", True)


def _over_distance(
    comparison: Comparison, bands: dict[str, Band], name: str, title: str, unit: str, storage: bool
) -> Plot | None:
    if not any(len(band[0]) > 1 for band in bands.values()):
        return None
    places = sorted({at for band in bands.values() for at in band[0]})

    def draw(axes: "Axes") -> None:
        _plot(axes, comparison, bands, dots=5.0)
        if storage:
            bytes_axis(axes, [value for band in bands.values() for value in band[1]])
        else:
            axes.set_ylim(0, max(1.0, max(max(band[3]) for band in bands.values())))
        distances(axes, places)
        words(axes, x="distance in steps", y=unit)

    caption = "Line: median over seeds; band: lowest to highest. Distances on a logarithmic axis"
    caption += ", bytes too: what one update needs beside model and state." if storage else "."
    label = f"{title}; at the longest: {_ends(bands, format_bytes if storage else format_number)}"
    narrow, wide = svg(f"{name}:narrow", label, draw, NARROW), svg(f"{name}:wide", label, draw, WIDE)
    return Plot(narrow, caption, _keys(comparison, bands), wide, title)


def _shown(member: Member, curve: Curve) -> list[dict[float, float]]:
    points = _updates(member, curve.metric)
    return [above_zero(one) for one in points] if curve.logarithmic else points


def _published(comparison: Comparison, name: str, curve: Curve, latest: float) -> dict[float, float]:
    """The published points of the same model, as far as our own curves reach."""
    member = next(member for member in comparison.members if member.name == name)
    model = own_model(member)
    found = [published_curves(run, curve.metric).get(model or "", {}) for run in member.runs[:1]]
    return {at: value for points in found for at, value in points.items() if at <= latest}


def _plot(axes: "Axes", comparison: Comparison, bands: dict[str, Band], *, dots: float) -> None:
    for name, (x, middle, low, high) in bands.items():
        colour, marker, _ = _style(comparison, name)
        axes.fill_between(x, low, high, color=COLOUR[colour], alpha=0.16, linewidth=0)
        axes.plot(
            x, middle, color=COLOUR[colour], linewidth=2.0, marker=marker, markersize=dots,
            markeredgewidth=0, clip_on=False,
        )  # fmt: skip


def _style(comparison: Comparison, name: str) -> tuple[str, str, str]:
    place = [member.name for member in comparison.members].index(name)
    return (SERIES[place % len(SERIES)], *MARKERS[place % len(MARKERS)])


def _keys(comparison: Comparison, bands: dict[str, Band]) -> tuple[Key, ...]:
    styles = {name: _style(comparison, name) for name in bands}
    return tuple(Key(name, colour, sign) for name, (colour, _, sign) in styles.items())


def _ends(bands: dict[str, Band], said: "Callable[[float], str]" = format_number) -> str:
    return ", ".join(f"{name} {said(band[1][-1])}" for name, band in bands.items()) + "."


def _bands(comparison: Comparison, curves: "Callable[[Member], list[dict[float, float]]]") -> dict[str, Band]:
    found = {member.name: _band(curves(member)) for member in comparison.members}
    return {name: band for name, band in found.items() if band is not None}


def _band(curves: list[dict[float, float]]) -> Band | None:
    import statistics

    places = sorted({at for curve in curves for at in curve})
    if not places:
        return None
    there = [[curve[at] for curve in curves if at in curve] for at in places]
    kinds = ([statistics.median(v) for v in there], [min(v) for v in there], [max(v) for v in there])
    middle, low, high = (thinned(places, values)[1] for values in kinds)
    return thinned(places, places)[0], middle, low, high


def _frames(member: Member) -> list[dict[float, float]]:
    arrays = [run.arrays.get("kl_per_frame") for run in member.runs]
    known = [array for array in arrays if array is not None and array.ndim == 1 and array.dtype.kind in "iuf"]
    return [{float(at): float(value) for at, value in enumerate(array)} for array in known]


def _updates(member: Member, metric: str) -> list[dict[float, float]]:
    return [run.curve("evaluate", metric) for run in member.runs]
