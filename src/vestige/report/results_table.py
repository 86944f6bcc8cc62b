"""The rows of a run's table of results, for the page and for the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vestige.report.files import mapping
from vestige.report.metrics import metric, ordered
from vestige.report.numbers import number
from vestige.report.run import Run, read_run


@dataclass(frozen=True)
class ResultRow:
    """One metric: our value beside the published ones (by model), the best possible and mere chance.

    A metric that somebody else reaches on the same data has its value in `baseline`, and `ours` is None. `undefined`
    says that the run was evaluated and that the value is no number.
    """

    name: str
    label: str
    explanation: str
    ours: float | None
    published: Mapping[str, float | None] = field(default_factory=dict)
    best: float | None = None
    chance: float | None = None
    baseline: float | None = None
    undefined: bool = False


def rows(run: Run) -> list[ResultRow]:
    """The rows for a run that has been read; every row has the same published models."""
    ours, bounds = run.metrics, run.bounds
    models = {model: mapping(values) for model, values in mapping(run.published.get("metrics")).items()}
    published = [name for values in models.values() for name in values]
    table = []
    for name in ordered([*ours, *published]):
        about, bound = metric(name), mapping(bounds.get(name))
        published = {model: number(values.get(name)) for model, values in models.items()}
        best, chance = number(bound.get("best")), number(bound.get("chance"))
        value, theirs = ours.get(name), about.role == "baseline"
        table.append(
            ResultRow(
                name,
                about.label,
                about.explanation,
                None if theirs else value,
                published,
                best,
                chance,
                value if theirs else None,
                name in ours and value is None,
            )
        )
    return table


def results_table(folder: Path) -> list[ResultRow]:
    """The rows of the table of results of the run in `folder`; empty if nothing was evaluated yet."""
    return rows(read_run(Path(folder), arrays=False))
