"""Numbers of the literature for models that only go forward in time."""

from vestige.experiments.entry import Published
from vestige.experiments.experiment import Experiment
from vestige.tasks.filtering.specs import BallsSpec, MusicSpec


def balls(experiment: Experiment) -> Published:
    """Those of films of three balls at the same resolution."""
    task = experiment.task
    if not isinstance(task, BallsSpec) or task.balls != 3:
        return {}
    errors = {
        30: {"RTRBM": 3.88, "structured RTRBM": 3.31, "DTSBN": 2.79},
        15: {"RTRBM": 2.11, "RNN-RBM": 0.96},
    }.get(task.resolution, {})
    if not errors:
        return {}
    return {
        "source": "Gan et al. 2015, Mittelman et al. 2014 (30 x 30); Boulanger-Lewandowski et al. 2012 (15 x 15)",
        "note": "Recalled, not checked against the papers. Squared error of the next frame, summed over pixels.",
        "metrics": {model: {"frame_error": value} for model, value in errors.items()},
    }


def music(experiment: Experiment) -> Published:
    """Those of the same corpus."""
    task = experiment.task
    if not isinstance(task, MusicSpec):
        return {}
    values = {
        "jsb": {"RTRBM": -6.35, "RNN-RBM": -6.27},
        "nottingham": {"RTRBM": -2.62, "RNN-RBM": -2.39},
        "piano-midi": {"RTRBM": -7.36, "RNN-RBM": -7.09},
        "musedata": {"RTRBM": -6.35, "RNN-RBM": -6.01},
    }[task.corpus]
    return {
        "source": "Boulanger-Lewandowski, Bengio & Vincent 2012, table 1",
        "note": "Recalled, not checked against the paper. Mean log-likelihood per frame, held out, in nats.",
        "metrics": {model: {"log_likelihood": value} for model, value in values.items()},
    }
