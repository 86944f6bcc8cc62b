"""`vestige calibrate MODEL DATA --outcome COL`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from vestige.checks import seed
from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import simple
from vestige.cli.voice import Voice
from vestige.data.tables.options import ReadOptions, words
from vestige.errors import UsageError

if TYPE_CHECKING:
    from vestige.calibration import Calibrations


@dataclasses.dataclass(frozen=True)
class CalibrateSettings(ReadOptions, Voice):
    """Which network, which labelled rows."""

    model: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="MODEL")] = Path()
    """A .safetensors or .npz file with NAME.weight (upper, lower) and NAME.bias of each dense layer."""
    table: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")] = Path()
    """Labelled rows that the network has not seen in training, a column for each feature, as the network takes them."""
    outcome: str | None = None
    """The column of classes: their numbers, counted from 0, or their names with --classes."""
    inputs: str | None = None
    """The columns of features in the order of the network, with commas; by default all others, as they stand."""
    classes: str | None = None
    """The names of the classes in the order of the network's outputs, with commas."""
    activation: Literal["logistic", "tanh"] | None = None
    """What the hidden units compute."""
    validation: float = 0.5
    """The share of rows on which temperatures and isotonic curves are fitted; the others evaluate."""
    passes: int = 200
    """Of the sampled network."""
    seed: int = 0
    """Of the division of rows, the passes and the bootstrap."""

    def __post_init__(self):
        super().__post_init__()
        seed(self, "seed")
        if self.passes < 1:
            raise ValueError(f"passes must be at least 1, got {self.passes}")


DESCRIPTION = (
    "How far the probabilities of a trained classifier of sigmoid or tanh units can be believed, and what makes them "
    "better: plain, propagation of variances (AP2), sampled, temperature, both, isotonic."
)


def main(arguments: list[str]) -> int:
    """Print the ways side by side; nothing is written."""
    settings = simple("calibrate", DESCRIPTION, CalibrateSettings, arguments)
    settings.listen()
    if settings.model == Path() or settings.table == Path() or settings.outcome is None:
        raise UsageError(
            "which network, which rows, and which column holds the classes? vestige calibrate MODEL DATA --outcome COL"
        )
    from vestige.calibration import calibrate
    from vestige.calibration.reading import examples
    from vestige.data.tables import open_table

    table = open_table(settings.table, ReadOptions.of(settings))
    rows = examples(table, settings.outcome, inputs=words(settings.inputs), classes=words(settings.classes))
    found = calibrate(
        settings.model,
        rows.inputs,
        rows.labels,
        activation=settings.activation,
        validation=settings.validation,
        passes=settings.passes,
        seed=settings.seed,
    )
    if settings.json:
        ways = {name: {**way._asdict(), **_numbers(way)} for name, way in found.ways.items()}
        plain = {"sentence": found.sentence(), "temperatures": found.temperatures, "fitted_on": found.fitted_on}
        settings.print_json({**plain, "evaluated_on": len(found.test_rows), "ways": ways})
        return 0
    _show(found)
    return 0


def _numbers(way: object) -> dict[str, dict[str, float]]:
    return {name: getattr(way, name)._asdict() for name in ("error", "nll", "brier", "ece")}


def _show(found: "Calibrations") -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(found.sentence(), markup=False)
    console.print(
        f"Evaluated on {len(found.test_rows):,} rows, 95% intervals; temperature and isotonic are fitted on "
        f"{found.fitted_on:,} others."
    )
    rows = [
        [name, *(f"{each.value:.3f} ({each.low:.3f}–{each.high:.3f})" for each in (way.nll, way.ece, way.error))]
        for name, way in found.ways.items()
    ]
    print_grid(Grid(["way", "loss, nats", "calibration error", "error"], rows), console)
    plain = found.ways["plain"]
    console.print(
        f"A perfect network with these confidences would have a calibration error of {plain.ece_if_perfect:.3f}."
    )
