"""`vestige complete RUN DATA --out FILE`."""

import dataclasses
from pathlib import Path

from vestige.cli.environment import set_up_compilation
from vestige.cli.parse import simple
from vestige.cli.run_on_table import RunOnTable
from vestige.errors import UsageError


@dataclasses.dataclass(frozen=True)
class CompleteSettings(RunOnTable):
    """Which run, which table, and where it goes when it is filled in."""

    interval: float = 0.9
    """The share of samples that an interval holds."""
    particles: int = 200
    """Samples of what is missing."""
    lag: int = 2
    """Of how many further rows each of them knows: more say more, and leave fewer samples to say it."""
    seed: int = 0
    """Of the samples."""


DESCRIPTION = (
    "A table with its missing values filled in: the expected value, and an interval beside it, given what is there "
    "before, in the same row, and in some rows after. For runs of the experiments recordings and labelled."
)


def main(arguments: list[str]) -> int:
    """Write a table that is filled in and print how much was; the run folder is only read."""
    settings = simple("complete", DESCRIPTION, CompleteSettings, arguments)
    settings.listen()
    if settings.folder == Path() or settings.table == Path() or settings.out is None:
        raise UsageError("which run, which table, and where to? vestige complete RUN DATA --out FILE.csv")
    if not 0 < settings.interval < 1:
        raise UsageError(f"--interval must be in (0, 1), such as 0.9, got {settings.interval:g}")
    from vestige.runs.completing import array_suffixes, write_completed
    from vestige.runs.predicting import check_out

    check_out(settings.out, str(settings.table), force=settings.force, also=array_suffixes(str(settings.table)))
    set_up_compilation()
    from vestige.runs.restoring import load

    run = load(settings.folder, without_data=True)
    completed = run.complete(
        settings.table,
        particles=settings.particles,
        lag=settings.lag,
        seed=settings.seed,
        options=settings.read_options(),
    )
    summary = write_completed(completed, settings.out, run=run, interval=settings.interval, force=settings.force)
    for notice in [*run.notices, *completed.notices]:
        settings.warn(notice)
    if settings.json:
        settings.print_json({"update": run.step, **summary._asdict()})
        return 0
    print(f"{settings.out}: {summary.sentence()}")
    return 0
