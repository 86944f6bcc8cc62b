"""What each slot of a memory does at each frame, as a heat map."""

from typing import TYPE_CHECKING

from vestige.report.heat import framed, heat_image
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, SQUARE, Plot, svg, whole_numbers, words
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


def frame_heat(
    run: Run,
    name: str,
    title: str,
    values: "np.ndarray",
    *,
    what: str,
    newest_first: bool = False,
    missing: int = 0,
) -> Plot:
    """The heat map of values per frame and slot.

    **Arguments:**

    - `run`: that they are of.
    - `name`: of the figure, unique on the page.
    - `title`: its heading.
    - `values`: `(frames, slots)`.
    - `what`: the beginning of a sentence in words.
    - `newest_first`: whether rows are steps back; else they are slots.
    - `missing`: frames after the last one, without values.
    """
    import numpy as np

    given, slots = values.shape
    count, strongest = given + missing, float(values.max())
    first, rows = (1, "steps back") if newest_first else (0, "slot")
    image = heat_image(values.T, strongest)
    start = run.integer("recall_start")
    repeats = start is not None and 0 < start < count

    def draw(axes: "Axes") -> None:
        framed(axes)
        low, high = first - 0.5, first + slots - 0.5
        axes.imshow(image, origin="lower", aspect="auto", interpolation="none", extent=(-0.5, given - 0.5, low, high))
        if start is not None and repeats:
            axes.axvline(start - 0.5, color=COLOUR["muted"], linewidth=1, linestyle=(0, (2, 2)))
        whole_numbers(axes, count)
        axes.set_yticks(rungs(slots, first))
        axes.set_ylim(low, high)
        words(axes, x="frame", y=rows)

    frame, row = (int(at) for at in np.unravel_index(int(values.argmax()), values.shape))
    place = f"{row + 1} steps back" if newest_first else f"slot {row}"
    label = f"{what}: strongest, {format_number(strongest)}, at frame {frame}, {place}."
    caption = f"Full colour is {format_number(strongest)}."
    caption += f" Repeats begin at the dashed line, frame {start}." if repeats else ""
    return Plot(svg(name, label, draw, SQUARE), caption, (), None, title)


def rungs(count: int, first: int) -> list[int]:
    """Few enough of the `count` whole numbers from `first` on to stand at an axis."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if count / s <= 12)
    begin = [first] if step > 1 else []
    return [*begin, *range(step if begin else first, first + count, step)]
