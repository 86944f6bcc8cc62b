"""When a run of the catalogue stops early, by the options of its experiment."""

from typing import Any

from vestige.errors import UsageError, nearest
from vestige.experiments.experiment import Experiment
from vestige.registries import registry
from vestige.training import EarlyStopping


def early_stopping(experiment: Experiment) -> EarlyStopping | None:
    """When the run of an `experiment` stops before its last update; None where its `patience` is 0.

    **Raises:** `UsageError` where it is not known which way its metric is better.
    """
    if not experiment.patience:
        return None
    name = experiment.monitor or experiment.task.metric
    direction: Any = experiment.monitor_direction
    if direction == "auto":
        known = registry("metric")
        direction = known[name].direction if name in known else None
        if direction is None:
            hint = "" if name in known else f" {nearest(name, known)}"
            raise UsageError(
                f"--monitor {name}: it is not known which way this metric is better; pass --monitor-direction lower or "
                f"higher.{hint}"
            )
    return EarlyStopping(name, direction, patience=experiment.patience, min_delta=experiment.min_delta)
