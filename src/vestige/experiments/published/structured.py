"""Numbers of others to stand beside structured latents in models."""

from vestige.experiments.entry import Published
from vestige.experiments.experiment import Experiment
from vestige.models.structured.graph_specs import RelationalSpec
from vestige.tasks.structured.specs import GraphLayoutSpec

LAYOUT = {
    10: {
        "independent directed edges": (-1370, 0.48, 0.93),
        "top-(n-1), relaxed": (-2100, 0.41, 0.41),
        "spanning tree, relaxed": (-1080, 0.91, 0.91),
    },
    20: {
        "independent directed edges": (-1340, 0.97, 0.99),
        "top-(n-1), relaxed": (-1700, 0.98, 0.98),
        "spanning tree, relaxed": (-1280, 0.99, 0.99),
    },
}
"""Frames -> model -> test bound, precision and recall of edges."""


def graph_layout(experiment: Experiment) -> Published:
    """The numbers for trees of ten nodes and as many frames; none for other sizes.

    **Arguments:**

    - `experiment`: the settings.
    """
    task = experiment.task
    if not isinstance(task, GraphLayoutSpec) or task.nodes != 10 or task.steps not in LAYOUT:
        return {}
    if not isinstance(experiment.model, RelationalSpec):
        return {}
    names = ("elbo", "edge_precision", "edge_recall")
    table = {model: dict(zip(names, row, strict=True)) for model, row in LAYOUT[task.steps].items()}
    return {
        "source": "Paulus et al. 2020 (stochastic softmax tricks), recalled from memory and not seen again",
        "note": "Width 256, 50,000 updates of 128 layouts, trained on rollouts. Of the score-function runs of "
        "Struminsky et al. 2021 no numbers could be recovered.",
        "metrics": table,
    }
