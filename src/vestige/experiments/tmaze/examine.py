"""What a trained agent came to."""

from vestige.experiments.contract import Findings
from vestige.models.policy import Agent
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.tmaze import MazeControl
from vestige.typing import Key


def examine(task: MazeControl, model: Agent, *, size: int, key: Key) -> Findings:
    """Metrics on fresh episodes; there are no others."""
    metrics = evaluate(task, model, size, key=key)
    return Findings(scalars(metrics), {}, task.bounds(metrics), {})
