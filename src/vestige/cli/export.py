"""`vestige export RUN --out FOLDER`."""

import dataclasses
import sys
from pathlib import Path

import tyro

from vestige.cli.environment import set_up_compilation
from vestige.cli.parse import simple
from vestige.errors import UsageError


@dataclasses.dataclass(frozen=True)
class ExportSettings:
    """Which run, and where to."""

    folder: tyro.conf.Positional[Path]
    """The run folder."""
    out: Path | None = None
    """The folder to write, which must not exist or be empty. By default export in the run folder."""
    licence: str | None = None
    """Under which the weights are given on, for the card."""


def main(arguments: list[str]) -> int:
    """Write weights, card and program of a run; the run folder is only read."""
    says = "A run for others: weights as safetensors, a card, and what the model computes as StableHLO."
    settings = simple("export", says, ExportSettings, arguments)
    if settings.licence is not None and not settings.licence.strip():
        raise UsageError("--licence must say something, such as CC-BY-4.0, got an empty text")
    set_up_compilation()
    from vestige.runs.export_card import LICENCE
    from vestige.runs.exporting import export
    from vestige.runs.restoring import load_for_use

    run = load_for_use(settings.folder)
    out = settings.out or settings.folder / "export"
    card = export(run, out, licence=settings.licence or LICENCE)
    for notice in run.notices:
        print(notice, file=sys.stderr)
    program = card["program"]
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"{out}: {card['parameters']:,} parameters after {run.step:,} updates, {size / 1e6:.2g} MB.")
    print(f"{program['file']}: {program['says']}" if program else "No program: this model computes none for its users.")
    print(f"vestige.load({str(out)!r}) reads it; {out / 'README.md'} says the rest.")
    return 0
