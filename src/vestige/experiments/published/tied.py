"""Numbers of neighbouring work; the paper's own could not be read."""

from vestige.experiments.entry import Published
from vestige.experiments.experiment import Experiment
from vestige.models.tied.specs import TiedPairSpec
from vestige.tasks.tied.specs import BinaryDigitsSpec

_SOURCE = "Bornschein and Bengio 2015 (reweighted wake-sleep), Mnih and Gregor 2014 (NVIL, a bound), as recalled"
_NOTE = (
    "Layers 784-200-200 without labels, on another fixed binarisation than ours, trained for hundreds of epochs; an "
    "orientation. Of Flach et al. 2017 no number could be read."
)
_NLL = {"wake-sleep": 106.9, "RWS": 93.4, "NVIL": 99.8}


def mnist(experiment: Experiment) -> Published:
    """Those of exactly these layers; empty for others."""
    task, model = experiment.task, experiment.model
    unlabelled = isinstance(task, BinaryDigitsSpec) and task.source == "mnist" and not task.labelled
    if not unlabelled or not isinstance(model, TiedPairSpec) or model.layers != "200-200":
        return {}
    return {"source": _SOURCE, "note": _NOTE, "metrics": {name: {"nll": value} for name, value in _NLL.items()}}
