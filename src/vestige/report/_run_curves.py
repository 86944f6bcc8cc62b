"""The curves of one run: what each frame costs, and what the last frame and the bound cost over training."""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

from vestige.report._files import mapping
from vestige.report._numbers import format_number, number
from vestige.report._plot import (
    COLOUR,
    LOW,
    MARKERS,
    NARROW,
    SERIES,
    WIDE,
    Draw,
    Key,
    Plot,
    steps_axis,
    svg,
    thinned,
    whole_numbers,
    words,
)
from vestige.report._run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORACLE = Key("the best possible", "muted", "╌")
REPEATS = Key("frames that repeat earlier ones", "shade", "■")


def per_frame(run: Run) -> list[Plot]:
    """KL per frame beside what was published, and the negative bound per frame."""
    plots = []
    kl = _frames(run, "kl_per_frame")
    if kl:
        plots.append(_kl_per_frame(run, kl))
    bound = _frames(run, "negative_bound_per_frame")
    if bound:
        plots.append(_bound_per_frame(run, bound))
    return plots


def over_training(run: Run) -> list[Plot]:
    """The last frame's KL and the bound on test sequences, by number of updates."""
    plots = []
    published = _published(run, "kl_last")
    last = run.curve("evaluate", "kl_last")
    if last:
        plots.append(_last_over_training(run, last, published))
    test, train = run.curve("evaluate", "negative_bound"), run.curve("train", "negative_bound")
    if test or train:
        plots.append(_bound_over_training(run, test, train, _published(run, "negative_bound")))
    return plots


def shade(axes: "Axes", start: int | None, count: int) -> None:
    """Shade the frames from `start` on, which repeat earlier ones."""
    if start is not None and 0 < start < count:
        axes.axvspan(start - 0.5, count - 0.5, color=COLOUR["shade"], linewidth=0, zorder=0)


def oracle(bounds: Any, count: int) -> list[float]:
    """The lowest possible KL per frame, if it is known for as many frames."""
    values = mapping(mapping(bounds).get("curves")).get("kl_per_frame")
    known = [number(value) for value in values] if isinstance(values, list) else []
    found = [value for value in known if value is not None]
    return found if len(found) == len(known) == count else []


def far_apart(ours: Iterable[float], others: Iterable[float]) -> bool:
    """Whether published points lie so far beyond our last update that only a logarithm shows both."""
    return max(others, default=0.0) > 3 * max(ours, default=0.0) > 0


def _frames(run: Run, name: str) -> list[float]:
    array = run.arrays.get(name)
    if array is None or array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iuf":
        return []
    return [float(value) for value in array]


def _published(run: Run, name: str) -> dict[str, dict[float, float]]:
    """A published curve by model, numbered in the order in which the models' metrics are listed."""
    curves = mapping(mapping(run.published.get("curves")).get(name))
    found = {}
    for model, points in curves.items():
        known = {_place(at): number(value) for at, value in mapping(points).items()}
        found[model] = {at: v for at, v in sorted(known.items()) if v is not None and at >= 0}
    return {model: points for model, points in found.items() if points}


def _place(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _looks(run: Run) -> dict[str, tuple[str, str, str]]:
    """A colour, a marker and its sign for each published model, the same in all figures of the page."""
    curves = mapping(run.published.get("curves")).values()
    models = dict.fromkeys(chain(mapping(run.published.get("metrics")), *(mapping(curve) for curve in curves)))
    marks = [MARKERS[place % len(MARKERS)] for place in range(len(models))]
    others = SERIES[1:]  # the first is the colour of our own line
    colours = [others[place % len(others)] for place in range(len(models))]
    return {
        model: (colour, *mark) for model, colour, mark in zip(models, colours, marks, strict=True)
    }


def _plot_published(axes: "Axes", run: Run, published: dict[str, dict[float, float]]) -> None:
    looks = _looks(run)
    for model, points in published.items():
        colour, marker, _ = looks[model]
        axes.plot(
            list(points), list(points.values()), color=COLOUR[colour], linewidth=1.1,
            marker=marker, markersize=4.5, markeredgewidth=0, zorder=2,
        )  # fmt: skip


def _keys(run: Run, published: dict[str, dict[float, float]]) -> tuple[Key, ...]:
    looks = _looks(run)
    return tuple(Key(f"{model}, published", looks[model][0], looks[model][2]) for model in published)


def _both(name: str, label: str, draw: Draw, size: tuple[int, int]) -> tuple[str, str]:
    return svg(f"{name}:narrow", label, draw, NARROW), svg(f"{name}:wide", label, draw, size)


def _kl_per_frame(run: Run, ours: list[float]) -> Plot:
    count, start = len(ours), run.integer("recall_start")
    published = {
        model: {at: value for at, value in points.items() if at < count}
        for model, points in _published(run, "kl_per_frame").items()
    }
    ideal = oracle(run.bounds, count)

    def draw(axes: "Axes") -> None:
        shade(axes, start, count)
        if ideal:
            axes.plot(range(count), ideal, color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (4, 3)))
        _plot_published(axes, run, published)
        dots = max(3.0, min(6.5, 260 / count))
        axes.plot(
            range(count), ours, color=COLOUR["accent"], linewidth=2.2, marker="o", markersize=dots,
            markeredgewidth=0, zorder=3, clip_on=False,
        )  # fmt: skip
        top = max(chain(ours, ideal, *(points.values() for points in published.values())))
        axes.set_ylim(0, 1.08 * top if top > 0 else 1.0)
        whole_numbers(axes, count)
        words(axes, x="frame", y="nats")

    repeats = start is not None and 0 < start < count
    caption = (
        "How much each frame of a test sequence surprises the model: the KL from its prior to its "
        "posterior. A frame that it can predict from memory costs almost nothing."
    )
    label = f"KL per frame in nats, ours from {format_number(ours[0])} at frame 0 to "
    label += f"{format_number(ours[-1])} at frame {count - 1}."
    legend = (Key("this run", "accent"), *_keys(run, published), *([ORACLE] if ideal else []))
    narrow, wide = _both("kl-per-frame", label, draw, WIDE)
    return Plot(narrow, caption, (*legend, *([REPEATS] if repeats else [])), wide, "KL per frame")


