"""The rows of a run's table of results, for the page and for the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vestige.report.files import mapping
from vestige.report.metric_facts import Metric
from vestige.report.metrics import lower_is_better, metric, ordered
from vestige.report.numbers import format_alike, number
from vestige.report.run import Run, read_run

NOT_FINITE = "NaN or ∞"
"""What stands for a value that is no finite number; the files do not say which of the two it is."""


@dataclass(frozen=True)
class ResultRow:
    """One metric: our value beside the published ones (by model), the best possible, mere chance, and what others reach
    on the same data (`baselines`, by whose value it is).

    A baseline of a metric that was not measured has a row of its own, whose value is in `baselines`, with `ours` None.
    `undefined` says that the run was evaluated and that the value is no finite number.
    """

    name: str
    label: str
    explanation: str
    ours: float | None
    published: Mapping[str, float | None] = field(default_factory=dict)
    best: float | None = None
    chance: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    undefined: bool = False

    @property
    def baseline(self) -> float | None:
        """The strongest of the baselines; of those without a direction the first; None where there is none."""
        lower = lower_is_better(self.name, {"best": self.best, "chance": self.chance})
        values = list(self.baselines.values())
        return next(iter(values), None) if lower is None else (min if lower else max)(values, default=None)

    @property
    def texts(self) -> dict[str, str]:
        """`ours`, `best`, `chance`, `baseline` and each baseline by its name, with the digits that keep them apart."""
        stated = {"best": self.best, "chance": self.chance, "baseline": self.baseline, **self.baselines}
        ours, *others = format_alike([self.ours, *stated.values()])
        return {"ours": NOT_FINITE if self.undefined else ours, **dict(zip(stated, others, strict=True))}


def rows(run: Run) -> list[ResultRow]:
    """The rows for a run that has been read; every row has the same published models."""
    ours, bounds = run.metrics, run.bounds
    models = {model: mapping(values) for model, values in mapping(run.published.get("metrics")).items()}
    names = ordered([*ours, *(name for values in models.values() for name in values)])
    of = {name: metric(name).of for name in names}
    return [
        _row(metric(name), ours, mapping(bounds.get(name)), models, [other for other in names if of[other] == name])
        for name in names
        if of[name] not in names
    ]


def _row(
    about: Metric,
    ours: Mapping[str, float | None],
    bound: Mapping[str, Any],
    models: Mapping[str, Mapping[str, Any]],
    others: list[str],
) -> ResultRow:
    """The row of one metric; `others` are the baselines and constants that are values of it."""
    value, theirs = ours.get(about.name), about.role in ("baseline", "constant")
    best, chance = number(bound.get("best")), number(bound.get("chance"))
    baselines = {about.who or about.label: value} if theirs and value is not None else {}
    for other in map(metric, others):
        reached = ours.get(other.name)
        if reached is not None and other.role == "constant":
            best = reached if best is None else best
        elif reached is not None:
            baselines[other.who] = reached
    return ResultRow(
        about.name,
        about.label,
        about.explanation,
        None if theirs else value,
        {model: number(values.get(about.name)) for model, values in models.items()},
        about.best if best is None and value is not None else best,
        chance,
        baselines,
        about.name in ours and value is None,
    )


def results_table(folder: Path) -> list[ResultRow]:
    """The rows of the table of results of the run in `folder`; empty if nothing was evaluated yet."""
    return rows(read_run(Path(folder), arrays=False))
