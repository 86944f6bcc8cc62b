"""Curves over training that any kind of experiment may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Curve:
    """A metric, its name for people, what it is as the beginning of a sentence, and its axis."""

    metric: str
    label: str
    caption: str
    logarithmic: bool = False

    @property
    def note(self) -> str:
        """What must be said of the axis."""
        return " Logarithmic axis." if self.logarithmic else ""


CURVES = (
    Curve("loss", "Loss", "Loss"),
    Curve("accuracy", "Accuracy", "Accuracy"),
    Curve("arc_precision", "Arcs, precision", "Part of the arcs drawn that are true"),
    Curve("edge_precision", "Edges, precision", "Part of the edges drawn that are true"),
    Curve("uas", "Heads found", "Part of the words whose head is found"),
    Curve("subset_precision", "Marked words", "Part of the words drawn that people marked"),
    Curve("mse", "Squared error", "Squared error"),
    Curve("mse_ratio", "Error to the Kalman filter's", "Squared error of the readout to the Kalman filter's"),
    Curve("velocity_r2", "Velocity, R²", "What the state says of the velocity, R²,"),
    Curve("frame_error", "Error of the next frame", "Squared error of the next frame, summed over its values,"),
    Curve("log_likelihood", "Log-likelihood per step", "Log-likelihood of the next observation in nats"),
    Curve("bits_per_character", "Bits per character", "Cost of the next character in bits"),
    Curve("position_error", "Position error", "Median error of the place in pixels"),
    Curve("outcome_r2", "Outcomes, R²", "What the state says of the outcomes, R²,"),
    Curve("nll", "Negative log-likelihood", "Negative log-likelihood in nats"),
    Curve("negative_elbo", "Negative evidence bound", "Bound of the negative log-likelihood in nats"),
    Curve("error", "Error", "Part of the decisions that are wrong"),
    Curve("ece", "Calibration error", "Expected calibration error"),
    Curve("reward", "Reward", "Mean reward of an episode"),
    Curve("gradient_std", "Gradient std", "Standard deviation of one gradient estimate, mean over coordinates,", True),
)


def above_zero(points: Mapping[float, float]) -> dict[float, float]:
    """The points that a logarithmic axis can show."""
    return {at: value for at, value in points.items() if value > 0}


def logarithmic_height(axes: "Axes") -> None:
    """Make the vertical axis logarithmic, with few plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = (1.0,) if high / low > 30 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
