"""What commands take that apply a finished run to a table."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from vestige.cli.voice import Voice
from vestige.data.tables.options import ReadOptions


@dataclasses.dataclass(frozen=True)
class RunOnTable(ReadOptions, Voice):
    """Which run, which table, and where what is found goes."""

    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")] = Path()
    """The run folder; finished, interrupted or still running. Its own data need not be there."""
    table: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")] = Path()
    """A table with the columns of the training, found by name, or an array."""
    out: Path | None = None
    """Where to: FILE.csv, FILE.tsv or FILE.parquet; FILE.csv.card.json beside it says what it is."""
    force: bool = False
    """Replace files that exist."""

    def read_options(self) -> ReadOptions:
        """How the table is read."""
        return ReadOptions.of(self)
