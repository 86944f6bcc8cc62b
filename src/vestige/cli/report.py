"""`vestige report RUN`."""

import dataclasses
import os
import sys
from pathlib import Path

import tyro

from vestige.cli.parse import simple
from vestige.storage.config import read_config
from vestige.storage.results import RESULTS


@dataclasses.dataclass(frozen=True)
class ReportSettings:
    """Which run."""

    folder: tyro.conf.Positional[Path]
    """The folder of a run or of a comparison."""
    watch: bool = False
    """Serve the page on 127.0.0.1 and make it anew whenever the files change, until Ctrl-C; nothing is written."""
    port: int = 8000
    """Of the page that is served; 0: any that is free."""
    refresh: int = 5
    """Seconds after which the browser loads the page of a run that still goes on again."""


def main(arguments: list[str]) -> int:
    """Write the page from what the folder holds. A run that is still going gets one from its newest
    checkpoint; training is not disturbed."""
    settings = simple("report", "Write report.html of a finished or running run.", ReportSettings, arguments)
    if settings.watch:
        return watch(settings)
    from vestige.report import write_report
    from vestige.report.study import is_study
    from vestige.report.write import notes_of

    finished = os.path.lexists(settings.folder / RESULTS) or is_study(settings.folder)
    if not finished:
        from vestige.cli.environment import set_up_compilation
        from vestige.runs.restoring import picture_so_far

        read_config(settings.folder)
        print(f"note: {settings.folder} has no {RESULTS} yet; the page is of the run so far", file=sys.stderr)
        set_up_compilation()
        for notice in picture_so_far(settings.folder):
            print(notice, file=sys.stderr)
    page = write_report(settings.folder)
    if not finished and (settings.folder / RESULTS).exists():
        page = write_report(settings.folder)  # the run came to its end meanwhile, and wrote a page of its own
    for note in notes_of(settings.folder):
        print(f"note: {note}", file=sys.stderr)
    print(f"report: {page}")
    return 0


def watch(settings: ReportSettings) -> int:
    """Serve the page until Ctrl-C, which ends it well."""
    from vestige.cli.index import live_index
    from vestige.report.live import LivePages, serve

    pages = LivePages(settings.folder, refresh=settings.refresh, many=live_index)
    try:
        serve(
            pages,
            settings.port,
            lambda address: print(f"{address} shows {settings.folder}; Ctrl-C ends it", flush=True),
        )
    except KeyboardInterrupt:
        print("", file=sys.stderr)
    return 0
