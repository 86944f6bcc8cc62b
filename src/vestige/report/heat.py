"""Matrices as heat maps of one colour."""

from typing import TYPE_CHECKING

from vestige.report.numbers import format_number
from vestige.report.plot import SQUARE, Plot, svg, whole_numbers, words
from vestige.report.run import Run

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

# The one colour of the heat maps; mixed by opacity, it is readable on white as on black.
_HUE = (0x2F, 0x7B, 0xE0)


def heat_image(weights: "np.ndarray", strongest: float) -> "np.ndarray":
    """The colours `(rows, columns, 4)` of weights from 0 to `strongest`."""
    import numpy as np

    shown = np.clip(weights / strongest if strongest > 0 else weights, 0.0, 1.0)
    image = np.zeros((*weights.shape, 4), dtype=np.uint8)
    image[..., :3] = _HUE
    image[..., 3] = np.round(255 * shown)
    return image


def framed(axes: "Axes") -> None:
    """Prepare the axes for a heat map: a frame all around instead of lines across."""
    axes.grid(False)
    for side in ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(True)


def frequencies(run: Run) -> list[Plot]:
    """How often each entry of a random structure's value is 1."""
    import numpy as np

    array = run.arrays.get("frequencies")
    if array is None or array.ndim != 2 or array.size == 0 or array.dtype.kind not in "iuf":
        return []
    shown = np.nan_to_num(array.astype(np.float64))
    rows, columns = shown.shape
    image = heat_image(shown, 1.0)

    def draw(axes: "Axes") -> None:
        framed(axes)
        axes.imshow(image, origin="upper", aspect="auto", interpolation="none")
        whole_numbers(axes, columns)
        axes.set_yticks(range(0, rows, max(1, -(-rows // 12))))
        axes.set_ylim(rows - 0.5, -0.5)
        words(axes, x="column", y="row")

    row, column = np.unravel_index(int(shown.argmax()), shown.shape)
    label = f"Frequencies of the entries of a draw: the highest, {format_number(float(shown.max()))}, "
    label += f"in row {row}, column {column}."
    caption = "How often each entry of a draw is 1, over many draws from the learned distribution. Full colour: always."
    return [Plot(svg("frequencies", label, draw, SQUARE), caption, (), None, "What it draws")]
