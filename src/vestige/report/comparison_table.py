"""The rows of a comparison's table: every member's metrics over seeds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestige.report.comparison import Comparison, Member, read_comparison
from vestige.report.files import mapping
from vestige.report.metrics import lower_is_better, ordered
from vestige.report.numbers import number
from vestige.report.ranking import ranking


@dataclass(frozen=True)
class Spread:
    """The median over seeds with the lowest and the highest.

    `best` marks the best of all members, and those that the seeds do not show to be worse; none is marked where no
    member is clearly worse than the best (see `ranking`).
    """

    median: float | None
    low: float | None
    high: float | None
    best: bool = False


@dataclass(frozen=True)
class MemberRow:
    """One member: each metric's spread, what was published of the same model, its size and its time."""

    name: str
    metrics: Mapping[str, Spread]
    published: Mapping[str, float | None]
    parameters: int | None
    seconds: Spread
    updates: int | None
    runs: tuple[str, ...]


def metric_names(comparison: Comparison) -> list[str]:
    """The metrics that some member was measured by."""
    return ordered(name for member in comparison.members for name in mapping(member.summary.get("metrics")))


def rows(comparison: Comparison) -> list[MemberRow]:
    """A row for each member, in the order of the file; every row has every metric."""
    best = {name: _best(comparison, name) for name in metric_names(comparison)}
    table = []
    for member in comparison.members:
        metrics = mapping(member.summary.get("metrics"))
        spreads = {name: _spread(metrics.get(name), member.name in best[name]) for name in best}
        own = own_model(member)
        table.append(
            MemberRow(
                member.name,
                spreads,
                {name: number(value) for name, value in published_metrics(member).get(own or "", {}).items()},
                _whole(member.summary.get("parameters")),
                _spread(member.summary.get("seconds"), False),
                _whole(member.summary.get("updates")),
                member.paths,
            )
        )
    return table


def published_metrics(member: Member) -> dict[str, dict[str, Any]]:
    """The published metrics that came with a member, by model."""
    stated = mapping(mapping(member.summary.get("published")).get("metrics"))
    return {model: mapping(values) for model, values in stated.items()}


def own_model(member: Member) -> str | None:
    """The published model that a member corresponds to: the only one given, or the one named like it."""
    models = list(published_metrics(member))
    if len(models) == 1:
        return models[0]
    wanted = _plain(member.name)
    for model in models:
        other = _plain(model)
        if other == wanted or (min(len(other), len(wanted)) >= 8 and other[:8] == wanted[:8]):
            return model
    return None


def comparison_table(folder: Path) -> list[MemberRow]:
    """The rows of the table of the comparison in `folder`."""
    return rows(read_comparison(Path(folder), runs=False))


def _whole(value: Any) -> int | None:
    known = number(value)
    return None if known is None else round(known)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "plus"))


def values_of(member: Member, name: str) -> list[float]:
    """The finite values of the metric `name` of the `member`, one a seed."""
    stated = mapping(member.summary.get("metrics")).get(name)
    if not isinstance(stated, dict):
        value = number(stated)
        return [] if value is None else [value]
    listed = stated.get("values")
    values = [number(value) for value in listed] if isinstance(listed, list) else []
    known = [value for value in values if value is not None]
    median = number(stated.get("median"))
    return known or ([] if median is None else [median])


def direction(comparison: Comparison, name: str) -> bool | None:
    """Whether less of the metric `name` is better, by the bounds of the members of `comparison`, or else by its name;
    None: neither."""
    bounds = [mapping(mapping(member.summary.get("bounds")).get(name)) for member in comparison.members]
    return lower_is_better(name, next(filter(None, bounds), None))


def _spread(value: Any, best: bool) -> Spread:
    known = mapping(value)
    median = number(known.get("median")) if known else number(value)
    return Spread(median, number(known.get("low")), number(known.get("high")), best)


def _best(comparison: Comparison, name: str) -> tuple[str, ...]:
    lower = direction(comparison, name)
    if lower is None:
        return ()
    return ranking({member.name: values_of(member, name) for member in comparison.members}, lower=lower).marked
