"""`vestige score RUN DATA --out FILE`."""

import dataclasses
from pathlib import Path

from vestige.cli.environment import set_up_compilation
from vestige.cli.parse import simple
from vestige.cli.run_on_table import RunOnTable
from vestige.errors import UsageError


@dataclasses.dataclass(frozen=True)
class ScoreSettings(RunOnTable):
    """Which run, which table, and where the scores go."""

    alarms: float = 0.01
    """The share of steps like the held-out ones of the training that may be alarms."""


DESCRIPTION = (
    "How surprising every step of a table is, beside the held-out steps of the training: surprise in nats, its tail "
    "(conformal p-value), and where it is an alarm. For runs of the experiments recordings, stream (of which outcomes "
    "are scored) and labelled (of which rows are)."
)


def main(arguments: list[str]) -> int:
    """Write scores of a table and print how many alarms there are; the run folder is only read."""
    settings = simple("score", DESCRIPTION, ScoreSettings, arguments)
    settings.listen()
    if settings.folder == Path() or settings.table == Path() or settings.out is None:
        raise UsageError("which run, which table, and where to? vestige score RUN DATA --out FILE.csv")
    if not 0 < settings.alarms < 1:
        raise UsageError(f"--alarms, the share of steps, must be in (0, 1), such as 0.01, got {settings.alarms:g}")
    from vestige.runs.predicting import check_out
    from vestige.runs.scoring import write_scores

    check_out(settings.out, str(settings.table), force=settings.force)
    set_up_compilation()
    from vestige.runs.restoring import load

    run = load(settings.folder, without_data=True)
    predictions = run.surprises(settings.table, options=settings.read_options())
    summary = write_scores(predictions, settings.out, run=run, alarms=settings.alarms, force=settings.force)
    for notice in [*run.notices, *predictions.notices]:
        settings.warn(notice)
    if settings.json:
        settings.print_json({"update": run.step, **summary._asdict()})
        return 0
    print(f"{settings.out}: {summary.sentence(settings.alarms)}")
    return 0
