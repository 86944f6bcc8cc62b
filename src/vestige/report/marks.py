"""What marks a frame-by-frame figure: the frames that repeat, and the best that is possible."""

from typing import TYPE_CHECKING, Any

from vestige.report.files import mapping
from vestige.report.numbers import number
from vestige.report.plot import COLOUR, Key

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORACLE = Key("the best possible", "muted", "╌")
REPEATS = Key("frames that repeat earlier ones", "shade", "■")


def shade(axes: "Axes", start: int | None, count: int) -> None:
    """Shade on `axes` the frames from `start` on, of `count`, which repeat earlier ones."""
    if start is not None and 0 < start < count:
        axes.axvspan(start - 0.5, count - 0.5, color=COLOUR["shade"], linewidth=0, zorder=0)


def oracle(bounds: Any, count: int) -> list[float]:
    """The lowest possible KL per frame out of `bounds`, if it is known for `count` frames."""
    values = mapping(mapping(bounds).get("curves")).get("kl_per_frame")
    known = [number(value) for value in values] if isinstance(values, list) else []
    found = [value for value in known if value is not None]
    return found if len(found) == len(known) == count else []