def _bound_per_frame(run: Run, ours: list[float]) -> Plot:
    count = len(ours)

    def draw(axes: "Axes") -> None:
        shade(axes, run.integer("recall_start"), count)
        dots = max(2.5, min(5.0, 200 / count))
        axes.plot(
            range(count), ours, color=COLOUR["accent"], linewidth=1.8, marker="o", markersize=dots,
            markeredgewidth=0, clip_on=False,
        )  # fmt: skip
        axes.margins(y=0.15)
        whole_numbers(axes, count)
        words(axes, x="frame", y="nats")

    label = f"Negative bound per frame in nats, {format_number(ours[0])} at frame 0 and "
    label += f"{format_number(ours[-1])} at frame {count - 1}."
    caption = "The whole cost of each frame, surprise and pixels together. The axis does not start at zero."
    narrow, wide = _both("bound-per-frame", label, draw, LOW)
    return Plot(narrow, caption, (), wide, "Negative bound per frame")


def _last_over_training(
    run: Run, ours: dict[float, float], published: dict[str, dict[float, float]]
) -> Plot:
    best = number(mapping(run.bounds.get("kl_last")).get("best"))
    chance = number(mapping(run.bounds.get("kl_last")).get("chance"))
    logarithmic = far_apart(ours, chain(*published.values()))

    def draw(axes: "Axes") -> None:
        _levels(axes, best, chance)
        _plot_published(axes, run, published)
        _plot_ours(axes, ours, logarithmic)
        top = max(chain(ours.values(), *(points.values() for points in published.values()), [chance or 0.0]))
        axes.set_ylim(0, 1.08 * top if top > 0 else 1.0)
        steps_axis(axes, logarithmic=logarithmic)
        words(axes, x="updates", y="nats")

    label = f"KL of the last frame over training, at the end {format_number(list(ours.values())[-1])} nats."
    caption = "Surprise at the last frame of a test sequence while the model learns."
    if chance is not None:
        caption += f" Dotted: chance, {format_number(chance)}."
    legend = (Key("this run", "accent"), *_keys(run, published), *([ORACLE] if best is not None else []))
    return Plot(svg("kl-last", label, draw, SMALL), caption + _log_words(logarithmic), legend, None, "KL of the last frame")


def _bound_over_training(
    run: Run, test: dict[float, float], train: dict[float, float], published: dict[str, dict[float, float]]
) -> Plot:
    best = number(mapping(run.bounds.get("negative_bound")).get("best"))
    logarithmic = far_apart(chain(test, train), chain(*published.values()))
    low, high = _window([*test.values(), *train.values()], test or train)
    low = min(chain([low], *(points.values() for points in published.values())))
    cut = max(chain(test.values(), train.values())) > high

    def draw(axes: "Axes") -> None:
        _levels(axes, best, None)
        if train:
            x, y = thinned(list(train), list(train.values()))
            axes.plot(x, y, color=COLOUR["accent"], linewidth=1.0, alpha=0.45, zorder=2)
        _plot_published(axes, run, published)
        if test:
            _plot_ours(axes, test, logarithmic)
        room = 0.06 * (high - low)
        axes.set_ylim(low - room, high + room)
        steps_axis(axes, logarithmic=logarithmic)
        words(axes, x="updates", y="nats a frame")

    last = list((test or train).values())[-1]
    label = f"Negative bound per frame over training, at the end {format_number(last)} nats."
    caption = "Cost of a frame while the model learns" + (", thin on training sequences." if train else ".")
    caption += " The first updates lie above the picture." if cut else ""
    legend = [Key("test sequences", "accent")] if test else []
    legend += [Key("training sequences", "accent", "─")] if train else []
    legend += [*_keys(run, published), *([ORACLE] if best is not None else [])]
    figure = svg("bound", label, draw, SMALL)
    return Plot(figure, caption + _log_words(logarithmic), tuple(legend), None, "Negative bound")


SMALL = (420, 280)


def _plot_ours(axes: "Axes", points: dict[float, float], logarithmic: bool) -> None:
    shown = {at: value for at, value in points.items() if at > 0} if logarithmic else points
    x, y = thinned(list(shown), list(shown.values()))
    dots = 4.0 if len(x) <= 30 else 0.0
    axes.plot(
        x, y, color=COLOUR["accent"], linewidth=2.0, marker="o", markersize=dots, markeredgewidth=0, zorder=3
    )


def _levels(axes: "Axes", best: float | None, chance: float | None) -> None:
    if best is not None:
        axes.axhline(best, color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (4, 3)), clip_on=False)
    if chance is not None:
        axes.axhline(chance, color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (1, 2.5)))


def _window(values: list[float], settled: dict[float, float]) -> tuple[float, float]:
    """The range worth showing: all of it, unless a steep start would flatten what comes after."""
    low, high = min(values), max(values)
    middle = sorted(settled.values())[len(settled) // 2]
    if middle > low:
        high = min(high, middle + 3 * (middle - low))
    return low, high


def _log_words(logarithmic: bool) -> str:
    return " Updates on a logarithmic axis." if logarithmic else ""
