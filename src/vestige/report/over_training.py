"""What was measured over training."""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

from vestige.report.curves import CURVES, Curve, above_zero, logarithmic_height
from vestige.report.files import mapping
from vestige.report.marks import ORACLE
from vestige.report.numbers import format_number, number
from vestige.report.plot import COLOUR, SMALL, Key, Plot, steps_axis, svg, thinned, words
from vestige.report.published import Curves, plot_published, published_curves, published_keys
from vestige.report.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def over_training(run: Run) -> list[Plot]:
    """The last frame's KL and the bound on test sequences, and the curves of any other kind, by number of updates."""
    plots = []
    published = published_curves(run, "kl_last")
    last = run.curve("evaluate", "kl_last")
    if last:
        plots.append(_last_over_training(run, last, published))
    test, train = run.curve("evaluate", "negative_bound"), run.curve("train", "negative_bound")
    if test or train:
        plots.append(_bound_over_training(run, test, train, published_curves(run, "negative_bound")))
    return plots + [plot for curve in CURVES if (plot := _curve(run, curve)) is not None]


def _curve(run: Run, curve: Curve) -> Plot | None:
    test, train = run.curve("evaluate", curve.metric), run.curve("train", curve.metric)
    if curve.logarithmic:
        test, train = above_zero(test), above_zero(train)
    if not train and len(test) < 2:  # a single point is in the table
        return None
    published = published_curves(run, curve.metric)
    levels = mapping(run.bounds.get(curve.metric))
    best, chance = number(levels.get("best")), number(levels.get("chance"))

    def draw(axes: "Axes") -> None:
        _levels(axes, best, chance)
        if train:
            x, y = thinned(list(train), list(train.values()))
            axes.plot(x, y, color=COLOUR["accent"], linewidth=1.0, alpha=0.45, zorder=2)
        plot_published(axes, run, published)
        if test:
            _plot_ours(axes, test, False)
        if curve.logarithmic:
            logarithmic_height(axes)
        steps_axis(axes, logarithmic=False)
        words(axes, x="updates", y=curve.label[0].lower() + curve.label[1:])

    last = list((test or train).values())[-1]
    label = f"{curve.label} over training, at the end {format_number(last)}."
    caption = f"{curve.caption} while it learns" + (", thin in training." if train and test else ".")
    caption += f" Dotted: chance, {format_number(chance)}." if chance is not None else ""
    legend = [Key("this run", "accent"), *published_keys(run, published), *([ORACLE] if best is not None else [])]
    figure = svg(curve.metric.replace("_", "-"), label, draw, SMALL)
    return Plot(figure, caption + curve.note, tuple(legend), None, curve.label)


def _last_over_training(run: Run, ours: dict[float, float], published: Curves) -> Plot:
    best = number(mapping(run.bounds.get("kl_last")).get("best"))
    chance = number(mapping(run.bounds.get("kl_last")).get("chance"))
    logarithmic = _far_apart(ours, chain(*published.values()))

    def draw(axes: "Axes") -> None:
        _levels(axes, best, chance)
        plot_published(axes, run, published)
        _plot_ours(axes, ours, logarithmic)
        top = max(chain(ours.values(), *(points.values() for points in published.values()), [chance or 0.0]))
        axes.set_ylim(0, 1.08 * top if top > 0 else 1.0)
        steps_axis(axes, logarithmic=logarithmic)
        words(axes, x="updates", y="nats")

    label = f"KL of the last frame over training, at the end {format_number(list(ours.values())[-1])} nats."
    caption = "KL at the last frame of a test sequence during training."
    if chance is not None:
        caption += f" Dotted: chance, {format_number(chance)}."
    legend = (
        Key("this run", "accent"),
        *published_keys(run, published),
        *([ORACLE] if best is not None else []),
    )
    return Plot(
        svg("kl-last", label, draw, SMALL),
        caption + _log_words(logarithmic),
        legend,
        None,
        "KL of the last frame",
    )


def _bound_over_training(run: Run, test: dict[float, float], train: dict[float, float], published: Curves) -> Plot:
    best = number(mapping(run.bounds.get("negative_bound")).get("best"))
    logarithmic = _far_apart(chain(test, train), chain(*published.values()))
    low, high = _window([*test.values(), *train.values()], test or train)
    low = min(chain([low], *(points.values() for points in published.values())))
    cut = max(chain(test.values(), train.values())) > high

    def draw(axes: "Axes") -> None:
        _levels(axes, best, None)
        if train:
            x, y = thinned(list(train), list(train.values()))
            axes.plot(x, y, color=COLOUR["accent"], linewidth=1.0, alpha=0.45, zorder=2)
        plot_published(axes, run, published)
        if test:
            _plot_ours(axes, test, logarithmic)
        room = 0.06 * (high - low) or 1.0
        axes.set_ylim(low - room, high + room)
        steps_axis(axes, logarithmic=logarithmic)
        words(axes, x="updates", y="nats a frame")

    last = list((test or train).values())[-1]
    label = f"Negative bound per frame over training, at the end {format_number(last)} nats."
    caption = "Cost of a frame while the model learns" + (", thin on training sequences." if train else ".")
    caption += " The first updates lie above the picture." if cut else ""
    legend = [Key("test sequences", "accent")] if test else []
    legend += [Key("training sequences", "accent", "─")] if train else []
    legend += [*published_keys(run, published), *([ORACLE] if best is not None else [])]
    figure = svg("bound", label, draw, SMALL)
    return Plot(figure, caption + _log_words(logarithmic), tuple(legend), None, "Negative bound")


def _plot_ours(axes: "Axes", points: dict[float, float], logarithmic: bool) -> None:
    shown = {at: value for at, value in points.items() if at > 0} if logarithmic else points
    x, y = thinned(list(shown), list(shown.values()))
    dots = 4.0 if len(x) <= 30 else 0.0
    axes.plot(x, y, color=COLOUR["accent"], linewidth=2.0, marker="o", markersize=dots, markeredgewidth=0, zorder=3)


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


def _far_apart(ours: Iterable[float], others: Iterable[float]) -> bool:
    """Whether published points lie so far beyond our last update that only a logarithm shows both."""
    return max(others, default=0.0) > 3 * max(ours, default=0.0) > 0


def _log_words(logarithmic: bool) -> str:
    return " Updates on a logarithmic axis." if logarithmic else ""
