"""What each metric is called and what it says; importing it is cheap."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from vestige.errors import UsageError
from vestige.registries import Registry, registry
from vestige.report.known_metrics import KNOWN_METRICS
from vestige.report.metric_facts import Metric
from vestige.report.numbers import number


class MetricRegistry(Registry[Metric]):
    """The metrics by name."""

    def add(self, name: str, part: Any, *, origin: str = "") -> None:
        """Register a metric. **Raises:** `UsageError` as every registry does, and where it has another name."""
        if isinstance(part, Metric) and part.name != name:
            raise UsageError(
                f"metric '{name}' of {origin or 'this program'}: the metric is called '{part.name}'; register it by "
                "that name"
            )
        super().add(name, part, origin=origin)


METRICS = MetricRegistry("metric", Metric, {metric.name: metric for metric in KNOWN_METRICS})
"""The metrics that are explained, in the order in which they are shown; those of plugins come last."""
_HIGHER = ("accuracy", "log_likelihood", "coherence")
_LOWER = ("kl", "loss", "error", "bound")


def metric(name: str) -> Metric:
    """What is known of the metric called `name`; a plain reading of the name if nothing is."""
    known = registry("metric")
    if name in known:
        return known[name]
    direction: Literal["lower", "higher"] | None = None
    if any(part in name for part in _HIGHER):
        direction = "higher"
    elif any(name.startswith(part) or name.endswith(part) for part in _LOWER):
        direction = "lower"
    label = name.replace("_", " ").strip()
    return Metric(name, label[:1].upper() + label[1:], "", direction)


def ordered(names: Iterable[str]) -> list[str]:
    """The names without repeats: the known ones in their order, then the others as they came."""
    given = list(dict.fromkeys(names))
    known = registry("metric")
    return [name for name in known if name in given] + [name for name in given if name not in known]


def lower_is_better(name: str, bound: Mapping[str, Any] | None = None) -> bool | None:
    """Which way the metric `name` is better, by the best and chance values of `bound` if both are known, else by the
    name; None for baselines and constants.
    """
    known = metric(name)
    best, chance = number((bound or {}).get("best")), number((bound or {}).get("chance"))
    if known.role not in ("baseline", "constant") and best is not None and chance is not None and best != chance:
        return best < chance
    return known.lower_is_better


def shared_unit(names: Iterable[str]) -> str:
    """The unit of all these metrics; empty where they have none, or not all the same."""
    units = {metric(name).unit for name in names}
    return units.pop() if len(units) == 1 else ""
