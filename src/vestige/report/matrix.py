"""Several experiments by several memories, read from one file of results."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestige.report.files import inside, mapping, read_results
from vestige.report.metric_facts import Metric
from vestige.report.metrics import lower_is_better, metric
from vestige.report.numbers import number
from vestige.report.ranking import Ranking, ranking


@dataclass(frozen=True)
class Cell:
    """One memory on one task: the median over seeds, its range, what was published, and how good that is.

    `good` is 1 at the best possible, 0 at chance and beyond, None where one of the two is unknown. `best` marks the
    best of the row, and those that the seeds do not show to be worse; nothing where none is shown to be worse.
    """

    median: float | None
    low: float | None
    high: float | None
    published: float | None
    good: float | None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One task: the metric by which it is evaluated, a cell for each memory (None: not run), where to read more, and
    who is ahead, as far as the seeds support it."""

    name: str
    metric: Metric
    cells: tuple[Cell | None, ...]
    link: str | None
    ranks: Ranking
    seeds: int
    """Of the memory with the fewest."""


@dataclass(frozen=True)
class Speed:
    """What a memory costs: milliseconds an update, that as a multiple of the first memory's, and parameters."""

    milliseconds: float | None
    ratio: float | None
    parameters: float | None


def is_matrix(folder: Path) -> bool:
    """Whether the folder's results are those of a matrix."""
    results = read_results(folder) or {}
    return isinstance(results.get("rows"), list) and isinstance(results.get("columns"), list)


def columns(results: Mapping[str, Any]) -> list[str]:
    """The memories, in their order."""
    return _texts(results.get("columns"))


def matrix_rows(results: Mapping[str, Any]) -> list[Row]:
    """A row for each task, in order; every row has a cell for every column."""
    named = mapping(results.get("metric"))
    return [_row(results, name, metric(str(named.get(name, "")))) for name in _texts(results.get("rows"))]


def speeds(results: Mapping[str, Any]) -> list[Speed]:
    """What each column costs; empty where no column says."""
    reported = mapping(results.get("speed"))
    names = list(Speed.__dataclass_fields__)
    found = [Speed(*(number(mapping(reported.get(column)).get(name)) for name in names)) for column in columns(results)]
    return found if any(speed != Speed(None, None, None) for speed in found) else []


def _row(results: Mapping[str, Any], name: str, headline: Metric) -> Row:
    reported = mapping(mapping(results.get("cells")).get(name))
    cells = {column: mapping(reported.get(column)) for column in columns(results)}
    values = {column: _values(cell) for column, cell in cells.items() if number(cell.get("median")) is not None}
    levels = next(({"best": cell.get("ideal"), "chance": cell.get("chance")} for cell in cells.values() if cell), None)
    lower = lower_is_better(headline.name, levels)
    ranks = Ranking((), ()) if lower is None else ranking(values, lower=lower)
    links = [str(cell["link"]) for cell in cells.values() if cell.get("link") and inside(str(cell["link"]))]
    found = tuple(_cell(cell, column in ranks.marked) for column, cell in cells.items())
    fewest = min(map(len, values.values()), default=0)
    return Row(name, headline, found, links[0] if links else None, ranks, fewest)


def _values(cell: Mapping[str, Any]) -> list[float]:
    """One a seed; of results that do not have them the median alone."""
    listed = cell.get("values")
    known = [value for each in listed if (value := number(each)) is not None] if isinstance(listed, list) else []
    median = number(cell.get("median"))
    return known or ([] if median is None else [median])


def _cell(cell: Mapping[str, Any], best: bool) -> Cell | None:
    median = number(cell.get("median"))
    if median is None:
        return None
    low, high, published = (number(cell.get(name)) for name in ("low", "high", "published"))
    good = _good(median, number(cell.get("ideal")), number(cell.get("chance")))
    return Cell(median, low, high, published, good, best)


def _good(value: float, ideal: float | None, chance: float | None) -> float | None:
    if ideal is None or chance is None or ideal == chance:
        return None
    return min(1.0, max(0.0, (value - chance) / (ideal - chance)))


def _texts(value: Any) -> list[str]:
    return [str(entry) for entry in value] if isinstance(value, list) else []
