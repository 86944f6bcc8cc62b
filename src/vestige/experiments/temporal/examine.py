"""What a trained temporal model came to."""

from typing import Any

import numpy as np

from vestige.experiments.contract import Findings
from vestige.experiments.temporal.gap import importance_gap
from vestige.experiments.temporal.portrait import portrait
from vestige.models.temporal import TemporalModel
from vestige.tasks import AbstractFrameTask
from vestige.training.evaluation import evaluate_many, scalars
from vestige.typing import Key

REPEATS = 8  # evaluations behind the final metrics


def examine(task: AbstractFrameTask[Any], model: TemporalModel, *, size: int, key: Key) -> Findings:
    """Metrics on held-out and on training images, `size` sequences at a time, the tighter bound, and pictures."""
    held_out = evaluate_many(task, model, size, REPEATS, key=key)
    seen = evaluate_many(task.on_training_images(), model, size, REPEATS, key=key)
    metrics = scalars(held_out)
    metrics["negative_iw_bound"] = metrics["negative_bound"] - float(importance_gap(task, model, key=key))
    curves = {name: np.asarray(value) for name, value in held_out.items() if np.ndim(value)}
    return Findings(metrics, scalars(seen), task.bounds(held_out), {**curves, **portrait(task, model, key=key)})
