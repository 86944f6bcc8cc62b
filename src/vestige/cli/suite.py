"""`vestige compare SUITE`: several experiments, each with several settings, in one table."""

import dataclasses
from pathlib import Path
from typing import Any

from vestige.checks import at_least, finite
from vestige.cli.parse import RunSettings, command_line, default_folder, simple
from vestige.cli.run import performer
from vestige.runs.folder import make, need_free
from vestige.runs.suites import SUITES, Suite
from vestige.storage.durable import sweep
from vestige.storage.locking import FolderLock
from vestige.storage.results import RESULTS, write_results


@dataclasses.dataclass(frozen=True)
class SuiteSettings(RunSettings):
    """Which part of the table, beside where and how."""

    tasks: str = "all"
    """Experiments, with commas between them, or all."""
    memories: str = "all"
    """Memories, with commas between them, or all."""
    steps: int | None = None
    """Updates of every run; by default those of the preset."""

    def __post_init__(self):
        super().__post_init__()
        finite(self)
        at_least(self, 0, "steps")


def main(name: str, arguments: list[str]) -> int:
    """Run every cell with every seed, row by row; the table grows as rows are finished.

    With `--resume`, what is finished is taken as it is, and what was cut goes on.

    **Arguments:**

    - `name`: of the suite.
    - `arguments`: the words after it.

    **Returns:** the exit code.
    """
    suite = SUITES[name]
    settings = simple(f"compare {name}", f"{suite.title}: {suite.summary}.", SuiteSettings, arguments)
    settings.listen()
    folder = settings.out or default_folder(f"{name}-{settings.preset}", resume=settings.resume)
    need_free(folder, resume=settings.resume)
    rows, columns = suite.rows(settings.tasks), suite.columns(settings.memories)
    for entry in rows:
        entry.preset(settings.preset)
    results: dict[str, Any] = {}
    make(folder)
    with FolderLock(folder, notice=settings.warn):
        sweep(folder)
        for entry in rows:
            _row(suite, entry, columns, settings, folder)
            results = _table(suite, columns, folder)
    if settings.json:
        settings.print_json({"folder": str(folder), "report": str(folder / "report.html"), **results})
        return 0
    _show(results)
    print(f"report: {folder / 'report.html'}")
    return 0


def _show(results: dict[str, Any]) -> None:
    """The table as it is where the terminal is wide enough; else in another direction, or in parts."""
    from rich.console import Console
    from rich.text import Text

    from vestige.cli.grid import Grid, print_grid
    from vestige.report.matrix_table import matrix_table

    console, table = Console(highlight=False), matrix_table(results)
    if table.__rich_measure__(console, console.options.update(max_width=10_000)).maximum <= console.width:
        console.print(table)
        return
    plain = lambda cell: Text.from_markup(str(cell)).plain
    cells = [[plain(cell) for cell in column.cells] for column in table.columns]
    rows = [list(row) for row in zip(*cells, strict=True)]
    headings = [plain(column.header) for column in table.columns]
    print_grid(Grid(headings, rows, plain(table.title), plain(table.caption)), console)


def _row(suite: Suite, entry: Any, columns: list[str], settings: SuiteSettings, folder: Path) -> None:
    """One experiment with all settings."""
    from vestige.report import write_report
    from vestige.runs.comparison import compare

    members = suite.experiments(entry, columns, preset=settings.preset)
    if settings.steps is not None:
        members = {name: dataclasses.replace(each, steps=settings.steps) for name, each in members.items()}
    compare(
        entry,
        members,
        vary=suite.vary,
        seeds=[settings.seed + i for i in range(settings.seeds)],
        folder=folder / entry.name,
        command=command_line(),
        resume=True,  # the folder itself is new, or is to be gone on with
        perform=performer(dataclasses.replace(settings, resume=True), folder, longer=settings.steps is not None),
    )
    for where in sorted((folder / entry.name).glob("*/seed-*")):
        write_report(where)
    write_report(folder / entry.name)


def _table(suite: Suite, columns: list[str], folder: Path) -> dict[str, Any]:
    """The table of all available rows, whichever were requested."""
    from vestige.report.matrix_page import write_matrix
    from vestige.runs.matrix import matrix

    there = [entry for entry in suite.entries if (folder / entry.name / RESULTS).exists()]
    results = matrix(suite, there, columns, folder, command=command_line())
    results = write_results(folder / RESULTS, results)
    write_matrix(results, folder)
    return results
