"""A network that runs both ways: what it makes, fills in and looks for, and whether its two directions agree."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.numbers import format_number
from vestige.report.pictures import ImageGrid, pieces
from vestige.report.plot import COLOUR, SMALL, SQUARE, Key, Plot, svg, words
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_WAYS = (
    ("ap1", "as it is (AP1)", "accent", "●", "o"),
    ("ap2", "with variances (AP2)", "s2", "■", "s"),
    ("sampled", "sampled", "s3", "▲", "^"),
)
_ACROSS = 10


def made(run: Run) -> list[ImageGrid]:
    """Pictures that the arrays allow."""
    found = [_classes(run), _limiting(run), _again(run), _filled(run), _filters(run)]
    return [grid for grid in found if grid is not None]


def agreement(run: Run) -> list[Plot]:
    """Whether its probabilities can be believed, and how far its directions are apart."""
    found = [_reliability(run), _gaps(run)]
    return [plot for plot in found if plot is not None]


def _image_grid(name: str, title: str, caption: str, rows: "list[tuple[str, np.ndarray]]") -> ImageGrid:
    """Named rows of pictures, one below the other, numbered from 0."""
    count = min(len(frames) for _, frames in rows)
    return ImageGrid(name, title, caption, (pieces(rows, ["fresh"] * count, length=_ACROSS),))


def _classes(run: Run) -> ImageGrid | None:
    samples = array(run, "class_samples")
    if samples is None:
        return None
    labelled = "error" in run.metrics
    shown = samples.swapaxes(0, 1) if labelled else samples
    rows = [(f"draw {place + 1}", row) for place, row in enumerate(shown)]
    caption = (
        "A column for each class, a row for each draw." if labelled else "Drawn from the generation network alone."
    )
    caption += " Probabilities of the pixels; the hidden layers are sampled."
    return _image_grid("class-samples", "What it makes", caption, rows)


def _limiting(run: Run) -> ImageGrid | None:
    samples = array(run, "limiting_samples")
    if samples is None:
        return None
    caption = "What it makes, after 50 rounds up and down, every layer sampled: the same kind of pictures if both "
    caption += "directions are one joint model."
    return _image_grid("limiting-samples", "Where it drifts", caption, [("after 50 rounds", samples)])


def _again(run: Run) -> ImageGrid | None:
    shown, again = array(run, "shown"), array(run, "reconstructed")
    if shown is None or again is None or shown.shape != again.shape:
        return None
    caption = "Above: data; below: the same, up to the top layer and down again, by means."
    return _image_grid("reconstructed", "What it makes again", caption, [("data", shown), ("reconstruction", again)])


def _filled(run: Run) -> ImageGrid | None:
    given, filled, shown = array(run, "given_half"), array(run, "inpainted"), array(run, "shown")
    if given is None or filled is None or shown is None or not given.shape == filled.shape == shown.shape:
        return None
    caption = "Above: what is given, grey where nothing is; then what it fills in; below: what really was there."
    rows = [("given", given), ("filled in", filled), ("data", shown)]
    return _image_grid("inpainted", "What it fills in", caption, rows)


def _filters(run: Run) -> ImageGrid | None:
    filters = array(run, "filters")
    if filters is None:
        return None
    across = min(_ACROSS, len(filters))
    rows = [(f"weights {n + 1}", filters[n * across : (n + 1) * across]) for n in range(len(filters) // across)]
    caption = (
        "Weights of the first connection, a picture for each unit of layer 1, the strongest first: light positive, "
    )
    return _image_grid("filters", "What it looks for", caption + "dark negative, grey zero.", rows)


def _reliability(run: Run) -> Plot | None:
    found = [(array(run, f"reliability_{name}"), *labels) for name, *labels in _WAYS]
    ways = [(table, *labels) for table, *labels in found if table is not None and len(table) == 3]
    if not ways:
        return None

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=COLOUR["muted"], linewidth=1.2, linestyle=(0, (1, 2.5)))
        for (confidence, accuracy, share), _, colour, _, marker in ways:
            there = share > 0
            axes.plot(
                confidence[there], accuracy[there], color=COLOUR[colour], linewidth=1.6, marker=marker, markersize=5,
                markeredgewidth=0, clip_on=False,
            )  # fmt: skip
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        words(axes, x="confidence", y="accuracy")

    errors = [float((share * abs(accuracy - confidence)).sum()) for (confidence, accuracy, share), *_ in ways]
    text = ", ".join(f"{way[1]} {format_number(error)}" for way, error in zip(ways, errors, strict=True))
    caption = "Decisions sorted by their probability, against how often they are right. Dotted: as it should be. "
    caption += f"Expected calibration error: {text}."
    legend = tuple(Key(name, colour, sign) for _, name, colour, sign, _ in ways)
    figure = svg("reliability", f"Reliability diagram. Expected calibration error: {text}.", draw, SQUARE)
    return Plot(figure, caption, legend, None, "Its probabilities")


def _gaps(run: Run) -> Plot | None:
    gaps = array(run, "gap_by_layer")
    if gaps is None:
        return None
    layers = [str(k) for k in range(1, len(gaps) + 1)]

    def draw(axes: "Axes") -> None:
        axes.bar(layers, list(gaps), color=COLOUR["accent"], width=0.5)
        axes.axhline(0, color=COLOUR["grid"], linewidth=1)
        words(axes, x="layer", y="nats")

    text = ", ".join(f"layer {k} {format_number(float(gap))}" for k, gap in zip(layers, gaps, strict=True))
    caption = (
        "How far recognition is from the posterior of the generation network: KL(q ‖ p) of each layer given the one"
    )
    caption += f" below, in nats; {format_number(float(gaps.sum()))} in all. Zero: one joint model."
    return Plot(svg("gaps", f"Consistency gap: {text}.", draw, SMALL), caption, (), None, "Its two directions")
