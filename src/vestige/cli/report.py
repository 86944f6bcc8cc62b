"""`vestige report RUN`."""

import dataclasses
import os
from pathlib import Path

import tyro

from vestige.cli.parse import simple


@dataclasses.dataclass(frozen=True)
class ReportSettings:
    """Which run."""

    folder: tyro.conf.Positional[Path]
    """The folder of a run or of a comparison."""


def main(arguments: list[str]) -> int:
    """Write the page from what the folder holds. A run that is still going gets one from its newest
    checkpoint; training is not disturbed."""
    settings = simple("report", "Write report.html of a finished or running run.", ReportSettings, arguments)
    from vestige.experiments.folder import RESULTS, read_config
    from vestige.report import write_report

    if not os.path.lexists(settings.folder / RESULTS):
        from vestige.cli.environment import enable_compilation_cache
        from vestige.experiments.restoring import picture_so_far

        read_config(settings.folder)
        enable_compilation_cache()
        for notice in picture_so_far(settings.folder):
            print(notice)
    print(f"report: {write_report(settings.folder)}")
    return 0
