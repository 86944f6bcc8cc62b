"""Numbers of the paper on MemUP, to stand beside ours: the rows of its tables that could be recovered."""

from vestige.experiments.entry import Published
from vestige.experiments.experiment import Experiment
from vestige.tasks.longterm.specs import AddSpec, CopySpec, PixelsSpec
from vestige.tasks.spec import TaskSpec

_SOURCE = "Sorokin et al. 2022 (arXiv:2207.13649), tables"
_NOTE = "Of the six or seven models of each table only these two rows could be recovered. LSTM unless said otherwise."

_COPY = {100: (1.0, 1.0), 5000: (0.993, 0.708)}
_SCATTERED = {5000: (0.999, 0.303)}
_ADD = {5000: (0.0053, 0.0121)}
_PIXELS = {784: (0.954, 0.9643), 3136: (0.943, 0.9031)}


def published(experiment: Experiment) -> Published:
    """Those of exactly these sequences; empty where there are none."""
    numbers = _of(experiment.task)
    if numbers is None:
        return {}
    metric = experiment.task.metric
    return {
        "source": _SOURCE,
        "note": _NOTE,
        "metrics": {name: {metric: value} for name, value in zip(("MemUP", "SRNN"), numbers, strict=True)},
    }


def _of(task: TaskSpec) -> tuple[float, float] | None:
    if isinstance(task, CopySpec) and task.symbols == 10 and task.alphabet in (None, 8):
        return {"block": _COPY, "scattered": _SCATTERED, "positional": {}}[task.layout].get(task.length)
    if isinstance(task, AddSpec):
        return _ADD.get(task.length)
    if isinstance(task, PixelsSpec) and task.source == "mnist" and task.size is None and task.permuted:
        return _PIXELS.get(task.distance)
    return None
