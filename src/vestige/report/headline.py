"""The metric by which a run is evaluated, and what its preset would have been."""

from vestige.errors import UsageError
from vestige.experiments.entry import Entry
from vestige.registries import registry
from vestige.report.metrics import lower_is_better, metric, ordered
from vestige.report.run import Run


def entry_of(run: Run) -> Entry | None:
    """The run's experiment in the catalogue; None where it is not there, as that of a plugin that is not loaded."""
    try:
        return registry("experiment").find(str(run.config.get("experiment")))
    except UsageError:
        return None


def headline(run: Run) -> str | None:
    """The metric that counts: the one that the task states, or else the first result that has a direction; None where
    nothing was evaluated."""
    entry = entry_of(run)
    stated = run.config.get("metric") or (entry and next(iter(entry.presets.values())).task.metric)
    if stated in run.metrics:
        return str(stated)
    known = [name for name in ordered(run.metrics) if metric(name).role == "result"]
    return next((name for name in known if lower_is_better(name, run.bounds.get(name)) is not None), None)


def planned(run: Run) -> tuple[int | None, int | None]:
    """The updates that the run was to make, and those of its preset; None where that is not known."""
    options = run.config.get("all_options")
    asked = options.get("steps") if isinstance(options, dict) else None
    entry, preset = entry_of(run), run.config.get("preset")
    known = entry.presets.get(str(preset)) if entry else None
    return (asked if isinstance(asked, int) else None), (known.steps if known else None)
