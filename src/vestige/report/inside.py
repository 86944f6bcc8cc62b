"""What went on in the memory: where it was read, and how far its gates stood open."""

from typing import TYPE_CHECKING

from vestige.report.heat import heat_image
from vestige.report.marks import REPEATS, shade
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, LOW, NARROW, SERIES, SQUARE, Key, Plot, svg, whole_numbers, words
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


def attention(run: Run) -> list[Plot]:
    """A heat map for each read head: how far back it looks at each frame."""
    weights = _three(run, "read_weights")
    if weights is None:
        return []
    heads = weights.shape[1]
    return [_heat_map(run, weights[:, head], head, heads) for head in range(heads)]


def gates(run: Run) -> list[Plot]:
    """How far the gates of each head stand open at each frame."""
    openings = _three(run, "read_gates")
    return [] if openings is None else [_gates(run, openings)]


def _three(run: Run, name: str) -> "np.ndarray | None":
    import numpy as np

    array = run.arrays.get(name)
    if array is None or array.ndim != 3 or array.size == 0 or array.dtype.kind not in "iuf":
        return None
    return np.nan_to_num(array.astype(np.float64))


def _heat_map(run: Run, weights: "np.ndarray", head: int, heads: int) -> Plot:
    import numpy as np

    count, slots = weights.shape
    strongest = float(weights.max())
    image = heat_image(weights.T, strongest)
    start = run.integer("recall_start")

    def draw(axes: "Axes") -> None:
        axes.grid(False)
        axes.imshow(
            image,
            origin="lower",
            aspect="auto",
            interpolation="none",
            extent=(-0.5, count - 0.5, 0.5, slots + 0.5),
        )
        for side in ("left", "right", "top", "bottom"):
            axes.spines[side].set_visible(True)
        if start is not None and 0 < start < count:
            axes.axvline(start - 0.5, color=COLOUR["muted"], linewidth=1, linestyle=(0, (2, 2)))
        whole_numbers(axes, count)
        axes.set_yticks(_rungs(slots))
        axes.set_ylim(0.5, slots + 0.5)
        words(axes, x="frame", y="steps back")

    frame, back = np.unravel_index(int(weights.argmax()), weights.shape)
    label = f"Read weights of head {head + 1}: strongest, {format_number(strongest)}, "
    label += f"at frame {frame}, {back + 1} steps back."
    repeats = start is not None and 0 < start < count
    caption = f"Full colour is a weight of {format_number(strongest)}."
    caption += f" Repeats begin at the dashed line, frame {start}." if repeats else ""
    title = "Where the memory is read" if heads == 1 else f"Head {head + 1}"
    return Plot(svg(f"attention-{head}", label, draw, SQUARE), caption, (), None, title)


def _rungs(slots: int) -> list[int]:
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if slots / s <= 12)
    return [1, *range(step, slots + 1, step)] if step > 1 else list(range(1, slots + 1))


def _gates(run: Run, openings: "np.ndarray") -> Plot:
    import numpy as np

    count, heads, width = openings.shape
    start = run.integer("recall_start")
    middle = openings.mean(axis=2)
    low, high = np.quantile(openings, (0.1, 0.9), axis=2)
    looks = ["accent"] if heads == 1 else [SERIES[head % len(SERIES)] for head in range(heads)]

    def draw(axes: "Axes") -> None:
        shade(axes, start, count)
        for head, colour in enumerate(looks):
            if width > 1:
                axes.fill_between(
                    range(count), low[:, head], high[:, head], color=COLOUR[colour], alpha=0.16, linewidth=0
                )
            axes.plot(range(count), middle[:, head], color=COLOUR[colour], linewidth=2.0, clip_on=False)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        whole_numbers(axes, count)
        words(axes, x="frame", y="opening")

    ends = f"{format_number(float(middle[0].mean()))} at frame 0 and {format_number(float(middle[-1].mean()))}"
    label = f"Mean gate opening from 0 (shut) to 1 (open): {ends} at frame {count - 1}."
    caption = "How much of what was read is let through: 0 is shut, 1 is open."
    caption += f" Line: mean of {width} gates; band: the middle eight tenths." if width > 1 else ""
    legend = [Key(f"head {head + 1}", colour) for head, colour in enumerate(looks)] if heads > 1 else []
    legend += [REPEATS] if start is not None and 0 < start < count else []
    narrow, wide = svg("gates:narrow", label, draw, NARROW), svg("gates:wide", label, draw, LOW)
    return Plot(narrow, caption, tuple(legend), wide, "How far the gates stand open")
