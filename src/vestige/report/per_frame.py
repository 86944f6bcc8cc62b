"""What each frame of a test sequence costs."""

from itertools import chain
from typing import TYPE_CHECKING

from vestige.report.marks import ORACLE, REPEATS, oracle, shade
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, LOW, NARROW, WIDE, Draw, Key, Plot, svg, whole_numbers, words
from vestige.report.published import plot_published, published_curves, published_keys
from vestige.report.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


def _frames(run: Run, name: str) -> list[float]:
    array = run.arrays.get(name)
    if array is None or array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iuf":
        return []
    return [float(value) for value in array]


def _both(name: str, label: str, draw: Draw, size: tuple[int, int]) -> tuple[str, str]:
    return svg(f"{name}:narrow", label, draw, NARROW), svg(f"{name}:wide", label, draw, size)


def _kl_per_frame(run: Run, ours: list[float]) -> Plot:
    count, start = len(ours), run.integer("recall_start")
    published = {
        model: {at: value for at, value in points.items() if at < count}
        for model, points in published_curves(run, "kl_per_frame").items()
    }
    ideal = oracle(run.bounds, count)

    def draw(axes: "Axes") -> None:
        shade(axes, start, count)
        if ideal:
            axes.plot(range(count), ideal, color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (4, 3)))
        plot_published(axes, run, published)
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
        "What the latent of each frame of a test sequence costs: the KL from the prior to the "
        "posterior. A frame that it can predict from memory costs almost nothing."
    )
    label = f"KL per frame in nats, ours from {format_number(ours[0])} at frame 0 to "
    label += f"{format_number(ours[-1])} at frame {count - 1}."
    legend = (Key("this run", "accent"), *published_keys(run, published), *([ORACLE] if ideal else []))
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
    caption = "The whole cost of each frame: KL and pixels. The axis does not start at zero."
    narrow, wide = _both("bound-per-frame", label, draw, LOW)
    return Plot(narrow, caption, (), wide, "Negative bound per frame")
