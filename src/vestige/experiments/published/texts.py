"""Published accuracies and arcs of nested list operations."""

from vestige.experiments.entry import Published
from vestige.experiments.experiment import Experiment
from vestige.tasks.text.specs import ListOpsSpec

_SOURCE = "Paulus et al. 2020 (rows marked recalled), and single runs in a co-author's repository"
_NOTE = (
    "Recalled: from memory, to be checked before they are quoted. Repository: early single runs with T-REINFORCE+ and "
    "RELAX, tuned otherwise than the final ones; the results of Struminsky et al. 2021 are not among them."
)
LISTOPS = {
    "recalled: LSTM alone": {"accuracy": 0.921},
    "recalled: independent directed arcs": {"accuracy": 0.901, "arc_precision": 0.130, "arc_recall": 0.564},
    "recalled: spanning tree, relaxed": {"accuracy": 0.912, "arc_precision": 0.331, "arc_recall": 0.479},
    "recalled: arborescence, relaxed": {"accuracy": 0.950, "arc_precision": 0.750, "arc_recall": 0.719},
    "recalled: true arcs": {"accuracy": 0.981, "arc_precision": 1.0, "arc_recall": 1.0},
    "repository: T-REINFORCE+, 2 draws": {
        "accuracy": 0.968,
        "arc_precision": 0.802,
        "arc_recall": 0.802,
        "clean_precision": 0.896,
        "exact_parse": 0.203,
    },
    "repository: T-REINFORCE+, 5 draws": {
        "accuracy": 0.973,
        "arc_precision": 0.785,
        "arc_recall": 0.785,
        "clean_precision": 0.884,
        "exact_parse": 0.201,
    },
    "repository: RELAX": {
        "accuracy": 0.951,
        "arc_precision": 0.748,
        "arc_recall": 0.748,
        "clean_precision": 0.811,
        "exact_parse": 0.232,
    },
}


def listops(experiment: Experiment) -> Published:
    """Those of expressions up to depth 5 and 49 tokens; none for other ones."""
    if experiment.task != ListOpsSpec():
        return {}
    return {"source": _SOURCE, "note": _NOTE, "metrics": LISTOPS}
