"""What a filter sees, what it takes it for, what its state does, and what it generates."""

from typing import TYPE_CHECKING

from vestige.report.arrays import array
from vestige.report.frame_heat import rungs
from vestige.report.heat import framed, heat_image
from vestige.report.numbers import format_number
from vestige.report.plot import COLOUR, SMALL, WIDE, Plot, svg, words
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

_ROLLS = (
    ("filter_seen", "What it sees", "A sequence that it was not trained on."),
    ("filter_denoised", "What it takes it for", "The observation that each state stands for, its noise gone."),
    ("filter_predicted", "What it predicted", "The observation that the state before each step led it to expect."),
    (
        "filter_generated",
        "What it generates",
        "A sequence drawn from the model, against time, from the last state back.",
    ),
)
_UNITS = 24  # of a state that are shown
_WIDEST = 120  # values of an observation that a roll shows; more are images, and stand among the pictures


def filtering(run: Run) -> list[Plot]:
    """What the arrays of a run with a filter allow."""
    rolls = [_roll(run, *roll) for roll in _ROLLS]
    return [plot for plot in (*rolls, _state(run), _delays(run), _fields(run)) if plot is not None]


def _roll(run: Run, name: str, title: str, caption: str) -> Plot | None:
    values = array(run, name)
    if values is None or values.shape[1] > _WIDEST:
        return None
    return _heat(name, title, caption, values, x="step", y="unit")


def _state(run: Run) -> Plot | None:
    import numpy as np

    values = array(run, "filter_state")
    if values is None:
        return None
    liveliest = np.sort(np.argsort(-values.std(axis=0))[:_UNITS])
    caption = f"The {len(liveliest)} units of the state that change most, on the same sequence."
    return _heat("filter_state", "What it holds", caption, values[:, liveliest], x="step", y="unit")


def _heat(name: str, title: str, caption: str, values: "np.ndarray", *, x: str, y: str) -> Plot:
    """Columns are the first axis of `values`, rows the second; colour from the least to nearly the largest value."""
    import numpy as np

    columns, rows = values.shape
    low, high = float(values.min()), float(np.quantile(values, 0.998))  # one outlier must not bleach the rest
    image = heat_image(values.T - low, high - low)

    def draw(axes: "Axes") -> None:
        framed(axes)
        axes.imshow(image, origin="lower", aspect="auto", interpolation="none")
        axes.set_yticks(rungs(rows, 0))
        words(axes, x=x, y=y)

    text = f"from {format_number(low)} (no colour) to {format_number(high)} (full)"
    label = f"{title}: {rows} by {columns} values, {text}."
    figure = svg(name.replace("_", "-"), label, draw, WIDE)
    return Plot(svg(name.replace("_", "-"), label, draw, SMALL), f"{caption} Values {text}.", (), figure, title)


def _delays(run: Run) -> Plot | None:
    values = array(run, "delayed_r2")
    if values is None or len(values) < 2:
        return None

    def draw(axes: "Axes") -> None:
        axes.plot(range(len(values)), values, color=COLOUR["accent"], linewidth=2.0, clip_on=False)
        axes.set_ylim(min(0.0, float(values.min())), 1)
        words(axes, x="steps ago", y="R²")

    best = int(values.argmax())
    label = f"How well the position some steps ago can be read out: best {best} steps back, R² {values[best]:.3f}."
    caption = "How well a linear readout of the state gives the position so many steps ago."
    return Plot(svg("delayed-r2", label, draw, SMALL), caption, (), None, "What it remembers")


def _fields(run: Run) -> Plot | None:
    values = array(run, "receptive_fields")
    if values is None or values.shape[1] > _WIDEST:
        return None
    caption = "Weights of the units that the input moves most, one column each."
    return _heat("receptive_fields", "Receptive fields", caption, values, x="unit", y="input")
