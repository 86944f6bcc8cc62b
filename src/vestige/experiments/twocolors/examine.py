"""What a trained memory came to."""

from vestige.experiments.contract import Findings
from vestige.models.longterm import LongTermModel
from vestige.tasks.evaluation import evaluate, scalars
from vestige.tasks.twocolors import ColorEpisodes
from vestige.typing import Key


def examine(task: ColorEpisodes, model: LongTermModel, *, size: int, key: Key) -> Findings:
    """Metrics on held-out episodes, and on as many of those it was trained on."""
    metrics = evaluate(task, model, size, key=key)
    seen = ColorEpisodes(task.train, task.train)
    learned = evaluate(seen, model, min(size, task.train.episodes), key=key)
    return Findings(scalars(metrics), scalars(learned), task.bounds(metrics), {})
