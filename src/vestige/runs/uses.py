"""What the model of a finished run can be used for."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.experiments.protocols import GeneratesSamples, GeneratesSequences, PredictsTables, ServesWithoutData
from vestige.tasks.completions import CompletesTables
from vestige.tasks.stepwise import AbstractStepPredictor


def uses_of(experiment: Experiment, task: Any, model: Any, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """The commands that take a run of this kind, most telling first: `sample`, `predict`, `forecast`, `score`,
    `complete`, and `evaluate` and `export`, which take every run.

    **Arguments:**

    - `experiment`, `task`, `model`: of the run, trained.
    - `arrays`: of its evaluation.
    """
    uses = []
    if isinstance(experiment.task, ServesWithoutData) and isinstance(task, PredictsTables):
        predictor = task.predictor(model, arrays)
        uses.append("predict")
        if isinstance(predictor, AbstractStepPredictor):
            uses.append("forecast")
        uses.append("score")
        if isinstance(task, CompletesTables) or (
            isinstance(predictor, AbstractStepPredictor) and _completes(predictor)
        ):
            uses.append("complete")
    if isinstance(task, GeneratesSequences | GeneratesSamples):
        uses.append("sample")
    return [*uses, "evaluate", "export"]


def _completes(predictor: AbstractStepPredictor) -> bool:
    try:
        predictor.completer()
    except UsageError:
        return False
    return True
