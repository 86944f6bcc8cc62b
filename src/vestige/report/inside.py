"""What went on in the memory: where it was read, and how far its gates stood open."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array, newest_first
from vestige.report.frame_heat import frame_heat
from vestige.report.marks import REPEATS, shade
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, LOW, NARROW, SERIES, Key, Plot, svg, whole_numbers, words
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


def attention(run: Run) -> list[Plot]:
    """A heat map for each read head: how far back it looks at each frame, or in which slot."""
    weights = array(run, "read_weights")
    return (
        []
        if weights is None
        else by_head(run, weights, name="attention", each="Head", alone="Where the memory is read")
    )


def by_head(run: Run, weights: "np.ndarray", *, name: str, each: str, alone: str) -> list[Plot]:
    """A heat map for each head.

    **Arguments:**

    - `run`: that they are of.
    - `weights`: read weights, `(frames, heads, slots)`.
    - `name`: of the figures.
    - `each`: the title, before the head's number; `alone`: that of an only one.
    """
    heads = weights.shape[1]
    return [
        frame_heat(
            run,
            f"{name}-{head}",
            alone if heads == 1 else f"{each} {head + 1}",
            weights[:, head],
            what=f"Read weights of head {head + 1}",
            newest_first=newest_first(run),
        )
        for head in range(heads)
    ]


def gates(run: Run) -> list[Plot]:
    """How far the gates of each head stand open at each frame."""
    openings = array(run, "read_gates")
    return [] if openings is None else [_gates(run, openings)]


def _gates(run: Run, openings: "np.ndarray") -> Plot:
    import numpy as np

    count, heads, width = openings.shape
    start = run.integer("recall_start")
    middle = openings.mean(axis=2)
    low, high = np.quantile(openings, (0.1, 0.9), axis=2)
    styles = ["accent"] if heads == 1 else [SERIES[head % len(SERIES)] for head in range(heads)]

    def draw(axes: "Axes") -> None:
        shade(axes, start, count)
        for head, colour in enumerate(styles):
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
    legend = [Key(f"head {head + 1}", colour) for head, colour in enumerate(styles)] if heads > 1 else []
    legend += [REPEATS] if start is not None and 0 < start < count else []
    narrow, wide = svg("gates:narrow", label, draw, NARROW), svg("gates:wide", label, draw, LOW)
    return Plot(narrow, caption, tuple(legend), wide, "How far the gates stand open")
