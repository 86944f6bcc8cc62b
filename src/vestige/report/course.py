"""How a run went while it was trained."""

from vestige.report.convergence import Convergence, convergence
from vestige.report.metrics import lower_is_better, metric, ordered
from vestige.report.run import Run


def by_training(run: Run) -> Convergence | None:
    """Of a run that was evaluated too seldom: how its cost went while it was trained."""
    names = {name for line in run.lines if line.get("kind") == "train" for name in line}
    for name in ordered(names):
        lower = lower_is_better(name)
        if metric(name).role == "result" and lower is not None:
            return convergence(run.curve("train", name), lower=lower, updates=run.updates)
    return None
