"""The page of several experiments by several memories."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vestige.report.files import REPORT, RESULTS, mapping, need_folder, read_results, replace_text
from vestige.report.matrix import columns, matrix_rows, speeds
from vestige.report.matrix_verdict import matrix_verdict
from vestige.report.numbers import format_count, format_number, format_times
from vestige.report.templates import render


def write_matrix(results: Mapping[str, Any], folder: Path) -> Path:
    """Write `report.html` of the given results into `folder`, in which they lie as `results.json`.

    **Arguments:**

    - `results`: `title`, `rows` (tasks), `columns` (memories), `metric` (by task), `cells` (by task and memory:
        `median`, `low`, `high`, `published`, `ideal`, `chance`, `link`), `speed` (by memory: `milliseconds`, `ratio`,
        `parameters`), `command`, `versions`. Whatever is missing is left out; a missing cell is a dash.
    - `folder`: links are relative to it.

    **Returns:** where the page is. **Raises** `UsageError` where there is no such folder, `RunError` where the page
    cannot be written.
    """
    folder = need_folder(Path(folder))
    return replace_text(folder / REPORT, _page(results, folder))


def matrix_page(folder: Path) -> str:
    """The page of the matrix in `folder`, as text."""
    return _page(read_results(folder) or {}, folder)


def _page(results: Mapping[str, Any], folder: Path) -> str:
    rows, names, costs = matrix_rows(results), columns(results), speeds(results)
    metrics = {row.metric.name: row.metric for row in rows}
    return render(
        "matrix.html",
        title=str(results.get("title") or folder.name),
        verdict=matrix_verdict(results),
        sentence=_sentence(len(rows), len(names), sum(cell is None for row in rows for cell in row.cells)),
        columns=names,
        rows=[(row, f"./{quote(row.link)}" if row.link else None) for row in rows],
        spread=any(cell.low != cell.high for row in rows for cell in row.cells if cell),
        published=any(cell.published is not None for row in rows for cell in row.cells if cell),
        shaded=any(cell.good is not None for row in rows for cell in row.cells if cell),
        times=[
            (format_number(cost.milliseconds), format_times(cost.ratio) if cost.ratio is not None else "")
            for cost in costs
        ],
        parameters=[format_count(cost.parameters) for cost in costs],
        metrics=list(metrics.values()),
        command=results.get("command"),
        versions=[(name, str(version)) for name, version in mapping(results.get("versions")).items()],
        files=[RESULTS],
        notes=[],
    )


def _sentence(rows: int, names: int, missing: int) -> str:
    text = f"{rows} task{'s' if rows != 1 else ''} by {names} memor{'ies' if names != 1 else 'y'}"
    return text + (f"; {missing} of {rows * names} not run yet." if missing else ".")
