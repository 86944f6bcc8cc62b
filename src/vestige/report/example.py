"""What the memory reports while it follows one sequence: where it reads and writes, what it links, how it decides."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.frame_heat import frame_heat, rungs
from vestige.report.heat import framed, heat_image
from vestige.report.inside import by_head
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, SQUARE, Key, Plot, svg, whole_numbers, words
from vestige.report.provenance import writes_by_frame
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

Line = tuple[str, str, "np.ndarray"]
"""A name, a colour and a value for each frame."""

_MODES = (("backward", "s2"), ("by content", "s1"), ("forward", "s3"))


def example(run: Run) -> list[Plot]:
    """All that the arrays say of the example, reads first."""
    return [*_reads(run), *_writes(run), *_usage(run), *_links(run), *_modes(run), *_gates(run)]


def _reads(run: Run) -> list[Plot]:
    weights = array(run, "example_read_weights")
    if weights is None:
        return []
    return by_head(run, weights, name="example-read", each="What is read by head", alone="What is read")


def _writes(run: Run) -> list[Plot]:
    weights = writes_by_frame(run)
    if weights is None:
        return []
    return [
        frame_heat(
            run, "example-write", "Where each frame is written", weights, what="Write weights of each frame", missing=1
        )
    ]


def _usage(run: Run) -> list[Plot]:
    usage = array(run, "example_usage")
    if usage is None:
        return []
    return [frame_heat(run, "example-usage", "How much each slot is in use", usage, what="Usage of the slots")]


def _links(run: Run) -> list[Plot]:
    import numpy as np

    links = array(run, "example_links")
    if links is None or links.shape[0] != links.shape[1]:
        return []
    slots, strongest = len(links), float(links.max())
    image = heat_image(links, strongest)

    def draw(axes: "Axes") -> None:
        framed(axes)
        axes.imshow(image, origin="lower", aspect="auto", interpolation="none")
        axes.set_xticks(rungs(slots, 0))
        axes.set_yticks(rungs(slots, 0))
        words(axes, x="this slot", y="is followed by slot")

    later, earlier = (int(at) for at in np.unravel_index(int(links.argmax()), links.shape))
    label = f"Temporal links: strongest, {format_number(strongest)}, from slot {earlier} to slot {later}."
    caption = f"In the order of writing, after the last frame. Full colour is {format_number(strongest)}."
    return [Plot(svg("example-links", label, draw, SQUARE), caption, (), None, "Which slot follows which")]


def _modes(run: Run) -> list[Plot]:
    modes = array(run, "example_read_modes")
    if modes is None or modes.shape[2] != len(_MODES):
        return []
    heads = modes.shape[1]
    plots = []
    for head in range(heads):
        lines = [(name, colour, modes[:, head, at]) for at, (name, colour) in enumerate(_MODES)]
        title = "How it finds what it reads" + (f", head {head + 1}" if heads > 1 else "")
        caption = "Shares of reading along the links, backward or forward, and by content."
        plots.append(_lines(f"example-modes-{head}", title, caption, lines))
    return plots


def _gates(run: Run) -> list[Plot]:
    curves = (
        ("written", "s1", array(run, "example_write_gate")),
        ("of it into free slots", "s2", array(run, "example_allocation_gate")),
    )
    # as with the weights of writing, frame t reports the write of frame t - 1
    lines = [(name, colour, values[1:]) for name, colour, values in curves if values is not None and len(values) > 1]
    if not lines:
        return []
    caption = "How far each frame is written at all, and how much of that goes where memory is free."
    return [_lines("example-gates", "How much of each frame is written", caption, lines, missing=1)]


def _lines(name: str, title: str, caption: str, lines: list[Line], missing: int = 0) -> Plot:
    count = max(len(values) for _, _, values in lines) + missing

    def draw(axes: "Axes") -> None:
        for _, colour, values in lines:
            axes.plot(range(len(values)), values, color=COLOUR[colour], linewidth=2.0, clip_on=False)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        whole_numbers(axes, count)
        words(axes, x="frame", y="share")

    ends = ", ".join(f"{what} {format_number(float(values[-1]))}" for what, _, values in lines)
    legend = tuple(Key(what, colour, "━") for what, colour, _ in lines)
    return Plot(svg(name, f"{title}; at the end: {ends}.", draw, SQUARE), caption, legend, None, title)
