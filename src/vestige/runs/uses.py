"""What the model of a finished run can be used for."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vestige.errors import UsageError
from vestige.experiments.experiment import Experiment
from vestige.experiments.protocols import GeneratesSamples, GeneratesSequences, PredictsTables, ServesWithoutData
from vestige.tasks.completions import CompletesTables
from vestige.tasks.predictions import AbstractPredictor
from vestige.tasks.stepwise import AbstractStepPredictor


def uses_of(experiment: Experiment, task: Any, model: Any, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """The commands that take a run of this kind, most telling first: `sample`, `predict`, `forecast`, `score`,
    `complete`, and `evaluate` and `export`, which take every run.

    **Arguments:**

    - `experiment`, `task`, `model`: of the run, trained.
    - `arrays`: of its evaluation.
    """
    uses = []
    predictor = _predictor(experiment, task, model, arrays)
    if predictor is not None:
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


def _predictor(
    experiment: Experiment, task: Any, model: Any, arrays: Mapping[str, np.ndarray]
) -> AbstractPredictor | None:
    """What predicts other files; None where nothing does, as where arrays without names were read."""
    if not isinstance(experiment.task, ServesWithoutData) or not isinstance(task, PredictsTables):
        return None
    try:
        return task.predictor(model, arrays)
    except UsageError:
        return None


def _completes(predictor: AbstractStepPredictor) -> bool:
    try:
        predictor.completer()
    except UsageError:
        return False
    return True
