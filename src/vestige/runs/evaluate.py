"""The final evaluation of a model, and where it is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Components, Experiment
from vestige.experiments.protocols import DiagnosesItself, DiagnosesModels
from vestige.runs.distances import by_distance, storage_by_distance
from vestige.storage.durable import writing
from vestige.tasks import Evaluation
from vestige.tasks.evaluation import evaluate as on_task
from vestige.tasks.evaluation import scalars
from vestige.typing import Diagnostics, Key


def evaluate(
    entry: Entry,
    experiment: Experiment,
    components: Components,
    model: Any,
    *,
    parts: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Evaluate a trained model at the end of a run.

    **Arguments:**

    - `entry`, `experiment`, `components`: of the run.
    - `model`: trained.
    - `parts`: receives how many parts of the evaluation are done, and of how many.

    **Returns:** final metrics with published numbers and bounds beside them, and the arrays for the report.
    """
    key = jax.random.fold_in(components.key, 1)
    extras = _diagnostics(experiment, components)
    parts(0, 1 + len(extras))
    found = _of_task(components.task, model, size=experiment.eval_size, key=key)
    metrics, arrays = dict(found.metrics), dict(found.arrays)
    for number, diagnose in enumerate(extras, 1):
        parts(number, 1 + len(extras))
        extra = diagnose(model, key)
        metrics |= extra.metrics
        arrays |= extra.arrays
    results = {
        "metrics": metrics,
        "metrics_train": found.metrics_train,
        "published": entry.published(experiment),
        "bounds": found.bounds,
    }
    return results, arrays


def _diagnostics(experiment: Experiment, components: Components) -> list[Callable[[Any, Key], Diagnostics]]:
    """What is measured beside the metrics of the task: functions of the model and a key."""
    found: list[Callable[[Any, Key], Diagnostics]] = []
    if experiment.task.distance is not None:
        found.append(lambda model, key: by_distance(experiment, components, model, key=key))
    if experiment.rule.reports_storage:
        found.append(lambda model, key: storage_by_distance(experiment, components))
    if isinstance(rule := components.rule, DiagnosesItself):
        found.append(lambda model, key: rule.diagnostics(model, components.task, key=key))
    return found


def _of_task(task: Any, model: Any, *, size: int, key: Key) -> Evaluation:
    if isinstance(task, DiagnosesModels):
        return task.diagnostics(model, size=size, key=key)
    found = on_task(task, model, size, key=key)
    return Evaluation(scalars(found), {}, task.bounds(found), {})


def write_evaluation(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write `arrays` to `path`, whole or not at all. **Raises:** `RunError` where that fails."""
    with writing(path) as file:
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]
