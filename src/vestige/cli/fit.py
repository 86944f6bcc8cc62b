"""`vestige fit DATA`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from vestige.cli.environment import set_up_compilation
from vestige.cli.grid import Grid, print_grid
from vestige.cli.parse import Sinks, command_line, default_folder, simple
from vestige.cli.table_options import pairs
from vestige.cli.tables import print_uses
from vestige.cli.voice import Voice
from vestige.data.tables.options import ReadOptions
from vestige.errors import UsageError
from vestige.runs.fits.kinds import DataKind

if TYPE_CHECKING:
    from vestige.runs.fits.fitting import Fitted

DESCRIPTION = (
    "Train a model on a file, chosen by the file itself, and say whether it was worth it: it is compared with simple "
    "baselines on a part that is held out. The run is an ordinary one, of the experiment that suits the kind of data."
)


@dataclasses.dataclass(frozen=True)
class FitSettings(ReadOptions, Voice):
    """Which table, and what is known of it. Names of columns have commas between them."""

    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")] = Path()
    """A table with a row for each step in time: CSV, TSV (also .gz), Parquet, Arrow, Zarr; an .npy file; or a film,
    an .npy file (frames, height, width)."""
    kind: Annotated[DataKind, tyro.conf.arg(name="as")] = "auto"
    """What the table is taken for; auto: as its columns suggest."""
    out: Path | None = None
    """The run folder; by default a new one under runs/."""
    inputs: str | None = None
    """Columns that are observed and predicted; without it all numbers, counts and bits."""
    outcomes: str | None = None
    """Columns that are read out of the model's states."""
    document: str | None = None
    """The column whose value changes where a recording (session, subject) begins."""
    ignore: str | None = None
    """Columns without a use."""
    time: str | None = None
    """The column of times, which is not predicted."""
    kind_of: Annotated[str | None, tyro.conf.arg(name="kind")] = None
    """Kinds of columns, COL=number|count|bit, with commas between them."""
    held_out: float = 0.2
    """The last share of each recording, on which the model is compared."""
    steps: int | None = None
    """Updates at most; by default as many as the length of the file suggests."""
    season: int | None = None
    """Steps after which things repeat; by default it is looked for."""
    horizon: int | None = None
    """Steps ahead that forecasts are for, up to which direct heads are tried; 0: none; by default 96, or what the
    length of the file suggests."""
    seed: int = 0
    """Of the run."""
    resume: bool = False
    """Go on with the run in the folder."""
    sink: Sinks = ()
    """Also send the log to another program; may be given twice."""


def main(arguments: list[str]) -> int:
    """Train a model on a table, print who predicts it how well, and write the report."""
    settings = simple("fit", DESCRIPTION, FitSettings, arguments)
    settings.listen()
    if settings.source == Path():
        raise UsageError("which table? vestige fit DATA")
    from vestige.checks import seed

    try:
        seed(settings, "seed")
    except ValueError as error:
        raise UsageError(str(error)) from error
    set_up_compilation()
    from vestige.report import write_report
    from vestige.report.verdict import verdict_of
    from vestige.runs.fits.fitting import fit_table

    stem = f"fit-{settings.source.name.split('.')[0]}"
    folder = settings.out or default_folder(stem, resume=settings.resume)
    given = dataclasses.asdict(settings)
    names = ("kind", "inputs", "outcomes", "document", "time", "held_out", "steps", "season", "horizon")
    fitted = fit_table(
        settings.source,
        folder,
        ignored=settings.ignore,
        kinds=pairs("kind", settings.kind_of),
        reading=ReadOptions.of(settings),
        command=command_line(),
        progress=settings.progress,
        note=settings.note,
        sinks=settings.sink,
        **{name: given[name] for name in (*names, "seed", "resume")},
    )
    page = write_report(folder)
    if settings.json:
        settings.print_json(fitted.as_plain())
        return 0
    _show(fitted)
    print_uses(folder, verdict_of(folder).commands)
    print(f"report: {page}")
    return 0


def _show(fitted: "Fitted") -> None:
    console = Console(highlight=False)
    found = fitted.comparison
    rows = [list(row) for row in found.cells()]
    print_grid(Grid(["", *found.shown], rows, f"{fitted.folder}: {found.title}", prose=frozenset({0})), console)
    console.print(fitted.sentence, soft_wrap=True, markup=False)
